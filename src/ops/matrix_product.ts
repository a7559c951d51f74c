/**
 * The product of two small matrices, such as two linear layers composed into one.
 *
 * @module
 */
import text from "../../wgsl/ops/matrix_product.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { type GradientSink, linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectShape } from "./shapes.ts";

const kernel = defineKernel("wgsl/ops/matrix_product.wgsl", text);

/**
 * Records `C = A[:, first : first+inner] · B (+ D)`.
 *
 * @param left A `(outputs, columns)` rows
 * @param first first of the `inner` columns of A that take part
 * @param right B `(inner, inputs)` rows, or `(inner)` as one column
 * @param sum D, of C's shape, added
 * @returns `(outputs, inputs)` rows, or `(outputs)`
 */
export function matrixProduct(
  plan: Plan,
  label: string,
  left: Tensor,
  first: number,
  right: Tensor,
  sum?: Tensor,
): Tensor {
  const [outputs, columns] = expectShape("matrixProduct", plan.path(label), { left }, "rows", [
    "outputs",
    "columns",
  ]);
  const [inner, inputs = 1] = right.shape;
  if (first + inner > columns) {
    throw new Error(
      `Cannot record matrixProduct "${plan.path(label)}": columns ${first} to ${first + inner} ` +
        `of ${columns}`,
    );
  }
  const shape = right.shape.length === 1 ? [outputs] : [outputs, inputs];
  if (sum) expectShape("matrixProduct", plan.path(label), { sum }, "rows", shape);
  const y = plan.activation(label, shape, "rows", [left, right, sum]);
  const dims = { outputs, columns, first, inner, inputs };
  const flops = 2 * outputs * inner * inputs;
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: {
      a: left,
      b: right,
      d: sum ?? right,
      c: y,
      dims: { ...dims, flag: sum ? 1 : 0 },
    },
    workgroups: linearWorkgroups(outputs * inputs),
    flops,
  });
  plan.backward([y], ([dC]) => {
    const record = (entry: string, sink: GradientSink | undefined, name: string, size: number) => {
      if (!sink) return;
      plan.dispatch({
        label: `${label}.${entry}`,
        kernel,
        entry,
        bindings: {
          ...(entry === "backward_left" ? { b: right } : { a: left }),
          d_c: dC,
          [name]: sink.gradient,
          dims: { ...dims, flag: sink.accumulate },
        },
        workgroups: linearWorkgroups(size),
        flops,
      });
    };
    record("backward_left", plan.gradientSink(left, { partial: true }), "d_a", outputs * inner);
    record("backward_right", plan.gradientSink(right), "d_b", inner * inputs);
    if (sum) plan.shareGradient(sum, dC);
  });
  return y;
}
