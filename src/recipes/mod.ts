/**
 * Recipes: what is trained, and how, as plain values that a run's `recipe.json` and its checkpoint keep.
 *
 * ```ts
 * import { own } from "./mod.ts";
 *
 * const recipe = { ...own("small", ["Balloon1"]), dynamicSteps: 1000, seed: 7 };
 * ```
 *
 * @module
 */
export {
  balloon,
  type DiscreteTrajectory,
  full,
  type ModelSizes,
  type OdeSolver,
  type OdeTrajectory,
  own,
  type Preset,
  type Recipe,
  small,
  type Trajectory,
} from "./recipe.ts";
export { asRecipe } from "./as_recipe.ts";
export {
  type ByPreset,
  type Field,
  type FieldGroup,
  fieldGroups,
  type Fields,
  type PresetName,
  type ValueOf,
  type Values,
} from "./field.ts";
export { discreteFields, modelFields, odeFields, recipeFields } from "./fields.ts";
export { type LossTerm, type LossTermName, lossTerms, type LossWeights } from "./loss_terms.ts";
export type { Rule } from "./rule.ts";
