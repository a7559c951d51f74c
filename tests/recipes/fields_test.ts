import { assertEquals } from "@std/assert";
import { type Fields, valuesOf } from "../../src/recipes/field.ts";
import { discreteFields, modelFields, odeFields, recipeFields } from "../../src/recipes/fields.ts";
import { full, small } from "../../src/recipes/recipe.ts";

Deno.test("valuesOf() takes a preset's values in the order of the fields, and those of full where small has none", () => {
  const fields = {
    rays: { group: "Rays", about: "rays", full: 8, small: 2 },
    model: { hidden: { group: "Network", about: "width", full: 4, small: 0 } },
    solver: { group: "Trajectory", about: "solver", full: "a", choices: ["a", "b"] },
  } as const satisfies Fields;
  assertEquals(
    JSON.stringify([valuesOf(fields, "full"), valuesOf(fields, "small")]),
    '[{"rays":8,"model":{"hidden":4},"solver":"a"},{"rays":2,"model":{"hidden":0},"solver":"a"}]',
  );
});

Deno.test("recipeFields stand in the order of recipe.json, after the preset's name", () => {
  for (const preset of [full, small]) {
    assertEquals(Object.keys(preset), ["preset", ...Object.keys(recipeFields)]);
    assertEquals(Object.keys(preset.model), Object.keys(modelFields));
    assertEquals(Object.keys(preset.trajectory), ["kind", ...Object.keys(discreteFields)]);
  }
});

Deno.test("every field has a comment above it, which editors and deno doc show", async () => {
  const text = await Deno.readTextFile(new URL("../../src/recipes/fields.ts", import.meta.url));
  const lines = text.split("\n");
  const declared = lines.flatMap((line, i) => {
    const name = line.match(/^ {2}(\w+): /)?.[1];
    return name ? [[name, lines[i - 1].endsWith("*/")]] : [];
  });
  const names = [modelFields, discreteFields, odeFields, recipeFields].flatMap(Object.keys);
  assertEquals(declared, names.map((name) => [name, true]));
});
