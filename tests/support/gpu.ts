/**
 * One device for all tests of a file, and the directional gradient check.
 *
 * @module
 */
import { type Gpu, openGpu } from "../../src/runtime/device.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { randomUniform } from "../../src/runtime/random.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import {
  createTensor,
  destroyTensor,
  type Layout,
  type Tensor,
  writeTensor,
} from "../../src/runtime/tensor.ts";

let opened: Promise<Gpu> | undefined;

/** The test process's device; no adapter is an error, never a skipped test. */
export function testGpu(): Promise<Gpu> {
  return opened ??= openGpu();
}

/** `count` reproducible numbers, uniform in [low, high). */
export function randomArray(
  seed: number,
  count: number,
  low = -1,
  high = 1,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: count },
    (_, i) => low + (high - low) * randomUniform(seed, 0, 0, i),
  );
}

/** An input of an operation under test: C-order values of a shape. */
export interface CheckedInput {
  shape: number[];
  layout?: Layout | undefined;
  data: Float32Array;
  /** False for inputs that have no gradient (indices, cameras). */
  differentiable?: boolean;
}

/** A recorded operation under test. */
export interface Checked {
  plan: Plan;
  inputs: Record<string, Tensor>;
}

/** Options of {@link checkGradients}. */
export interface CheckOptions {
  /** Half the step of the central difference, along a direction of unit entries. Default 1e-2. */
  step?: number;
  /** Allowed error relative to the size of the derivative plus `absolute`. Default 1e-2. */
  relative?: number;
  /** Allowed error relative to Σ|c·y|: float32 sums cannot resolve less. Default 2e-5. */
  absolute?: number;
}

/**
 * Compares the hand-written gradients of `record` with central differences of `Σ c·y` along random directions of each
 * differentiable input, and checks that recording the operation twice on the same inputs doubles every gradient.
 *
 * @returns the analytic gradients by input, in C order.
 */
export async function checkGradients(
  inputs: Record<string, CheckedInput>,
  record: (plan: Plan, inputs: Record<string, Tensor>) => Tensor | readonly Tensor[],
  options: CheckOptions = {},
): Promise<Record<string, Float32Array>> {
  const { step = 1e-2, relative = 1e-2, absolute = 2e-5 } = options;
  const gpu = await testGpu();
  const names = Object.keys(inputs);
  const differentiable = names.filter((name) => inputs[name].differentiable !== false);

  const run = async (values: Record<string, Float32Array>, times: number) => {
    const plan = new Plan(gpu, "check");
    const tensors: Record<string, Tensor> = {};
    for (const name of names) {
      tensors[name] = createTensor(gpu, name, inputs[name].shape, {
        layout: inputs[name].layout,
        requiresGradient: differentiable.includes(name),
      });
      writeTensor(gpu, tensors[name], values[name]);
    }
    const outputs = Array.from({ length: times }, () => [record(plan, tensors)].flat()).flat();
    const seeds = outputs.map((tensor, i) => {
      plan.keep(tensor);
      const single = i % (outputs.length / times);
      const gradient = createTensor(gpu, `c${single}`, tensor.shape, { layout: tensor.layout });
      const count = tensor.shape.reduce((a, b) => a * b, 1);
      writeTensor(gpu, gradient, randomArray(1000 + single, count));
      return { tensor, gradient };
    });
    plan.differentiate(seeds);
    const gradients = differentiable.map((name) => {
      const gradient = plan.gradientOf(tensors[name]);
      if (!gradient) throw new Error(`No gradient reaches "${name}"`);
      return plan.keep(gradient);
    });
    const program = await plan.build();
    program.run();
    const all = await readTensors(
      gpu,
      ...outputs,
      ...seeds.map((seed) => seed.gradient),
      ...gradients,
    );
    const y = all.slice(0, outputs.length);
    const c = all.slice(outputs.length, 2 * outputs.length);
    const products = y.flatMap((values, k) => Array.from(values, (value, i) => value * c[k][i]));
    program.destroy();
    for (const tensor of [...Object.values(tensors), ...seeds.map((seed) => seed.gradient)]) {
      destroyTensor(gpu, tensor);
    }
    return {
      loss: products.reduce((sum, product) => sum + product, 0),
      scale: products.reduce((sum, product) => sum + Math.abs(product), 0),
      gradients: all.slice(2 * outputs.length),
    };
  };

  const values = Object.fromEntries(names.map((name) => [name, inputs[name].data]));
  const once = await run(values, 1);
  const twice = await run(values, 2);
  const failures: string[] = [];
  for (const [k, name] of differentiable.entries()) {
    const gradient = once.gradients[k];
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    if (!gradient.every(Number.isFinite)) failures.push(`${name}: gradient is not finite`);
    gradient.forEach((g, i) => {
      const error = Math.abs(twice.gradients[k][i] - 2 * g);
      if (error > 1e-5 * largest + 1e-12) {
        failures.push(`${name}[${i}]: recorded twice ${twice.gradients[k][i]}, once ${g}`);
      }
    });
    for (const seed of [1, 2]) {
      const direction = randomArray(seed * 77 + k, gradient.length);
      const moved = (sign: number) => ({
        ...values,
        [name]: values[name].map((value, i) => value + sign * step * direction[i]),
      });
      const up = await run(moved(1), 1);
      const down = await run(moved(-1), 1);
      const numeric = (up.loss - down.loss) / (2 * step);
      const analytic = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
      const size = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
      const allowed = relative * Math.max(Math.abs(numeric), 0.1 * size) +
        absolute * once.scale / step;
      if (!(Math.abs(numeric - analytic) <= allowed)) {
        failures.push(
          `${name}, direction ${seed}: difference ${numeric}, gradient ${analytic}, allowed ${allowed}`,
        );
      }
    }
  }
  if (failures.length) throw new Error(`Gradients are wrong:\n  ${failures.join("\n  ")}`);
  return Object.fromEntries(differentiable.map((name, k) => [name, once.gradients[k]]));
}
