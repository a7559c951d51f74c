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
  type OdeSolver,
  type OdeTrajectory,
  own,
  type Preset,
  type PresetName,
  type Recipe,
  type RecipeModel,
  small,
  type Trajectory,
} from "./recipe.ts";
