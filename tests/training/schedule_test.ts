import { assertAlmostEquals, assertEquals } from "@std/assert";
import { full } from "../../src/recipes/recipe.ts";
import { learningRate } from "../../src/training/schedule.ts";

Deno.test("learningRate() starts at 5e-4 and falls tenfold in 300 000 steps", () => {
  assertEquals(learningRate(0, full), 5e-4);
  assertAlmostEquals(learningRate(300_000, full), 5e-5, 1e-15);
  assertAlmostEquals(learningRate(150_000, full), 5e-4 / Math.sqrt(10), 1e-15);
});

Deno.test("learningRate() takes another start and another decay", () => {
  const recipe = { learningRate: 1, learningRateDecay: 0.25, learningRateDecaySteps: 1000 };
  assertEquals(learningRate(500, recipe), 0.5);
  assertEquals(learningRate(500, { ...recipe, learningRateDecay: 1 }), 1);
});
