/**
 * The difference of two tensors.
 *
 * @module
 */
import text from "../../wgsl/ops/subtract.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/subtract.wgsl", text);

/** Records `y = a − b`; any shape and layout, the same for both. */
export function subtract(plan: Plan, label: string, a: Tensor, b: Tensor): Tensor {
  const op = new Operation(plan, "subtract", label, kernel);
  op.expect({ b }, a.layout, a.shape);
  const y = op.output(a.shape, a.layout, [a, b]);
  const dims = { size: y.size }, workgroups = linearWorkgroups(y.size);
  op.run("forward", { a, b, y, dims }, workgroups);
  op.backward([y], ([dY]) => {
    op.run("backward_subtrahend", { d_y: dY, d_b: op.target(b), dims }, workgroups);
    op.share(a, dY);
  });
  return y;
}
