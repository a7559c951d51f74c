/**
 * Drawing the rays of a step on the GPU.
 *
 * @module
 */
import text from "../../wgsl/training/ray_sampler.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { streams } from "../runtime/random.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { offsetOf } from "../runtime/views.ts";
import type { RayBatch } from "./ray_batch.ts";
import type { SceneMemory } from "./scene_memory.ts";

const kernel = defineKernel("wgsl/training/ray_sampler.wgsl", text);

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
  const op = new Operation(plan, "sampleRays", "rays.sample", kernel);
  scenes.forEach(({ scene, order, targets }, i) => {
    const dims = {
      scene: i,
      rays: batch.rays,
      static_rays: staticRays,
      pixels: scene.width * scene.height,
      width: scene.width,
      static_stream: streams.staticPixel,
      moving_stream: streams.movingPixel,
      first_pixel: offsetOf(batch.pixels),
      first_color: offsetOf(batch.colors),
      first_inverse_depth: offsetOf(batch.inverseDepth),
      first_depth: offsetOf(batch.absoluteDepth),
      first_moving: offsetOf(batch.moving),
      first_backward: offsetOf(batch.flowBackward),
      first_forward: offsetOf(batch.flowForward),
    };
    const bindings = { step, choices, order, targets, batch: batch.all, dims };
    op.run("sample", bindings, [Math.ceil(batch.rays / 64)], { part: scene.name });
  });
}
