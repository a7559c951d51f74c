/**
 * The weights of the dynamic stage's terms on the GPU: they seed its backward pass and may change from step to step.
 *
 * @module
 */
import type { Gpu } from "../runtime/device.ts";
import { requireLossWeights } from "../recipes/as_recipe.ts";
import { createTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import { flatLayout, offsetOf, tensorViews } from "../runtime/views.ts";
import {
  defaultLossWeights,
  lossFamilies,
  type LossFamily,
  type LossTermName,
  type LossWeights,
  termsOf,
} from "../recipes/loss_terms.ts";

/** The weights' memory. */
export interface LossWeightTensors {
  /** One buffer for all. Free it with `destroyTensor`. */
  readonly all: Tensor;
  /** Each family's weights, in the order of its terms: a range of `all`. */
  readonly families: Readonly<Record<LossFamily, Tensor>>;
}

/** Makes the weights with the values of the table; {@link writeLossWeights} changes them. */
export function createLossWeights(gpu: Gpu): LossWeightTensors {
  const shapes = Object.fromEntries(
    lossFamilies.map((family) => [family, [termsOf(family).length]]),
  ) as Record<LossFamily, number[]>;
  const { size } = flatLayout(Object.values(shapes));
  const all = createTensor(gpu, "losses.weights", [size], { uniform: true });
  const families = tensorViews(all, shapes, { label: (family) => `losses.weights.${family}` });
  const weights = { all, families };
  writeLossWeights(gpu, weights, {});
  return weights;
}

/**
 * Writes every weight: those named, and the table's for the rest.
 *
 * @throws {TypeError} If a name is not in the table or a weight is not finite.
 */
export function writeLossWeights(
  gpu: Gpu,
  weights: LossWeightTensors,
  values: Partial<LossWeights>,
): void {
  requireLossWeights(values);
  const flat = new Float32Array(weights.all.size);
  for (const family of lossFamilies) {
    const named = termsOf(family).map((name: LossTermName) =>
      values[name] ?? defaultLossWeights[name]
    );
    flat.set(named, offsetOf(weights.families[family]));
  }
  writeTensor(gpu, weights.all, flat);
}
