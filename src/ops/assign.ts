/**
 * Writing into a tensor that is there already: what a plan that runs many times carries from one run to the next.
 *
 * @module
 */
import { arithmetic } from "../runtime/arithmetic.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectFrozen, expectShape } from "../runtime/shapes.ts";

/** Records `y = x`, in place; of one shape and layout. Forward only. */
export function assign(plan: Plan, label: string, y: Tensor, x: Tensor): void {
  record(plan, "assign", label, y, x);
}

/** Records `y = y + x`, in place; of one shape and layout. Forward only. */
export function addInto(plan: Plan, label: string, y: Tensor, x: Tensor): void {
  record(plan, "addInto", label, y, x);
}

function record(
  plan: Plan,
  operation: "assign" | "addInto",
  label: string,
  y: Tensor,
  x: Tensor,
): void {
  const path = plan.path(label);
  expectShape(operation, path, { x }, y.layout, y.shape);
  expectFrozen(operation, path, { x, y });
  plan.dispatch({
    label,
    kernel: arithmetic,
    entry: "copy",
    bindings: {
      x,
      y,
      dims: { size: y.size, accumulate: operation === "addInto" ? 1 : 0, value: 0 },
    },
    workgroups: linearWorkgroups(y.size),
  });
}
