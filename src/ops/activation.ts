/**
 * ReLU, sigmoid and tanh as passes of their own, where no matrix product can take them along.
 *
 * @module
 */
import text from "../../wgsl/ops/activation.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/activation.wgsl", text);

/** Records `y = max(x, 0)`; any shape and layout. The gradient at 0 is 0. */
export function relu(plan: Plan, label: string, x: Tensor): Tensor {
  return activation(plan, label, x, "relu");
}

/** Records `y = 1/(1 + e^{−x})`; any shape and layout. */
export function sigmoid(plan: Plan, label: string, x: Tensor): Tensor {
  return activation(plan, label, x, "sigmoid");
}

/** Records `y = tanh x`; any shape and layout. */
export function tanh(plan: Plan, label: string, x: Tensor): Tensor {
  return activation(plan, label, x, "tanh");
}

type ActivationName = "relu" | "sigmoid" | "tanh";

function activation(plan: Plan, label: string, x: Tensor, name: ActivationName): Tensor {
  const op = new Operation(plan, name, label, kernel);
  const y = op.output(x.shape, x.layout, [x]);
  const dims = { size: y.size }, workgroups = linearWorkgroups(y.size);
  op.run(`${name}_forward`, { x, y, dims }, workgroups, { part: "forward" });
  op.backward([y], ([dY]) => {
    const bindings = { result: y, d_y: dY, d_x: op.target(x), dims };
    op.run(`${name}_backward`, bindings, workgroups, { part: "backward_input" });
  });
  return y;
}
