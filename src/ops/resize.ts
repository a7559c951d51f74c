/**
 * Feature levels of several resolutions, brought to one grid and concatenated.
 *
 * @module
 */
import text from "../../wgsl/ops/resize.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, expectFrozen, type FrameMaps } from "./frame_maps.ts";

const kernel = defineKernel("wgsl/ops/resize.wgsl", text);

/**
 * Records every level resized bilinearly (align_corners: corners meet corners) to the first one's grid, channels one level
 * after the other. Frames do not mix, so this is PyTorch's trilinear resizing at an unchanged number of frames.
 *
 * @param levels maps of the same scenes and frames
 * @returns by scene and frame: `(height, width, Σ channels)` rows
 */
export function concatenateLevels(
  plan: Plan,
  label: string,
  levels: readonly FrameMaps[],
): Tensor[][] {
  const { height, width } = levels[0];
  const columns = levels.reduce((sum, { channels }) => sum + channels, 0);
  for (const level of levels) {
    expectFrameMaps("concatenateLevels", plan.path(label), "level", level);
    expectFrozen(plan.path(label), level.frames.flat());
  }
  return levels[0].frames.map((scene, s) =>
    scene.map((_, f) => {
      const y = plan.activation(`${label}.${s}.${f}`, [height, width, columns]);
      let first = 0;
      for (const level of levels) {
        plan.dispatch({
          label: `${label}.forward`,
          kernel,
          entry: "forward",
          bindings: {
            dims: {
              channels: level.channels,
              in_height: level.height,
              in_width: level.width,
              out_height: height,
              out_width: width,
              first,
              columns,
            },
            x: level.frames[s][f],
            y,
          },
          workgroups: linearWorkgroups(height * width * level.channels),
        });
        first += level.channels;
      }
      return y;
    })
  );
}
