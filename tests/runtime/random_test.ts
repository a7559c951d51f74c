import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { hashName, pcg, randomNormal, randomUniform } from "../../src/runtime/random.ts";

Deno.test("pcg() is the published hash", () => {
  // PCG-RXS-M-XS 32 of 0, 1 and 2^32 - 1, computed with 64-bit integers
  const exact = (x: bigint) => {
    const mask = 0xffffffffn;
    const state = (x * 747796405n + 2891336453n) & mask;
    const word = (((state >> ((state >> 28n) + 4n)) ^ state) * 277803737n) & mask;
    return Number((word >> 22n) ^ word);
  };
  for (const x of [0, 1, 12345, 0xffffffff]) assertEquals(pcg(x), exact(BigInt(x)));
});

Deno.test("randomUniform() and randomNormal() have the moments of their distributions", () => {
  const count = 20000;
  const moments = (draw: (i: number) => number) => {
    let sum = 0, squares = 0;
    for (let i = 0; i < count; i++) {
      const value = draw(i);
      sum += value;
      squares += value * value;
    }
    return [sum / count, squares / count];
  };
  const [uniformMean, uniformSquare] = moments((i) => randomUniform(7, 3, 1, i));
  assertAlmostEquals(uniformMean, 1 / 2, 0.01);
  assertAlmostEquals(uniformSquare, 1 / 3, 0.01);
  const [normalMean, normalSquare] = moments((i) => randomNormal(7, 3, 6, i));
  assertAlmostEquals(normalMean, 0, 0.03);
  assertAlmostEquals(normalSquare, 1, 0.05);
});

Deno.test("hashName() is FNV-1a", () => {
  assertEquals(hashName(""), 0x811c9dc5);
  assertEquals(hashName("a"), 0xe40c292c);
  assert(hashName("ab") !== hashName("ba"));
});
