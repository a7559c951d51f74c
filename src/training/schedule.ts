/**
 * The learning rate over the steps of a stage.
 *
 * @module
 */
import type { Recipe } from "../recipes/recipe.ts";

/** What the schedule follows from. */
export type ScheduleRecipe = Pick<
  Recipe,
  "learningRate" | "learningRateDecay" | "learningRateDecaySteps"
>;

/**
 * The learning rate of a step: `learningRate · learningRateDecay^(step / learningRateDecaySteps)`.
 *
 * @param step counted from 0 in each stage
 */
export function learningRate(step: number, recipe: ScheduleRecipe): number {
  return recipe.learningRate * recipe.learningRateDecay ** (step / recipe.learningRateDecaySteps);
}
