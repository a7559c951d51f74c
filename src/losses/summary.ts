/**
 * All numbers of a step in one small tensor, for one readback.
 *
 * @module
 */
import text from "../../wgsl/losses/summary.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import {
  lossFamilies,
  type LossFamily,
  lossTerms,
  measures,
  termsOf,
} from "../recipes/loss_terms.ts";
import type { LossWeightTensors } from "./weights.ts";

const kernel = defineKernel("wgsl/losses/summary.wgsl", text);

/** Names of the summary's numbers. */
export const summaryNames: readonly string[] = [
  "total",
  ...lossTerms.map(({ name }) => name),
  ...measures.map(({ name }) => name),
];

/**
 * Records the weighted total, every term and every measure in one tensor that can be read after a run.
 *
 * @param families each family's terms
 * @param measured the measures
 * @returns `(22)`: see {@link summaryNames}; not differentiable, the families' terms are
 */
export function lossSummary(
  plan: Plan,
  label: string,
  families: Readonly<Record<LossFamily, Tensor>>,
  measured: Tensor,
  weights: LossWeightTensors,
): Tensor {
  const path = plan.path(label);
  for (const family of lossFamilies) {
    const named = { [family]: families[family] };
    expectShape("lossSummary", path, named, "rows", [termsOf(family).length]);
  }
  expectShape("lossSummary", path, { measured }, "rows", [measures.length]);
  const summary = plan.keep(plan.activation(label, [summaryNames.length]));
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: { ...families, weights: weights.all, summary },
    workgroups: [1],
  });
  plan.dispatch({
    label: `${label}.append_measures`,
    kernel,
    entry: "append_measures",
    bindings: { measures: measured, summary },
    workgroups: [1],
  });
  return summary;
}

/** Names of {@link staticSummary}'s numbers. */
export const staticSummaryNames: readonly string[] = ["total", "staticColor", "depthAnchor"];

/**
 * Records the static stage's weighted total and its two terms in one tensor that can be read after a run.
 *
 * @param color `(1)`
 * @param anchor `(1)`
 * @returns `(3)`: see {@link staticSummaryNames}; not differentiable, the terms are
 */
export function staticSummary(
  plan: Plan,
  label: string,
  color: Tensor,
  anchor: Tensor,
  weights: LossWeightTensors,
): Tensor {
  const path = plan.path(label);
  expectShape("staticSummary", path, { color }, "rows", [1]);
  expectShape("staticSummary", path, { anchor }, "rows", [1]);
  const summary = plan.keep(plan.activation(label, [staticSummaryNames.length]));
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward_static",
    bindings: { color, anchor, weights: weights.all, summary },
    workgroups: [1],
  });
  return summary;
}
