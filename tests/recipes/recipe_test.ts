import { assertEquals } from "@std/assert";
import { balloon, full, own, recipes, small } from "../../src/recipes/recipe.ts";

Deno.test("full has the sizes of the paper", () => {
  assertEquals(full.model.hidden, 256);
  assertEquals([full.rays, full.samples, full.trajectorySteps], [1024, 64, 2]);
  assertEquals([full.staticSteps, full.dynamicSteps], [150_001, 150_001]);
  assertEquals([full.learningRate, full.learningRateDecaySteps, full.clipNorm], [
    5e-4,
    300_000,
    10,
  ]);
  assertEquals([full.encoderWidth, full.encoderHeight, full.encoderStatistics], [
    270,
    480,
    "batch",
  ]);
  assertEquals(full.lossWeights, {});
});

Deno.test("small keeps a depth blending band of two sample spacings", () => {
  assertEquals(small.depthBlendingThickness >= 2 / small.samples, true);
});

Deno.test("recipes make experiments of their own name, of either preset", () => {
  for (const [name, { make }] of Object.entries(recipes)) {
    for (const preset of ["full", "small"] as const) {
      const recipe = make(preset);
      assertEquals([recipe.name, recipe.preset], [name, preset]);
    }
  }
  assertEquals(balloon("full").scenes, ["Balloon1", "Balloon2"]);
  assertEquals(own("full", ["Skating"]).scenes, ["Skating"]);
});
