/**
 * ReLU, sigmoid and tanh as passes of their own, where no matrix product can take them along.
 *
 * @module
 */
import text from "../../wgsl/ops/activation.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
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
  const y = plan.activation(label, x.shape, x.layout, [x]);
  const size = y.size;
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: `${name}_forward`,
    bindings: { x, y, dims: { size, accumulate: 0 } },
    workgroups: linearWorkgroups(size),
  });
  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(x);
    if (!sink) return;
    plan.dispatch({
      label: `${label}.backward_input`,
      kernel,
      entry: `${name}_backward`,
      bindings: {
        result: y,
        d_y: dY,
        d_x: sink.gradient,
        dims: { size, accumulate: sink.accumulate },
      },
      workgroups: linearWorkgroups(size),
    });
  });
  return y;
}
