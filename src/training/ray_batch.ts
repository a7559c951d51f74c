/**
 * What the pixels of a step's rays say: the training data of one step.
 *
 * @module
 */
import type { Gpu } from "../runtime/device.ts";
import { createTensor, type Tensor } from "../runtime/tensor.ts";

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
  const aligned = (size: number) => Math.ceil(size / 64) * 64; // ranges start at multiples of 256 bytes
  const total = Object.values(channels).reduce((sum, c) => sum + aligned(scenes * rays * c), 0);
  const all = createTensor(gpu, "batch", [total]);
  let first = 0;
  const views = Object.entries(channels).map(([label, count]): [string, Tensor] => {
    const size = scenes * rays * count;
    const shape = count === 1 ? [scenes, rays] : [scenes, rays, count];
    const memory = { buffer: all.memory!.buffer, offset: first * 4 };
    first += aligned(size);
    return [label, { label, shape, layout: "rows", size, requiresGradient: false, memory }];
  });
  const named = Object.fromEntries(views) as Record<keyof typeof channels, Tensor>;
  return { scenes, rays, all, ...named };
}
