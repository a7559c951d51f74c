/**
 * Drawing the rays of a step on the GPU.
 *
 * @module
 */
import text from "../../wgsl/training/ray_sampler.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { streams } from "../runtime/random.ts";
import type { Tensor } from "../runtime/tensor.ts";
import type { RayBatch } from "./ray_batch.ts";
import type { SceneMemory } from "./scene_memory.ts";

const kernel = defineKernel(
  "wgsl/training/ray_sampler.wgsl",
  text,
);

/**
 * Records the drawing of each scene's rays: the first `staticRays` from what stands still in the frame drawn, the others from
 * what moves, no pixel twice until a region has fewer pixels than rays.
 *
 * @param step the uniform of `createStep`
 * @param choices `(scenes, 2)` u32: the frame drawn, its number of still pixels
 */
export function sampleRays(
  plan: Plan,
  scenes: readonly SceneMemory[],
  batch: RayBatch,
  step: Tensor,
  choices: Tensor,
  staticRays: number,
): void {
  const firstOf = (tensor: Tensor) => tensor.memory!.offset / 4;
  scenes.forEach(({ scene, order, targets }, i) => {
    plan.dispatch({
      label: `rays.sample.${scene.name}`,
      kernel,
      entry: "sample",
      bindings: {
        step,
        choices,
        order,
        targets,
        batch: batch.all,
        dims: {
          scene: i,
          rays: batch.rays,
          static_rays: staticRays,
          pixels: scene.width * scene.height,
          width: scene.width,
          static_stream: streams.staticPixel,
          moving_stream: streams.movingPixel,
          first_pixel: firstOf(batch.pixels),
          first_color: firstOf(batch.colors),
          first_inverse_depth: firstOf(batch.inverseDepth),
          first_depth: firstOf(batch.absoluteDepth),
          first_moving: firstOf(batch.moving),
          first_backward: firstOf(batch.flowBackward),
          first_forward: firstOf(batch.flowForward),
        },
      },
      workgroups: [Math.ceil(batch.rays / 64)],
    });
  });
}
