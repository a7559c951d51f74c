/**
 * Recipes from outside: `recipe.json`, checkpoints, command lines and scripts, held to their fields' rules.
 *
 * @module
 */
import type { Field } from "./field.ts";
import { discreteFields, modelFields, odeFields, recipeFields } from "./fields.ts";
import { lossTermNames } from "./loss_terms.ts";
import { presets, type Recipe } from "./recipe.ts";
import { recipeValues, valueFields } from "./recipe_values.ts";
import { keepsRule, wantedNumber } from "./rule.ts";
import { unknownName } from "./unknown_name.ts";

/**
 * Takes a value, read from a file, for a recipe; those of older versions are brought up to date.
 *
 * @throws {TypeError} If it is none; the message names the field, what it is and what was wanted.
 */
export function asRecipe(value: unknown): Recipe {
  const recipe = upToDate(requireRecord("recipe", value));
  requireKnown("", recipe, ["name", "preset", "scenes", ...Object.keys(recipeFields)]);
  requireText("name", recipe.name);
  requireText("preset", recipe.preset, Object.keys(presets));
  if (!Array.isArray(recipe.scenes)) throw wrong("scenes", recipe.scenes, "a list of names");
  for (const scene of recipe.scenes) requireText("scenes", scene);
  requireKnown("model.", requireRecord("model", recipe.model), Object.keys(modelFields));
  requireLossWeights(recipe.lossWeights);
  const { kind, ...numbers } = requireRecord("trajectory", recipe.trajectory);
  requireText("trajectory.kind", kind, recipeFields.trajectory.choices);
  const ofKind = kind === "ode" ? odeFields : discreteFields;
  requireKnown("trajectory.", numbers, Object.keys(ofKind));
  const values = recipeValues(recipe as unknown as Recipe);
  for (const [name, field] of Object.entries<Field>(valueFields)) {
    requireField(name, values[name as keyof typeof values], field);
  }
  return recipe as unknown as Recipe;
}

/**
 * Holds loss weights to the table of terms: a script may misspell one too.
 *
 * @throws {TypeError} If a term is unknown, or a weight is no number; the message names it.
 */
export function requireLossWeights(value: unknown): void {
  for (const [name, weight] of Object.entries(requireRecord("lossWeights", value))) {
    if (!(lossTermNames as readonly string[]).includes(name)) {
      throw new TypeError(`${unknownName("loss term", name, lossTermNames)} in "lossWeights"`);
    }
    if (typeof weight !== "number" || !Number.isFinite(weight)) {
      throw wrong(`lossWeights.${name}`, weight, "a number");
    }
  }
}

/** Older recipes lack fields, and have what was the rule before them; before trajectories had kinds there was a number of steps. */
function upToDate(
  { trajectorySteps, ...rest }: Record<string, unknown>,
): Record<string, unknown> {
  const missing = Object.entries<Partial<Field>>(valueFields)
    .filter(([name, { before }]) => before !== undefined && !(name in rest))
    .map(([name, { before }]) => [name, before]);
  // what is there stays in its order: equal checkpoints are equal bytes
  const recipe: Record<string, unknown> = { ...rest, ...Object.fromEntries(missing) };
  if (trajectorySteps === undefined || "trajectory" in recipe) {
    return trajectorySteps === undefined ? recipe : { ...recipe, trajectorySteps };
  }
  return { ...recipe, trajectory: { kind: "discrete", steps: trajectorySteps } };
}

function requireKnown(path: string, values: Record<string, unknown>, known: string[]): void {
  const unknown = Object.keys(values).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`"${path}${unknown}" is unknown; another version wrote it`);
}

function requireField(name: string, value: unknown, field: Field): void {
  if (field.choices) return requireText(name, value, field.choices);
  if (typeof field.full === "boolean") {
    if (typeof value !== "boolean") throw wrong(name, value, "true or false");
  } else if (typeof value !== "number" || !keepsRule(value, field)) {
    throw wrong(name, value, wantedNumber(field));
  }
}

function requireText(name: string, value: unknown, choices?: readonly unknown[]): void {
  if (typeof value === "string" && (!choices || choices.includes(value))) return;
  throw wrong(name, value, choices?.join(" or ") ?? "a text");
}

function requireRecord(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrong(name, value, "an object");
}

function wrong(name: string, value: unknown, wanted: string): TypeError {
  const shown = typeof value === "number" ? value : JSON.stringify(value); // NaN too
  return new TypeError(`"${name}" is ${shown}, wanted ${wanted}`);
}
