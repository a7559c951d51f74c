/**
 * The weights of the dynamic stage's terms on the GPU: they seed its backward pass and may change from step to step.
 *
 * @module
 */
import type { Gpu } from "../runtime/device.ts";
import { createTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import {
  defaultLossWeights,
  lossFamilies,
  type LossFamily,
  type LossTermName,
  lossTerms,
  type LossWeights,
  termsOf,
} from "../recipes/loss_terms.ts";

const alignment = 64; // numbers: WebGPU binds ranges at multiples of 256 bytes

/** The weights' memory. */
export interface LossWeightTensors {
  /** One buffer for all: family f's weights begin at 64·f. Free it with `destroyTensor`. */
  readonly all: Tensor;
  /** Each family's weights, in the order of its terms: a range of `all`. */
  readonly families: Readonly<Record<LossFamily, Tensor>>;
}

/** Makes the weights with the values of the table; {@link writeLossWeights} changes them. */
export function createLossWeights(gpu: Gpu): LossWeightTensors {
  const size = alignment * lossFamilies.length;
  const all = createTensor(gpu, "losses.weights", [size], { uniform: true });
  const families = Object.fromEntries(lossFamilies.map((family, i): [string, Tensor] => {
    const count = termsOf(family).length;
    return [family, {
      label: `losses.weights.${family}`,
      shape: [count],
      layout: "rows",
      size: count,
      requiresGradient: false,
      memory: { buffer: all.memory!.buffer, offset: 4 * alignment * i },
    }];
  })) as Record<LossFamily, Tensor>;
  const weights = { all, families };
  writeLossWeights(gpu, weights, {});
  return weights;
}

/**
 * Writes every weight: those named, and the table's for the rest.
 *
 * @throws when a name is not in the table or a weight is not finite
 */
export function writeLossWeights(
  gpu: Gpu,
  weights: LossWeightTensors,
  values: Partial<LossWeights>,
): void {
  for (const [name, weight] of Object.entries(values)) {
    if (!lossTerms.some((term) => term.name === name)) {
      const names = lossTerms.map((term) => term.name).join(", ");
      throw new Error(`Cannot weight the loss term "${name}": the terms are ${names}`);
    }
    if (!Number.isFinite(weight)) {
      throw new Error(`Cannot weight the loss term "${name}" with ${weight}, wanted a number`);
    }
  }
  const flat = new Float32Array(weights.all.size);
  lossFamilies.forEach((family, i) => {
    const named = termsOf(family).map((name: LossTermName) =>
      values[name] ?? defaultLossWeights[name]
    );
    flat.set(named, alignment * i);
  });
  writeTensor(gpu, weights.all, flat);
}
