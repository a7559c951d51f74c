/**
 * Adding one number a group of points (a ray, a scene) to every point of it, and the sum over a group that is its gradient.
 *
 * @module
 */
import text from "../../wgsl/ops/add_groups.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../runtime/shapes.ts";

const kernel = defineKernel("wgsl/ops/add_groups.wgsl", text);

/** Points in a group, checked to divide evenly. */
export function pointsPerGroup(operation: string, label: string, x: Tensor, term: Tensor): number {
  const [scenes, points, channels] = x.shape;
  const [, groups] = expectShape(operation, label, { term }, "blocks", [
    scenes,
    "groups",
    channels,
  ]);
  if (points % groups !== 0) {
    throw new Error(
      `Cannot record ${operation} "${label}": ${points} points are not ${groups} equal groups`,
    );
  }
  return points / groups;
}

/**
 * Records `y[p] = x[p] + term[group of p]`.
 *
 * @param x `(scenes, points, channels)` in blocks
 * @param term `(scenes, groups, channels)` in blocks; points divided by groups gives the points of a group, in order
 */
export function addGroups(plan: Plan, label: string, x: Tensor, term: Tensor): Tensor {
  const [scenes, points, channels] = expectShape("addGroups", plan.path(label), { x }, "blocks", [
    "scenes",
    "points",
    "channels",
  ]);
  const perGroup = pointsPerGroup("addGroups", plan.path(label), x, term);
  const y = plan.activation(label, x.shape, "blocks", [x, term]);
  const dims = { scenes, points, channels, groups: points / perGroup, accumulate: 0 };
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: { x, term, y, dims },
    workgroups: [scenes * blocksOf(points), channels],
  });
  plan.backward([y], ([dY]) => {
    if (perGroup > 1) sumGroups(plan, `${label}.backward_term`, dY, term);
    plan.shareGradient(x, dY);
    if (perGroup === 1) plan.shareGradient(term, dY);
  });
  return y;
}

/** Records that the gradient of `term` gets the sums of `dY` over its groups. */
export function sumGroups(plan: Plan, label: string, dY: Tensor, term: Tensor): void {
  const sink = plan.gradientSink(term);
  if (!sink) return;
  const [scenes, points, channels] = dY.shape;
  const groups = term.shape[1];
  plan.dispatch({
    label,
    kernel,
    entry: "backward_term",
    bindings: {
      d_y: dY,
      d_term: sink.gradient,
      dims: { scenes, points, channels, groups, accumulate: sink.accumulate },
    },
    workgroups: linearWorkgroups(scenes * groups * channels),
  });
}
