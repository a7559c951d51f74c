import { assert, assertEquals } from "@std/assert";
import type { View } from "../../src/evaluation/baselines.ts";
import { spreadViews } from "../../src/evaluation/views.ts";

/** All pairs of 12 times and 12 cameras that are no frame. */
const held: View[] = Array.from(
  { length: 144 },
  (_, i) => ({ time: Math.floor(i / 12), camera: i % 12 }),
)
  .filter(({ time, camera }) => time !== camera);

Deno.test("spreadViews() takes each time and each camera once where 12 of 132 views are wanted", () => {
  const views = spreadViews(held, 12);
  const all = Array.from({ length: 12 }, (_, i) => i);
  assertEquals(views.map(({ time }) => time), all);
  assertEquals(views.map(({ camera }) => camera).sort((a, b) => a - b), all);
  assertEquals(new Set(views.map(({ time, camera }) => (camera - time + 12) % 12)).size, 11);
});

Deno.test("spreadViews() takes all views where 0 or more than there are is wanted", () => {
  assertEquals(spreadViews(held, 0), held);
  assertEquals(spreadViews(held, 1000), held);
  assertEquals(spreadViews([], 3), []);
});

Deno.test("spreadViews() spreads frames evenly in time", () => {
  const frames = Array.from({ length: 12 }, (_, i) => ({ time: i, camera: i }));
  assertEquals(spreadViews(frames, 3).map(({ time }) => time), [1, 5, 9]);
});

Deno.test("spreadViews() spreads over times and cameras of a whole table too", () => {
  const all = Array.from({ length: 144 }, (_, i) => ({ time: Math.floor(i / 12), camera: i % 12 }));
  for (const count of [3, 4, 6, 12, 24, 48]) {
    const taken = spreadViews(all, count);
    const times = new Set(taken.map(({ time }) => time));
    const cameras = new Set(taken.map(({ camera }) => camera));
    assertEquals([taken.length, times.size], [count, Math.min(count, 12)]);
    assert(cameras.size >= Math.min(count, 12) / 2, `${count}: ${cameras.size} cameras`);
  }
});
