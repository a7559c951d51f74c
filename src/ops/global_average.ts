/**
 * Global average pooling of videos.
 *
 * @module
 */
import text from "../../wgsl/ops/global_average.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps } from "./frame_maps.ts";
import { channelMoments } from "./moments.ts";

const kernel = defineKernel("wgsl/ops/global_average.wgsl", text);

/**
 * Records the mean of each channel over all pixels of all frames of a scene.
 *
 * @returns `(scenes, 1, channels)` in blocks, as linear layers read it
 */
export function globalAverage(plan: Plan, label: string, x: FrameMaps): Tensor {
  const { channels } = x;
  expectFrameMaps("globalAverage", plan.path(label), "x", x);
  const y = plan.activation(label, [x.frames.length, 1, channels], "blocks", x.frames.flat());
  const points = x.height * x.width, blocks = blocksOf(points);
  const dims = x.frames.map((frames, scene) => ({
    scene,
    channels,
    blocks,
    share: 1 / (frames.length * points),
    accumulate: 0,
  }));
  x.frames.forEach((frames, scene) => {
    plan.dispatch({
      label: `${label}.forward`,
      kernel,
      entry: "forward",
      bindings: {
        dims: dims[scene],
        moments: channelMoments(plan, `${label}.moments.${scene}`, frames),
        y,
      },
      workgroups: [Math.ceil(channels / 64)],
    });
  });

  plan.backward([y], ([dY]) =>
    x.frames.forEach((frames, scene) => {
      for (const frame of frames) {
        const sink = plan.gradientSink(frame);
        if (!sink) continue;
        plan.dispatch({
          label: `${label}.backward_input`,
          kernel,
          entry: "backward_input",
          bindings: {
            dims: { ...dims[scene], accumulate: sink.accumulate },
            d_y: dY,
            d_x: sink.gradient,
          },
          workgroups: [channels, Math.ceil(blocks / 4)],
        });
      }
    }));

  return y;
}
