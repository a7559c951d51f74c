/**
 * Feature maps between the layout that sampling reads (`rows`) and the one that products read (`blocks`).
 *
 * @module
 */
import text from "../../wgsl/ops/map_to_blocks.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../runtime/shapes.ts";

const kernel = defineKernel("wgsl/ops/map_to_blocks.wgsl", text);

/**
 * Records a map `(height, width, channels)` rows as `(1, height·width, channels)` in blocks.
 *
 * Forward only: maps that are projected before sampling belong to frozen encoders.
 */
export function mapToBlocks(plan: Plan, label: string, map: Tensor): Tensor {
  const shape = expectShape("mapToBlocks", plan.path(label), { map }, "rows", [
    "height",
    "width",
    "channels",
  ]);
  const [height, width, channels] = shape;
  const y = plan.activation(label, [1, height * width, channels], "blocks");
  record(plan, label, "rows_to_blocks", map, y, height * width, channels);
  return y;
}

/** Records `(1, height·width, channels)` in blocks as a map `(height, width, channels)` rows, written to `map`. */
export function blocksToMap(plan: Plan, label: string, x: Tensor, map: Tensor): void {
  const [height, width, channels] = map.shape;
  expectShape("blocksToMap", plan.path(label), { x }, "blocks", [1, height * width, channels]);
  record(plan, label, "blocks_to_rows", x, map, height * width, channels);
}

function record(
  plan: Plan,
  label: string,
  entry: string,
  x: Tensor,
  y: Tensor,
  pixels: number,
  channels: number,
): void {
  plan.dispatch({
    label,
    kernel,
    entry,
    bindings: { x, y, dims: { pixels, channels } },
    workgroups: [blocksOf(pixels), channels],
  });
}
