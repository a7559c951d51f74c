/**
 * The learning rate over the steps of a stage.
 *
 * @module
 */

/** Options of {@link learningRate}. */
export interface ScheduleOptions {
  /** The rate of step 0. Default 5e-4. */
  initial?: number;
  /** Steps in which the rate falls to a tenth. Default 300 000. */
  decaySteps?: number;
}

/**
 * The learning rate of a step: `initial · 0.1^(step / decaySteps)`.
 *
 * @param step counted from 0 in each stage
 */
export function learningRate(step: number, options: ScheduleOptions = {}): number {
  const { initial = 5e-4, decaySteps = 300_000 } = options;
  return initial * 0.1 ** (step / decaySteps);
}
