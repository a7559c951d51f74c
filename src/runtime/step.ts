/**
 * The small uniform block that changes from step to step.
 *
 * @module
 */
import type { Gpu } from "./device.ts";
import { defineKernel } from "./kernel.ts";
import { createTensor, type Tensor, writeTensor } from "./tensor.ts";
import { packUniform } from "./uniforms.ts";

const layout = defineKernel(
  "wgsl/common/step.wgsl",
  "// uses common/step.wgsl\n@group(0) @binding(0) var<uniform> step: Step;",
);

/** Values of one step; `step` counts from 0. */
export interface StepValues {
  seed: number;
  step: number;
  learningRate: number;
}

/** How Adam's means of gradients and of their squares decay from step to step: PyTorch's defaults. */
export const adamDecay = { beta1: 0.9, beta2: 0.999 } as const;

/** Makes the uniform block `step` that kernels bind as `var<uniform> step: Step`. */
export function createStep(gpu: Gpu): Tensor {
  return createTensor(gpu, "step", [8], { uniform: true });
}

/** Writes one step's values. */
export function writeStep(gpu: Gpu, step: Tensor, values: StepValues): void {
  const { seed, step: index, learningRate } = values;
  writeTensor(
    gpu,
    step,
    packUniform(layout, "step", {
      seed,
      step: index,
      learning_rate: learningRate,
      bias_correction1: 1 - adamDecay.beta1 ** (index + 1),
      bias_correction2: 1 - adamDecay.beta2 ** (index + 1),
    }),
  );
}
