/**
 * Adding one number a group of points (a ray, a scene) to every point of it, and the sum over a group that is its gradient.
 *
 * @module
 */
import text from "../../wgsl/ops/add_groups.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/add_groups.wgsl", text);

/** Points of x `(scenes, points, channels)` in a group of `term`, checked to divide evenly. */
export function pointsPerGroup(op: Operation, x: Tensor, term: Tensor): number {
  const [scenes, points, channels] = x.shape;
  const [, groups] = op.expect({ term }, "blocks", [scenes, "groups", channels]);
  if (points % groups !== 0) throw op.error(`${points} points are not ${groups} equal groups`);
  return points / groups;
}

/**
 * Records `y[p] = x[p] + term[group of p]`.
 *
 * @param x `(scenes, points, channels)` in blocks
 * @param term `(scenes, groups, channels)` in blocks; points divided by groups gives the points of a group, in order
 */
export function addGroups(plan: Plan, label: string, x: Tensor, term: Tensor): Tensor {
  const op = new Operation(plan, "addGroups", label, kernel);
  const shape = op.expect({ x }, "blocks", ["scenes", "points", "channels"]);
  const [scenes, points, channels] = shape;
  const perGroup = pointsPerGroup(op, x, term);
  const y = op.output(shape, "blocks", [x, term]);
  const dims = { scenes, points, channels, groups: points / perGroup };
  op.run("forward", { x, term, y, dims }, [scenes * blocksOf(points), channels]);
  op.backward([y], ([dY]) => {
    if (perGroup > 1) sumGroups(op, dY, term, "backward_term");
    op.share(x, dY);
    if (perGroup === 1) op.share(term, dY);
  });
  return y;
}

/** Records that the gradient of `term` gets the sums of `dY` over its groups. */
export function sumGroups(op: Operation, dY: Tensor, term: Tensor, part: string): void {
  const [scenes, points, channels] = dY.shape;
  const groups = term.shape[1];
  op.run(
    "backward_term",
    { d_y: dY, d_term: op.target(term), dims: { scenes, points, channels, groups } },
    linearWorkgroups(scenes * groups * channels),
    { kernel, part },
  );
}
