import { assertAlmostEquals, assertEquals } from "@std/assert";
import { learningRate } from "../../src/training/schedule.ts";

Deno.test("learningRate() starts at 5e-4 and falls tenfold in 300 000 steps", () => {
  assertEquals(learningRate(0), 5e-4);
  assertAlmostEquals(learningRate(300_000), 5e-5, 1e-15);
  assertAlmostEquals(learningRate(150_000), 5e-4 / Math.sqrt(10), 1e-15);
});

Deno.test("learningRate() takes another start and another decay", () => {
  assertAlmostEquals(learningRate(500, { initial: 1, decaySteps: 1000 }), Math.sqrt(0.1), 1e-15);
});
