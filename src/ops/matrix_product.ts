/**
 * The product of two small matrices, such as two linear layers composed into one.
 *
 * @module
 */
import text from "../../wgsl/ops/matrix_product.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { type GradientTarget, Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

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
  const op = new Operation(plan, "matrixProduct", label, kernel);
  const [outputs, columns] = op.expect({ left }, "rows", ["outputs", "columns"]);
  const [inner, inputs = 1] = right.shape;
  if (first + inner > columns) {
    throw op.error(`columns ${first} to ${first + inner} of ${columns}`);
  }
  const shape = right.shape.length === 1 ? [outputs] : [outputs, inputs];
  if (sum) op.expect({ sum }, "rows", shape);
  const y = op.output(shape, "rows", [left, right, sum]);
  const ofLeft = { first, row: columns, column: 1 };
  const ofRight = { first: 0, row: inputs, column: 1 };
  const ofResult = ofRight;
  recordProduct(op, "forward", [outputs, inner, inputs], {
    a: { tensor: left, ...ofLeft },
    b: { tensor: right, ...ofRight },
    c: { tensor: y, ...ofResult },
    d: sum,
  });
  op.backward([y], ([dC]) => {
    // dA = dC·Bᵀ, into its columns of A's gradient
    recordProduct(op, "backward_left", [outputs, inputs, inner], {
      a: { tensor: dC, ...ofResult },
      b: { tensor: right, ...transposed(ofRight) },
      c: { tensor: op.target(left, { partial: true }), ...ofLeft },
    });
    // dB = Aᵀ·dC
    recordProduct(op, "backward_right", [inner, outputs, inputs], {
      a: { tensor: left, ...transposed(ofLeft) },
      b: { tensor: dC, ...ofResult },
      c: { tensor: op.target(right), ...ofRight },
    });
    if (sum) op.share(sum, dC);
  });
  return y;
}

/** Where the numbers of a matrix lie: the first one, and the steps to the next row and column. */
interface Places {
  readonly first: number;
  readonly row: number;
  readonly column: number;
}

interface Matrix<T = Tensor> extends Places {
  readonly tensor: T;
}

function transposed({ first, row, column }: Places): Places {
  return { first, row: column, column: row };
}

/** C = A·B (+ D), or C += A·B, for A `(rows, inner)` and B `(inner, columns)`; C's and D's columns lie side by side. */
function recordProduct(
  op: Operation,
  part: string,
  [rows, inner, columns]: readonly [number, number, number],
  { a, b, c, d }: {
    a: Matrix;
    b: Matrix;
    c: Matrix<Tensor | GradientTarget>;
    d?: Tensor | undefined;
  },
): void {
  const dims = {
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
  };
  op.run(
    "product",
    { a: a.tensor, b: b.tensor, c: c.tensor, d, dims },
    [Math.ceil(columns / 64), Math.ceil(rows / 64)],
    { part, flops: 2 * rows * inner * columns },
  );
}
