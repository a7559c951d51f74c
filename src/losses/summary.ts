/**
 * All numbers of a step in one small tensor, for one readback.
 *
 * @module
 */
import text from "../../wgsl/losses/summary.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
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
  const op = new Operation(plan, "lossSummary", label, kernel);
  for (const family of lossFamilies) {
    op.expect({ [family]: families[family] }, "rows", [termsOf(family).length]);
  }
  op.expect({ measured }, "rows", [measures.length]);
  const summary = plan.keep(op.constant([summaryNames.length]));
  op.run("forward", { ...families, weights: weights.all, summary }, [1]);
  op.run("append_measures", { measures: measured, summary }, [1]);
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
  const op = new Operation(plan, "staticSummary", label, kernel);
  op.expect({ color }, "rows", [1]);
  op.expect({ anchor }, "rows", [1]);
  const summary = plan.keep(op.constant([staticSummaryNames.length]));
  const bindings = { color, anchor, weights: weights.all, summary };
  op.run("forward_static", bindings, [1], { part: "forward" });
  return summary;
}
