import { assertEquals } from "@std/assert";
import {
  balloon,
  balloonUmbrella,
  full,
  generalization,
  own,
  recipes,
  small,
  unseenFrames,
} from "../../src/recipes/recipe.ts";

Deno.test("full has the sizes of the paper", () => {
  assertEquals(full.model.hidden, 256);
  assertEquals([full.rays, full.samples], [1024, 64]);
  assertEquals(full.trajectory, { kind: "discrete", steps: 2 });
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
  assertEquals([full.positionGain, full.flowGain, full.staticDepthAnchor], [1, 1, 0]);
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

Deno.test("recipes differ from their preset where their experiments do", () => {
  assertEquals(balloonUmbrella("full"), {
    ...balloon("full"),
    name: "balloon-umbrella",
    scenes: ["Balloon2", "Umbrella"],
  });
  const unseen = unseenFrames("full", ["Truck"]);
  assertEquals([unseen.scenes, unseen.dynamicFrames], [["Truck"], 5]);
  assertEquals([unseen.staticSteps, unseen.dynamicSteps], [100_001, 150_001]);
  const novel = generalization("full");
  assertEquals([novel.scenes, novel.staticSteps, novel.dynamicSteps], [["Skating"], 2000, 2000]);
  for (const recipe of [unseen, novel]) assertEquals(recipe.lossWeights, { maskWarped: 0.01 });
  assertEquals(unseenFrames("small").lossWeights, {
    ...small.lossWeights,
    maskWarped: 0.01,
  });
});
