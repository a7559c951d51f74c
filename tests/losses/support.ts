/**
 * What the tests of the losses share.
 *
 * @module
 */
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { type CheckedInput, checkGradients, type CheckOptions, testGpu } from "../support/gpu.ts";

/** Camera records `(scenes, 3, 16)` of a small camera that looks along -z; `valid[scene]` is for the frames before and after. */
export function cameraRecords(valid: boolean[][], focal = 28): Float32Array<ArrayBuffer> {
  const records = valid.flatMap(([before, after], scene) =>
    [before, true, after].flatMap((has, slot) => [
      ...[1, 0, 0, 0.1 * slot],
      ...[0, 1, 0, 0.05 * scene],
      ...[0, 0, 1, 0],
      ...[focal + scene, 32, 18, has ? 1 : 0],
    ])
  );
  return Float32Array.from(records);
}

/** `checkGradients` for operations that take their inputs by name. */
export async function checkLoss<Name extends string>(
  inputs: Record<Name, CheckedInput>,
  record: (plan: Plan, inputs: Record<Name, Tensor>) => Tensor,
  options?: CheckOptions,
): Promise<void> {
  await checkGradients(inputs, record, options);
}

/** Runs a recorded operation once with all upstream gradients 1: its outputs and its inputs' gradients, in C order. */
export async function runOnce<Name extends string>(
  inputs: Record<Name, CheckedInput>,
  record: (plan: Plan, inputs: Record<Name, Tensor>) => Tensor[],
): Promise<{ outputs: Float32Array[]; gradients: Record<Name, Float32Array> }> {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "once");
  const tensors = Object.fromEntries(
    Object.entries<CheckedInput>(inputs).map(([name, { shape, layout, data, differentiable }]) => {
      const requiresGradient = differentiable !== false;
      return [name, createTensor(gpu, name, shape, { layout, requiresGradient, data })];
    }),
  ) as Record<Name, Tensor>;
  const outputs = record(plan, tensors);
  const seeds = outputs.filter((output) => output.requiresGradient).map((tensor) => {
    const data = new Float32Array(tensor.size).fill(1);
    return { tensor, gradient: createTensor(gpu, "ones", tensor.shape, { data }) };
  });
  plan.differentiate(seeds);
  const reached = Object.entries<Tensor>(tensors).flatMap(([name, tensor]) => {
    const gradient = plan.gradientOf(tensor);
    return gradient ? [{ name, gradient: plan.keep(gradient) }] : [];
  });
  for (const output of outputs) plan.keep(output);
  const program = await plan.build();
  program.run();
  const all = await readTensors(gpu, ...outputs, ...reached.map(({ gradient }) => gradient));
  program.destroy();
  for (
    const tensor of [
      ...Object.values<Tensor>(tensors),
      ...seeds.map(({ gradient }) => gradient),
    ]
  ) {
    destroyTensor(gpu, tensor);
  }
  return {
    outputs: all.slice(0, outputs.length),
    gradients: Object.fromEntries(
      reached.map(({ name }, i) => [name, all[outputs.length + i]]),
    ) as Record<Name, Float32Array>,
  };
}
