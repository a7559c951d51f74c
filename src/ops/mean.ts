/**
 * Global average pooling of videos.
 *
 * @module
 */
import text from "../../wgsl/ops/mean.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, expectFrozen, type FrameMaps } from "./frame_maps.ts";
import { channelMoments } from "./moments.ts";

const kernel = defineKernel("wgsl/ops/mean.wgsl", text);

/**
 * Records the mean of each channel over all pixels of all frames of a scene.
 *
 * @returns `(scenes, 1, channels)` in blocks, as linear layers read it
 */
export function globalAverage(plan: Plan, label: string, x: FrameMaps): Tensor {
  const { channels } = x;
  expectFrameMaps("globalAverage", plan.path(label), "x", x);
  expectFrozen(plan.path(label), x.frames.flat());
  const y = plan.activation(label, [x.frames.length, 1, channels], "blocks");
  x.frames.forEach((frames, scene) => {
    plan.dispatch({
      label: `${label}.forward`,
      kernel,
      entry: "forward",
      bindings: {
        dims: { scene, channels },
        moments: channelMoments(plan, `${label}.moments.${scene}`, frames),
        y,
      },
      workgroups: [Math.ceil(channels / 64)],
    });
  });
  return y;
}
