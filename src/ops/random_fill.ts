/**
 * Random numbers made on the GPU.
 *
 * @module
 */
import text from "../../wgsl/ops/random_fill.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/random_fill.wgsl", text);

/** Which numbers {@link randomFill} makes. */
export interface RandomFillOptions {
  /** One of `streams`; normal numbers take two neighbouring ones. */
  readonly stream: number;
  /** `uniform` in [0, 1), or `normal` with mean 0 and standard deviation 1. */
  readonly distribution: "uniform" | "normal";
  /** What every number is multiplied by. Default 1. */
  readonly scale?: number;
}

/**
 * Records a tensor of random numbers that depend on (seed, step, stream, place) alone; `randomUniform` and `randomNormal` are
 * the same numbers on the CPU.
 *
 * @param shape of the rows
 * @param step the uniform of `createStep`
 */
export function randomFill(
  plan: Plan,
  label: string,
  shape: readonly number[],
  step: Tensor,
  options: RandomFillOptions,
): Tensor {
  const op = new Operation(plan, "randomFill", label, kernel);
  const { stream, distribution, scale = 1 } = options;
  const y = op.output(shape, "rows", []);
  const bindings = { step, y, dims: { size: y.size, stream, scale } };
  op.run(`${distribution}_numbers`, bindings, linearWorkgroups(y.size), { part: "forward" });
  return y;
}
