/**
 * Channels of several tensors side by side.
 *
 * @module
 */
import text from "../../wgsl/ops/concatenate.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/concatenate.wgsl", text);

/**
 * Records `y = [a ⧺ b ⧺ …]` along the channels.
 *
 * @param parts `(scenes, points, channels of each)` in blocks
 * @returns `(scenes, points, sum of channels)` in blocks
 */
export function concatenate(plan: Plan, label: string, ...parts: Tensor[]): Tensor {
  const op = new Operation(plan, "concatenate", label, kernel);
  const [scenes, points] = parts[0].shape;
  let channels = 0;
  const placed = parts.map((part) => {
    const [, , count] = op.expect({ part }, "blocks", [scenes, points, "channels"]);
    const first = channels;
    channels += count;
    return { part, first, count };
  });
  const y = op.output([scenes, points, channels], "blocks", parts);
  const blocks = scenes * blocksOf(points);
  for (const { part, first, count } of placed) {
    op.run("forward", { part, whole: y, dims: { channels, first, count } }, [blocks, count]);
  }
  op.backward([y], ([dY]) => {
    for (const { part, first, count } of placed) {
      const dims = { channels, first, count };
      op.run("backward", { d_whole: dY, d_part: op.target(part), dims }, [blocks, count]);
    }
  });
  return y;
}

/**
 * Records `whole[:, :, first…first + channels − 1] = part`, in place: what is concatenated step by step. For inference only.
 *
 * @param part `(scenes, points, channels)` in blocks
 * @param whole `(scenes, points, first + channels or more)` in blocks; its other channels stay as they are
 */
export function writeChannels(
  plan: Plan,
  label: string,
  part: Tensor,
  whole: Tensor,
  first: number,
): void {
  const op = new Operation(plan, "writeChannels", label, kernel);
  const shape = op.expect({ whole }, "blocks", ["scenes", "points", "channels"]);
  const [scenes, points, channels] = shape;
  const [, , count] = op.expect({ part }, "blocks", [scenes, points, "channels"]);
  if (first < 0 || first + count > channels) {
    const last = first + count - 1;
    throw op.error(`channels ${first} to ${last} of whole, wanted within 0 to ${channels - 1}`);
  }
  op.expectFrozen({ part, whole });
  const dims = { channels, first, count };
  op.run("forward", { part, whole, dims }, [scenes * blocksOf(points), count], { part: "" });
}
