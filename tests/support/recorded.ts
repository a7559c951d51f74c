import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import {
  createTensor,
  destroyTensor,
  type Tensor,
  toBlocks,
  writeTensor,
} from "../../src/runtime/tensor.ts";
import { type CheckedInput, testGpu } from "./gpu.ts";

/** Values in C order, by name. */
export type Values = Record<string, Float32Array>;

/**
 * Records an operation once, runs it, and reads its outputs and the gradients of its differentiable inputs. The lanes behind the
 * last point of blocks hold a large number, for whoever reads them by mistake.
 *
 * @param seeds The outputs' gradients by name; without them nothing is differentiated.
 */
export async function runRecorded(
  inputs: Record<string, CheckedInput>,
  record: (plan: Plan, tensors: Record<string, Tensor>) => Record<string, Tensor>,
  seeds: Values = {},
): Promise<{ outputs: Values; gradients: Values }> {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "recorded");
  const own: Tensor[] = [];
  const create = (name: string, input: CheckedInput, requiresGradient: boolean) => {
    const { shape, layout, data } = input;
    const tensor = createTensor(gpu, name, shape, { layout, requiresGradient });
    writeTensor(
      gpu,
      tensor,
      layout === "blocks" ? new Uint8Array(padded(data, shape).buffer) : data,
    );
    own.push(tensor);
    return tensor;
  };
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, input]) =>
      [name, create(name, input, input.differentiable !== false)] as const
    ),
  );
  const outputs = record(plan, tensors);
  plan.differentiate(
    Object.entries(seeds).map(([name, data]) => {
      const { layout } = outputs[name];
      const shape = [...outputs[name].shape];
      return {
        tensor: outputs[name],
        gradient: create(`d(${name})`, { shape, layout, data }, false),
      };
    }),
  );
  const gradients = Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]) => {
      const gradient = plan.gradientOf(tensor);
      return gradient ? [[name, gradient] as const] : [];
    }),
  );
  const read = async (named: Record<string, Tensor>) => {
    const values = await readTensors(gpu, ...Object.values(named));
    return Object.fromEntries(Object.keys(named).map((name, i) => [name, values[i]]));
  };
  for (const tensor of [...Object.values(outputs), ...Object.values(gradients)]) plan.keep(tensor);
  const program = await plan.build();
  program.run();
  const result = { outputs: await read(outputs), gradients: await read(gradients) };
  program.destroy();
  for (const tensor of own) destroyTensor(gpu, tensor);
  return result;
}

/** Blocks of C-order values, with 12345 in their padding. */
function padded(data: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const places = toBlocks(new Float32Array(data.length).fill(1), shape);
  return toBlocks(data, shape).map((value, i) => places[i] === 1 ? value : 12345);
}
