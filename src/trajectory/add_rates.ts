/**
 * Sums of rates of change: the stages of Runge-Kutta steps.
 *
 * @module
 */
import text from "../../wgsl/trajectory/add_rates.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/trajectory/add_rates.wgsl", text);

/** A rate of change k and its factor c. */
export interface RateTerm {
  readonly rate: Tensor;
  readonly factor: number;
}

/**
 * Records `y = y₀ + h·Σ cⱼ kⱼ`, any shape and layout, the same for all; terms of factor 0 are left out.
 *
 * h is a constant of the backward pass.
 *
 * @param clock `(2 or more)` rows: its first number is h
 * @param start y₀; without it `y = h·Σ cⱼ kⱼ`
 * @param terms at most five with y₀ and six without: more do not fit into one dispatch's bindings
 */
export function addRates(
  plan: Plan,
  label: string,
  clock: Tensor,
  start: Tensor | undefined,
  terms: readonly RateTerm[],
): Tensor {
  const op = new Operation(plan, "addRates", label, kernel);
  const used = terms.filter(({ factor }) => factor !== 0);
  const most = start ? 5 : 6;
  if (used.length === 0 || used.length > most) {
    throw op.error(`${used.length} terms, wanted 1 to ${most}`);
  }
  const { shape, layout } = start ?? used[0].rate;
  for (const { rate } of used) op.expect({ rate }, layout, shape);
  const y = op.output(shape, layout, [start, ...used.map(({ rate }) => rate)]);
  const [c0, c1, c2, c3, c4, c5] = [0, 1, 2, 3, 4, 5].map((j) => used[j]?.factor ?? 0);
  const [k0, k1, k2, k3, k4, k5] = used.map(({ rate }) => rate);
  const dims = { size: y.size, c0, c1, c2, c3, c4, c5 };
  const workgroups = linearWorkgroups(y.size);
  const bindings = { clock, k0, k1, k2, k3, k4, y, dims };
  if (start) op.run("forward", { ...bindings, start }, workgroups);
  else op.run("forward_increment", { ...bindings, k5 }, workgroups, { part: "forward" });
  op.backward([y], ([dY]) => {
    for (const { rate, factor } of used) {
      const bindings = { clock, d_y: dY, d_k: op.target(rate), dims: { ...dims, c0: factor } };
      op.run("backward_rate", bindings, workgroups);
    }
    if (start) op.share(start, dY);
  });
  return y;
}
