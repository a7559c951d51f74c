/**
 * Writing into a tensor that is there already: what a plan that runs many times carries from one run to the next.
 *
 * @module
 */
import { arithmetic } from "../runtime/arithmetic.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

/** Records `y = x`, in place; of one shape and layout. For inference only. */
export function assign(plan: Plan, label: string, y: Tensor, x: Tensor): void {
  copy(new Operation(plan, "assign", label, arithmetic), y, x, 0);
}

/** Records `y = y + x`, in place; of one shape and layout. For inference only. */
export function addInto(plan: Plan, label: string, y: Tensor, x: Tensor): void {
  copy(new Operation(plan, "addInto", label, arithmetic), y, x, 1);
}

function copy(op: Operation, y: Tensor, x: Tensor, mode_y: 0 | 1): void {
  op.expect({ x }, y.layout, y.shape);
  op.expectFrozen({ x, y });
  const dims = { size: y.size, mode_y, value: 0 };
  op.run("copy", { x, y, dims }, linearWorkgroups(y.size), { part: "" });
}
