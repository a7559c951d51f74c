/**
 * What the pixels of a step's rays say: the training data of one step.
 *
 * @module
 */
import type { Gpu } from "../runtime/device.ts";
import { createTensor, type Tensor } from "../runtime/tensor.ts";
import { flatLayout, tensorViews } from "../runtime/views.ts";

/** Tensors of a batch, all rows; views into one buffer. */
export interface RayBatch {
  readonly scenes: number;
  /** Rays of a scene. */
  readonly rays: number;
  /** The whole buffer. */
  readonly all: Tensor;
  /** `(scenes, rays, 2)`: x, y of the pixels. */
  readonly pixels: Tensor;
  /** `(scenes, rays, 3)`: sRGB in 0…1. */
  readonly colors: Tensor;
  /** `(scenes, rays)`: relative, bigger is nearer. */
  readonly inverseDepth: Tensor;
  /** `(scenes, rays)`: NDC depth in 0…1; 0 where the scenes have no absolute depth. */
  readonly absoluteDepth: Tensor;
  /** `(scenes, rays)`: 1 where something moves. */
  readonly moving: Tensor;
  /** `(scenes, rays, 3)`: optical flow to the frame before, pixels, and its validity. */
  readonly flowBackward: Tensor;
  /** `(scenes, rays, 3)`: the same to the frame after. */
  readonly flowForward: Tensor;
}

const channels = {
  pixels: 2,
  colors: 3,
  inverseDepth: 1,
  absoluteDepth: 1,
  moving: 1,
  flowBackward: 3,
  flowForward: 3,
} as const;

/** Makes the tensors of a batch. */
export function createRayBatch(gpu: Gpu, scenes: number, rays: number): RayBatch {
  const shapes = Object.fromEntries(
    Object.entries(channels).map(([name, count]) => [
      name,
      count === 1 ? [scenes, rays] : [scenes, rays, count],
    ]),
  ) as Record<keyof typeof channels, number[]>;
  const all = createTensor(gpu, "batch", [flatLayout(Object.values(shapes)).size]);
  return { scenes, rays, all, ...tensorViews(all, shapes) };
}
