import { assertEquals, assertThrows } from "@std/assert";
import { asRecipe } from "../../src/recipes/as_recipe.ts";
import { balloon, recipes } from "../../src/recipes/recipe.ts";

Deno.test("asRecipe() takes every recipe of either preset as it is", () => {
  for (const { make } of Object.values(recipes)) {
    for (const preset of ["full", "small"] as const) {
      assertEquals(asRecipe(make(preset)), make(preset));
    }
  }
});

Deno.test("asRecipe() takes recipes from before trajectories had kinds", () => {
  const { trajectory: _, ...old } = balloon("small");
  const recipe = asRecipe({ ...old, trajectorySteps: 3 });
  assertEquals(recipe, { ...balloon("small"), trajectory: { kind: "discrete", steps: 3 } });
});

Deno.test("asRecipe() takes recipes from before encoders trained", () => {
  const { trainEncoders: _, ...old } = balloon("small");
  assertEquals(asRecipe(old), balloon("small"));
});

Deno.test("asRecipe() takes recipes from before initial values had gains and depth an anchor", () => {
  const before = {
    positionGain: 1,
    flowGain: 1,
    staticDepthAnchor: 0,
    skipNorm: 0,
    smoothnessFar: 0.999,
  };
  const old = Object.fromEntries(
    Object.entries(balloon("small")).filter(([name]) => !(name in before)),
  );
  assertEquals(asRecipe(old), { ...balloon("small"), ...before });
});

Deno.test("asRecipe() names the field that is wrong, and what is wanted", () => {
  const recipe = balloon("small");
  const cases: [unknown, string][] = [
    [null, '"recipe" is null, wanted an object'],
    [{ ...recipe, rays: "many" }, '"rays" is "many", wanted a whole number of at least 2 (rays)'],
    [{ ...recipe, rays: 2.5 }, '"rays" is 2.5, wanted a whole number of at least 2 (rays)'],
    [{ ...recipe, learningRate: 0 }, '"learningRate" is 0, wanted a number above 0'],
    [
      { ...recipe, seed: -1 },
      '"seed" is -1, wanted a whole number of at least 0 and of at most 4294967295',
    ],
    [
      { ...recipe, model: { ...recipe.model, videoWidth: 6 } },
      '"videoWidth" is 6, wanted a whole number of at least 4 and divisible by 4 (channels)',
    ],
    [{ ...recipe, recompute: 1 }, '"recompute" is 1, wanted true or false'],
    [
      { ...recipe, encoderStatistics: "no" },
      '"encoderStatistics" is "no", wanted batch or running',
    ],
    [{ ...recipe, model: { ...recipe.model, hidden: null } }, '"hidden" is null'],
    [{ ...recipe, lossWeights: { slow: "0" } }, '"lossWeights.slow" is "0", wanted a number'],
    [
      { ...recipe, lossWeights: { smoothTme: 1 } },
      'Unknown loss term "smoothTme", did you mean "smoothTime"? in "lossWeights"',
    ],
    [{ ...recipe, model: { ...recipe.model, width: 1 } }, '"model.width" is unknown'],
    [{ ...recipe, rays: undefined }, '"rays" is undefined'],
    [{ ...recipe, scenes: "Balloon1" }, '"scenes" is "Balloon1", wanted a list of names'],
    [{ ...recipe, later: 1 }, '"later" is unknown'],
    [{ ...recipe, odeSolver: "rk4" }, '"odeSolver" is unknown'],
    [{ ...recipe, trajectorySteps: 2 }, '"trajectorySteps" is unknown'],
    [{ ...recipe, trajectory: "ode" }, '"trajectory" is "ode", wanted an object'],
    [
      { ...recipe, trajectory: { kind: "euler" } },
      '"trajectory.kind" is "euler", wanted discrete or ode',
    ],
    [
      { ...recipe, trajectory: { kind: "discrete", steps: 2, rtol: 1 } },
      '"trajectory.rtol" is unknown',
    ],
    [
      { ...recipe, trajectory: { kind: "discrete", steps: 0 } },
      '"trajectorySteps" is 0, wanted a whole number of at least 1 (steps)',
    ],
    [{ ...recipe, samples: undefined }, '"samples" is undefined'],
  ];
  for (const [value, message] of cases) {
    assertThrows(() => asRecipe(value), TypeError, message);
  }
});
