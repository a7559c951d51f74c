import { assertEquals, assertThrows } from "@std/assert";
import { asRecipe, recipeFields, recipeValues, withValues } from "../../src/recipes/fields.ts";
import { balloon, own } from "../../src/recipes/recipe.ts";

Deno.test("recipeFields describe every value of a recipe, and each default is in its bounds", () => {
  for (const recipe of [balloon("full"), balloon("small"), own("small", ["A"])]) {
    assertEquals(Object.keys(recipeFields).sort(), Object.keys(recipeValues(recipe)).sort());
    assertEquals(asRecipe(recipe), recipe);
  }
});

Deno.test("withValues() changes values at their places, whatever else is given", () => {
  const recipe = balloon("small");
  const values = { ...recipeValues(recipe), rays: 64, hidden: 16, name: "other", stray: 1 };
  assertEquals(withValues(recipe, values), {
    ...recipe,
    rays: 64,
    model: { ...recipe.model, hidden: 16 },
  });
});

Deno.test("withValues() changes the trajectory's kind and numbers", () => {
  const recipe = balloon("small");
  const flat = recipeValues(recipe);
  assertEquals([flat.trajectory, flat.trajectorySteps, flat.odeSolver], ["discrete", 2, "dopri5"]);
  assertEquals(withValues(recipe, { ...flat, trajectorySteps: 4 }).trajectory, {
    kind: "discrete",
    steps: 4,
  });
  const values = {
    ...flat,
    trajectory: "ode" as const,
    odeSolver: "rk4" as const,
    odeStepSize: 0.5,
  };
  const ode = withValues(recipe, values);
  assertEquals(ode.trajectory, {
    kind: "ode",
    solver: "rk4",
    rtol: 1e-2,
    atol: 1e-3,
    maxSteps: 4,
    stepSize: 0.5,
    gradient: "backprop",
  });
  assertEquals(asRecipe(ode), ode);
  assertEquals(recipeValues(ode), values);
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
    [{ ...recipe, rays: "many" }, '"rays" is "many", wanted a whole number, at least 2'],
    [{ ...recipe, rays: 2.5 }, '"rays" is 2.5, wanted a whole number, at least 2'],
    [{ ...recipe, learningRate: 0 }, '"learningRate" is 0, wanted a number, above 0'],
    [
      { ...recipe, seed: -1 },
      '"seed" is -1, wanted a whole number, at least 0, at most 4294967295',
    ],
    [
      { ...recipe, model: { ...recipe.model, videoWidth: 6 } },
      '"videoWidth" is 6, wanted a whole number, a multiple of 4, at least 4',
    ],
    [{ ...recipe, recompute: 1 }, '"recompute" is 1, wanted true or false'],
    [
      { ...recipe, encoderStatistics: "no" },
      '"encoderStatistics" is "no", wanted batch or running',
    ],
    [{ ...recipe, model: { ...recipe.model, hidden: null } }, '"hidden" is null'],
    [{ ...recipe, lossWeights: { slow: "0" } }, '"lossWeights.slow" is "0", wanted a number'],
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
      '"trajectorySteps" is 0, wanted a whole number, at least 1',
    ],
    [{ ...recipe, samples: undefined }, '"samples" is undefined'],
  ];
  for (const [value, message] of cases) {
    assertThrows(() => asRecipe(value), TypeError, message);
  }
});
