/**
 * The difference of two tensors.
 *
 * @module
 */
import text from "../../wgsl/ops/subtract.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../runtime/shapes.ts";

const kernel = defineKernel("wgsl/ops/subtract.wgsl", text);

/** Records `y = a − b`; any shape and layout, the same for both. */
export function subtract(plan: Plan, label: string, a: Tensor, b: Tensor): Tensor {
  expectShape("subtract", plan.path(label), { b }, a.layout, a.shape);
  const y = plan.activation(label, a.shape, a.layout, [a, b]);
  const size = y.size;
  const workgroups = linearWorkgroups(size);
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: { a, b, y, dims: { size, accumulate: 0 } },
    workgroups,
  });
  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(b);
    if (sink) {
      plan.dispatch({
        label: `${label}.backward_subtrahend`,
        kernel,
        entry: "backward_subtrahend",
        bindings: { d_y: dY, d_b: sink.gradient, dims: { size, accumulate: sink.accumulate } },
        workgroups,
      });
    }
    plan.shareGradient(a, dY);
  });
  return y;
}
