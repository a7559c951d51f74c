/**
 * All numbers of a step in one small tensor, for one readback.
 *
 * @module
 */
import text from "../../wgsl/losses/summary.wgsl" with { type: "text" };
import { expectShape } from "../ops/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { lossFamilies, type LossFamily, lossTerms, measures, termsOf } from "./table.ts";
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
 * @returns `(21)`: see {@link summaryNames}; not differentiable, the families' terms are
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
    bindings: { ...families, weights: weights.all, measures: measured, summary },
    workgroups: [1],
  });
  return summary;
}
