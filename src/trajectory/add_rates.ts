/**
 * Sums of rates of change: the stages of Runge-Kutta steps.
 *
 * @module
 */
import text from "../../wgsl/trajectory/add_rates.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../runtime/shapes.ts";

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
  const used = terms.filter(({ factor }) => factor !== 0);
  const most = start ? 5 : 6;
  if (used.length === 0 || used.length > most) {
    throw new Error(
      `Cannot record addRates "${plan.path(label)}": ${used.length} terms, wanted 1 to ${most}`,
    );
  }
  const { shape, layout } = start ?? used[0].rate;
  for (const { rate } of used) expectShape("addRates", plan.path(label), { rate }, layout, shape);
  const y = plan.activation(label, shape, layout, [start, ...used.map(({ rate }) => rate)]);
  const { size } = y;
  const workgroups = linearWorkgroups(size);
  const factor = (j: number) => used[j]?.factor ?? 0;
  const rate = (j: number) => (used[j] ?? used[0]).rate; // what is absent is bound all the same, and not read
  const dims = {
    size,
    accumulate: 0,
    c0: factor(0),
    c1: factor(1),
    c2: factor(2),
    c3: factor(3),
    c4: factor(4),
    c5: factor(5),
  };
  const rates = { k0: rate(0), k1: rate(1), k2: rate(2), k3: rate(3), k4: rate(4) };
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    ...(start
      ? { entry: "forward", bindings: { clock, start, ...rates, y, dims } }
      : { entry: "forward_increment", bindings: { clock, ...rates, k5: rate(5), y, dims } }),
    workgroups,
  });
  plan.backward([y], ([dY]) => {
    for (const { rate, factor } of used) {
      const sink = plan.gradientSink(rate);
      if (!sink) continue;
      plan.dispatch({
        label: `${label}.backward_rate`,
        kernel,
        entry: "backward_rate",
        bindings: {
          clock,
          d_y: dY,
          d_k: sink.gradient,
          dims: { ...dims, c0: factor, accumulate: sink.accumulate },
        },
        workgroups,
      });
    }
    if (start) plan.shareGradient(start, dY);
  });
  return y;
}
