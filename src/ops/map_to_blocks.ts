/**
 * Feature maps between the layout that sampling reads (`rows`) and the one that products read (`blocks`). For inference only:
 * maps that are projected before sampling belong to frozen encoders.
 *
 * @module
 */
import text from "../../wgsl/ops/map_to_blocks.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/map_to_blocks.wgsl", text);

/** Records a map `(height, width, channels)` rows as `(1, height·width, channels)` in blocks. */
export function mapToBlocks(plan: Plan, label: string, map: Tensor): Tensor {
  const op = new Operation(plan, "mapToBlocks", label, kernel);
  const [height, width, channels] = op.expect({ map }, "rows", ["height", "width", "channels"]);
  op.expectFrozen({ map });
  const pixels = height * width, workgroups = [blocksOf(pixels), channels] as const;
  const y = op.output([1, pixels, channels], "blocks", [map]);
  const bindings = { x: map, y, dims: { pixels, channels } };
  op.run("rows_to_blocks", bindings, workgroups, { part: "" });
  return y;
}

/** Records `(1, height·width, channels)` in blocks as a map `(height, width, channels)` rows, written to `map`. */
export function blocksToMap(plan: Plan, label: string, x: Tensor, map: Tensor): void {
  const op = new Operation(plan, "blocksToMap", label, kernel);
  const [height, width, channels] = op.expect({ map }, "rows", ["height", "width", "channels"]);
  const pixels = height * width, workgroups = [blocksOf(pixels), channels] as const;
  op.expect({ x }, "blocks", [1, pixels, channels]);
  op.expectFrozen({ x, map });
  const bindings = { x, y: map, dims: { pixels, channels } };
  op.run("blocks_to_rows", bindings, workgroups, { part: "" });
}
