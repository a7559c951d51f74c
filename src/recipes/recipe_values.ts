/**
 * A recipe's values on one level, under the names of their flags.
 *
 * @module
 */
import type { Field, Fields } from "./field.ts";
import { discreteFields, modelFields, odeFields, recipeFields } from "./fields.ts";
import {
  defaultTrajectory,
  type DiscreteTrajectory,
  type ModelSizes,
  type OdeTrajectory,
  type Recipe,
  type Trajectory,
} from "./recipe.ts";

/** A recipe's numbers and switches on one level, without names and loss weights; of the other kind of trajectory the defaults. */
export type RecipeValues =
  & Omit<Recipe, "name" | "preset" | "scenes" | "model" | "lossWeights" | "trajectory">
  & ModelSizes
  & { trajectory: Trajectory["kind"] }
  & Prefixed<"trajectory", DiscreteTrajectory>
  & Prefixed<"ode", OdeTrajectory>;

/** `stepSize` → `odeStepSize` */
type Prefixed<P extends string, T extends Trajectory> = {
  [K in Exclude<keyof T, "kind"> & string as `${P}${Capitalize<K>}`]: T[K];
};

/** The numbers of both kinds of trajectory, and their names on one level. */
const trajectoryNumbers =
  ([["discrete", "trajectory", discreteFields], ["ode", "ode", odeFields]] as const).flatMap(
    ([kind, prefix, fields]) =>
      Object.entries<Field>(fields).map(([name, field]) => ({
        kind,
        name: name as keyof Trajectory,
        flat: prefix + name[0].toUpperCase() + name.slice(1),
        field,
      })),
  );

const { model: _, lossWeights: __, ...ownFields } = recipeFields;

/** The field of each value. */
export const valueFields = {
  ...ownFields,
  ...modelFields,
  ...Object.fromEntries(trajectoryNumbers.map(({ flat, field }) => [flat, field])),
} as Fields as { readonly [K in keyof RecipeValues]: Field<RecipeValues[K]> };

/** A recipe's values on one level. */
export function recipeValues(recipe: Recipe): RecipeValues {
  const { name: _, preset, scenes: __, model, lossWeights: ___, trajectory, ...values } = recipe;
  const numbers = trajectoryNumbers.map(({ kind, name, flat }) => {
    const own = kind === trajectory.kind ? trajectory : defaultTrajectory(kind, preset);
    return [flat, own[name]];
  });
  const flat = { ...values, ...model, trajectory: trajectory.kind };
  return { ...flat, ...Object.fromEntries(numbers) };
}

/** The recipe with other values, of which it takes those that are its own. */
export function withValues(recipe: Recipe, values: RecipeValues): Recipe {
  const own = <T extends object>(part: T): T => {
    const taken = Object.keys(part).filter((name) => name in valueFields);
    return { ...part, ...Object.fromEntries(taken.map((name) => [name, values[name as never]])) };
  };
  const kind = values.trajectory;
  const numbers = trajectoryNumbers.filter((number) => number.kind === kind)
    .map(({ name, flat }) => [name, values[flat as never]]);
  const trajectory = { kind, ...Object.fromEntries(numbers) };
  return { ...own(recipe), model: own(recipe.model), trajectory };
}
