import { assertEquals } from "@std/assert";
import { livesOf, place } from "../../src/runtime/placement.ts";

Deno.test("livesOf() counts from the first to the last dispatch that touches something", () => {
  const lives = livesOf([["x", "a"], ["a", "b"], ["b", "c"], ["a", "c"]]);
  assertEquals([...lives], [
    ["x", { first: 0, last: 0 }],
    ["a", { first: 0, last: 3 }],
    ["b", { first: 1, last: 2 }],
    ["c", { first: 2, last: 3 }],
  ]);
});

Deno.test("place() never gives one buffer to two tenants that live at the same time", () => {
  const tenants = Array.from({ length: 200 }, (_, i) => {
    const first = (i * 7919) % 97;
    return { size: 1 + (i * 104729) % 1000, first, last: first + (i * 31) % 23 };
  });
  const { pools, poolOf } = place(tenants);
  assertEquals(poolOf.size, tenants.length);
  for (const [at, { size, tenants: sharing }] of pools.entries()) {
    for (const tenant of sharing) {
      assertEquals(poolOf.get(tenant), at);
      assertEquals(tenant.size <= size, true);
      const others = sharing.filter((other) => other !== tenant);
      assertEquals(
        others.some((other) => other.first <= tenant.last && tenant.first <= other.last),
        false,
      );
    }
  }
  const most = Math.max(
    ...Array.from(
      { length: 120 },
      (_, at) => tenants.filter(({ first, last }) => first <= at && at <= last).length,
    ),
  );
  assertEquals(pools.length < tenants.length / 3 && pools.length >= most, true, `${pools.length}`);
});

Deno.test("place() puts a chain into two buffers, the largest first", () => {
  const chain = [10, 30, 20, 5].map((size, i) => ({ size, first: i, last: i + 1 }));
  const { pools, poolOf } = place(chain);
  assertEquals(pools.map(({ size }) => size), [30, 20]);
  assertEquals(chain.map((tenant) => poolOf.get(tenant)), [1, 0, 1, 0]);
});
