/**
 * Global average pooling of videos.
 *
 * @module
 */
import text from "../../wgsl/ops/global_average.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps } from "./frame_maps.ts";
import { channelMoments } from "./channel_moments.ts";

const kernel = defineKernel("wgsl/ops/global_average.wgsl", text);

/**
 * Records the mean of each channel over all pixels of all frames of a scene.
 *
 * @returns `(scenes, 1, channels)` in blocks, as linear layers read it
 */
export function globalAverage(plan: Plan, label: string, x: FrameMaps): Tensor {
  const op = new Operation(plan, "globalAverage", label, kernel);
  const { channels } = x;
  expectFrameMaps(op, { x });
  const y = op.output([x.frames.length, 1, channels], "blocks", x.frames.flat());
  const points = x.height * x.width, blocks = blocksOf(points);
  const dimsOf = (scene: number) => {
    return { scene, channels, blocks, share: 1 / (x.frames[scene].length * points) };
  };
  x.frames.forEach((frames, scene) => {
    const moments = channelMoments(plan, `${label}.moments.${scene}`, frames);
    op.run("forward", { dims: dimsOf(scene), moments, y }, [Math.ceil(channels / 64)]);
  });

  op.backward([y], ([dY]) =>
    x.frames.forEach((frames, scene) => {
      const dims = dimsOf(scene), workgroups = [channels, Math.ceil(blocks / 4)] as const;
      for (const frame of frames) {
        op.run("backward_input", { dims, d_y: dY, d_x: op.target(frame) }, workgroups);
      }
    }));

  return y;
}
