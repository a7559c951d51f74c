import { assertEquals } from "@std/assert";
import { asRecipe } from "../../src/recipes/as_recipe.ts";
import { balloon, own } from "../../src/recipes/recipe.ts";
import { recipeValues, valueFields, withValues } from "../../src/recipes/recipe_values.ts";

Deno.test("recipeValues() has a field for every value of a recipe, and changes nothing there and back", () => {
  for (const recipe of [balloon("full"), balloon("small"), own("small", ["A"])]) {
    const values = recipeValues(recipe);
    assertEquals(Object.keys(valueFields).sort(), Object.keys(values).sort());
    assertEquals(JSON.stringify(withValues(recipe, values)), JSON.stringify(recipe));
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
