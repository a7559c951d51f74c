/**
 * A scene's frames as the ray sampler reads them.
 *
 * @module
 */
import type { Scene } from "../data/scene/scene.ts";
import type { Gpu } from "../runtime/device.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";

/** Numbers of a pixel: color, inverse depth, moving, flow backward (u, v, valid), forward, absolute depth. */
export const targetChannels = 12;

/** A scene on the GPU. */
export interface SceneMemory {
  readonly scene: Scene;
  /** `(frames, pixels, 12)` rows. */
  readonly targets: Tensor;
  /** `(frames, pixels)`: each frame's pixel numbers, still ones first. */
  readonly order: Tensor;
  /** Still pixels of each frame. */
  readonly still: readonly number[];
}

/**
 * Uploads a scene's frames.
 *
 * @param absoluteDepth `(frames, pixels)`: NDC depths, of `absoluteDepthNdc`; without them they are 0
 */
export function createSceneMemory(
  gpu: Gpu,
  scene: Scene,
  absoluteDepth?: Float32Array,
): SceneMemory {
  const { frames, width, height, name } = scene;
  const pixels = width * height;
  const targets = new Float32Array(frames * pixels * targetChannels);
  const order = new Uint32Array(frames * pixels);
  const still: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const first = frame * pixels;
    let head = first;
    let tail = first + pixels;
    for (let pixel = 0; pixel < pixels; pixel++) {
      const i = first + pixel;
      targets.set([
        scene.images.data[3 * i] / 255,
        scene.images.data[3 * i + 1] / 255,
        scene.images.data[3 * i + 2] / 255,
        scene.inverseDepth.data[i],
        scene.moving.data[i],
        scene.flowBackward.data[2 * i],
        scene.flowBackward.data[2 * i + 1],
        scene.flowBackwardValid.data[i],
        scene.flowForward.data[2 * i],
        scene.flowForward.data[2 * i + 1],
        scene.flowForwardValid.data[i],
        absoluteDepth?.[i] ?? 0,
      ], i * targetChannels);
      if (scene.moving.data[i] === 0) order[head++] = pixel;
      else order[--tail] = pixel;
    }
    still.push(head - first);
  }
  return {
    scene,
    targets: createTensor(gpu, `${name}.targets`, [frames, pixels, targetChannels], {
      data: targets,
    }),
    order: createTensor(gpu, `${name}.order`, [frames, pixels], { data: order }),
    still,
  };
}

/** Frees a scene's memory. */
export function destroySceneMemory(gpu: Gpu, memory: SceneMemory): void {
  destroyTensor(gpu, memory.targets);
  destroyTensor(gpu, memory.order);
}
