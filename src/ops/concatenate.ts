/**
 * Channels of several tensors side by side.
 *
 * @module
 */
import text from "../../wgsl/ops/concatenate.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrozen, expectShape } from "../runtime/shapes.ts";

const kernel = defineKernel("wgsl/ops/concatenate.wgsl", text);

/**
 * Records `y = [a ⧺ b ⧺ …]` along the channels.
 *
 * @param parts `(scenes, points, channels of each)` in blocks
 * @returns `(scenes, points, sum of channels)` in blocks
 */
export function concatenate(plan: Plan, label: string, ...parts: Tensor[]): Tensor {
  const [scenes, points] = parts[0].shape;
  for (const part of parts) {
    expectShape("concatenate", plan.path(label), { part }, "blocks", [scenes, points, "channels"]);
  }
  const channels = parts.reduce((sum, part) => sum + part.shape[2], 0);
  const y = plan.activation(label, [scenes, points, channels], "blocks", parts);
  const blocks = scenes * blocksOf(points);
  const firsts = parts.map((_, i) =>
    parts.slice(0, i).reduce((sum, { shape }) => sum + shape[2], 0)
  );
  parts.forEach((part, i) => {
    plan.dispatch({
      label: `${label}.forward`,
      kernel,
      entry: "forward",
      bindings: {
        part,
        whole: y,
        dims: { channels, first: firsts[i], count: part.shape[2], accumulate: 0 },
      },
      workgroups: [blocks, part.shape[2]],
    });
  });
  plan.backward([y], ([dY]) => {
    parts.forEach((part, i) => {
      const sink = plan.gradientSink(part);
      if (!sink) return;
      plan.dispatch({
        label: `${label}.backward`,
        kernel,
        entry: "backward",
        bindings: {
          d_whole: dY,
          d_part: sink.gradient,
          dims: {
            channels,
            first: firsts[i],
            count: part.shape[2],
            accumulate: sink.accumulate,
          },
        },
        workgroups: [blocks, part.shape[2]],
      });
    });
  });
  return y;
}

/**
 * Records `whole[:, :, first…first + channels − 1] = part`, in place: what is concatenated step by step. Forward only.
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
  const path = plan.path(label);
  const [scenes, points, channels] = expectShape("writeChannels", path, { whole }, "blocks", [
    "scenes",
    "points",
    "channels",
  ]);
  const [, , count] = expectShape("writeChannels", path, { part }, "blocks", [
    scenes,
    points,
    "channels",
  ]);
  if (first < 0 || first + count > channels) {
    throw new Error(
      `Cannot record writeChannels "${path}": channels ${first} to ${
        first + count - 1
      } of whole, ` +
        `wanted within 0 to ${channels - 1}`,
    );
  }
  expectFrozen("writeChannels", path, { part, whole });
  plan.dispatch({
    label,
    kernel,
    entry: "forward",
    bindings: { part, whole, dims: { channels, first, count, accumulate: 0 } },
    workgroups: [scenes * blocksOf(points), count],
  });
}
