/**
 * Feature levels of several resolutions, brought to one grid and concatenated.
 *
 * @module
 */
import text from "../../wgsl/ops/concatenate_levels.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps } from "./frame_maps.ts";

const kernel = defineKernel("wgsl/ops/concatenate_levels.wgsl", text);

/** Turns of an invocation's loops: some software drivers end them silently after 65,535. */
const mostTurns = 60000;

/** How many positions of the new length read one of the old. */
function mostReaders(old: number, length: number): number {
  return old === 1 ? length : Math.ceil(2 * (length - 1) / (old - 1));
}

/**
 * Records every level resized bilinearly (align_corners: corners meet corners) to the first one's grid, channels one level
 * after the other. Frames do not mix, so this is PyTorch's trilinear resizing at an unchanged number of frames.
 *
 * @param levels maps of the same scenes and frames
 * @returns by scene and frame: `(height, width, Σ channels)` rows
 * @throws where a level that requires a gradient is so small that more than 60,000 pixels read one of its own
 */
export function concatenateLevels(
  plan: Plan,
  label: string,
  levels: readonly FrameMaps[],
): Tensor[][] {
  const op = new Operation(plan, "concatenateLevels", label, kernel);
  const { height, width, frames } = levels[0];
  const columns = levels.reduce((sum, { channels }) => sum + channels, 0);
  let first = 0;
  const parts = levels.map((level) => {
    expectFrameMaps(op, { level });
    const dims = {
      channels: level.channels,
      in_height: level.height,
      in_width: level.width,
      out_height: height,
      out_width: width,
      first,
      columns,
    };
    first += level.channels;
    const inputs = level.frames.flat();
    const readers = mostReaders(level.height, height) * mostReaders(level.width, width);
    if (readers > mostTurns && inputs.some((frame) => frame.requiresGradient)) {
      throw new Error(
        `Cannot differentiate concatenateLevels "${op.path}": ${readers} pixels read one of a level of ` +
          `${level.height} x ${level.width}, and its gradient sums at most ${mostTurns}; use a larger level`,
      );
    }
    return { dims, inputs };
  });
  const maps = frames.map((scene, s) =>
    scene.map((_, f) => {
      const inputs = levels.map((level) => level.frames[s][f]);
      return op.output([height, width, columns], "rows", inputs, `${s}.${f}`);
    })
  );
  const outputs = maps.flat();
  outputs.forEach((y, f) => {
    for (const { dims, inputs } of parts) {
      const workgroups = linearWorkgroups(height * width * dims.channels);
      op.run("forward", { dims, x: inputs[f], y }, workgroups);
    }
  });

  op.backward(outputs, (gradients) =>
    gradients.forEach((dY, f) => {
      for (const { dims, inputs } of parts) {
        const workgroups = linearWorkgroups(dims.in_height * dims.in_width * dims.channels);
        op.run("backward_input", { dims, d_y: dY, d_x: op.target(inputs[f]) }, workgroups);
      }
    }));

  return maps;
}
