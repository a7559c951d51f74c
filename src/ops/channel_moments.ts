/**
 * Mean and variance of each channel over many tensors.
 *
 * @module
 */
import text from "../../wgsl/ops/channel_moments.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/channel_moments.wgsl", text);

/** Points that one invocation sums: about 256 parts in all, so that lanes are many and merging them is short. */
export function pointsPerPart(points: number): number {
  return 64 * Math.max(4, Math.ceil(points / (256 * 64)));
}

/**
 * Records the mean and the biased variance of each channel over all points of all `tensors`, without cancellation and in a
 * fixed order.
 *
 * No gradient passes through moments: an operation that normalises by them accounts for them in its own backward pass.
 *
 * @param tensors all `(1, points, channels)` in blocks, or all `(height, width, channels)` rows
 * @returns `(channels, 2)` rows: mean, variance
 */
export function channelMoments(plan: Plan, label: string, tensors: readonly Tensor[]): Tensor {
  const op = new Operation(plan, "channelMoments", label, kernel);
  const channels = tensors[0].shape[2];
  const { layout } = tensors[0];
  const perPart = pointsPerPart(
    tensors.reduce((sum, { shape: [first, second] }) => sum + first * second, 0),
  );
  let rows = 0;
  const ranges = tensors.map(({ shape, layout: own }) => {
    if (shape.length !== 3 || shape[2] !== channels || own !== layout) {
      throw op.error(
        `a tensor is (${
          shape.join(", ")
        }) in ${own}, wanted ${channels} channels in ${layout} like the first`,
      );
    }
    const points = shape[0] * shape[1], parts = Math.ceil(points / perPart), first_row = rows;
    rows += parts;
    return { points, channels, points_per_part: perPart, parts, first_row };
  });
  const partials = op.scratch("partials", [rows, channels, 4]);
  tensors.forEach((tensor, i) => {
    const dims = ranges[i], workgroups = linearWorkgroups(channels * dims.parts);
    if (layout === "blocks") {
      op.run("part_of_blocks", { dims, x: tensor, partials }, workgroups, { part: "part" });
    } else op.run("part_of_rows", { dims, x_rows: tensor, partials }, workgroups, { part: "part" });
  });
  const moments = op.constant([channels, 2]);
  const merging = { rows, channels };
  op.run("merge", { merging, parts: partials, moments }, [Math.ceil(channels / 64)]);
  return moments;
}
