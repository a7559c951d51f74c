/**
 * The product of two small matrices, such as two linear layers composed into one.
 *
 * @module
 */
import text from "../../wgsl/ops/matrix_product.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../runtime/shapes.ts";

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
  const ofLeft = { first, row: columns, column: 1 };
  const ofRight = { first: 0, row: inputs, column: 1 };
  const ofResult = ofRight;
  recordProduct(plan, `${label}.forward`, [outputs, inner, inputs], {
    a: { tensor: left, ...ofLeft },
    b: { tensor: right, ...ofRight },
    c: { tensor: y, ...ofResult },
    d: sum,
  });
  plan.backward([y], ([dC]) => {
    const dLeft = plan.gradientSink(left, { partial: true });
    if (dLeft) { // dA = dC·Bᵀ, into its columns of A's gradient
      recordProduct(plan, `${label}.backward_left`, [outputs, inputs, inner], {
        a: { tensor: dC, ...ofResult },
        b: { tensor: right, ...transposed(ofRight) },
        c: { tensor: dLeft.gradient, ...ofLeft },
        accumulate: dLeft.accumulate,
      });
    }
    const dRight = plan.gradientSink(right);
    if (dRight) { // dB = Aᵀ·dC
      recordProduct(plan, `${label}.backward_right`, [inner, outputs, inputs], {
        a: { tensor: left, ...transposed(ofLeft) },
        b: { tensor: dC, ...ofResult },
        c: { tensor: dRight.gradient, ...ofRight },
        accumulate: dRight.accumulate,
      });
    }
    if (sum) plan.shareGradient(sum, dC);
  });
  return y;
}

/** Where the numbers of a matrix lie: the first one, and the steps to the next row and column. */
interface Places {
  readonly first: number;
  readonly row: number;
  readonly column: number;
}

interface Matrix extends Places {
  readonly tensor: Tensor;
}

function transposed({ first, row, column }: Places): Places {
  return { first, row: column, column: row };
}

/** C = A·B (+ D), or C += A·B, for A `(rows, inner)` and B `(inner, columns)`; C's and D's columns lie side by side. */
function recordProduct(
  plan: Plan,
  label: string,
  [rows, inner, columns]: [number, number, number],
  { a, b, c, d, accumulate = 0 }: {
    a: Matrix;
    b: Matrix;
    c: Matrix;
    d?: Tensor;
    accumulate?: 0 | 1;
  },
): void {
  plan.dispatch({
    label,
    kernel,
    entry: "product",
    constants: { has_sum: d ? 1 : 0, accumulate },
    bindings: {
      a: a.tensor,
      b: b.tensor,
      c: c.tensor,
      d: d ?? b.tensor, // bound and not read
      dims: {
        rows,
        columns,
        inner,
        a_first: a.first,
        a_row: a.row,
        a_column: a.column,
        b_row: b.row,
        b_column: b.column,
        c_first: c.first,
        c_row: c.row,
      },
    },
    workgroups: [Math.ceil(columns / 64), Math.ceil(rows / 64)],
    flops: 2 * rows * inner * columns,
  });
}
