/**
 * The static field's features from the frames that saw a point, not from one frame that perhaps did not.
 *
 * A point of the room is seen in many frames. The released code reads its features in one: a random one in training, in rendering
 * that of the time, whose camera may stand far from the view and see the border, or somebody in front, where the point is. Here
 * the frames of the cameras nearest to the view give them in whose pictures the point lies and stands still
 * ({@link chooseFrames}).
 *
 * @module
 */
import type { Scene } from "../data/scene/scene.ts";
import { squaredSpacing, stillPictures } from "../data/scene/still_pictures.ts";
import { type FeatureSource, pointFeatures } from "../nets/features.ts";
import type { SeenFrames } from "../nets/encoded_scenes.ts";
import { chooseFrames } from "../ops/choose_frames.ts";
import { sampleFrames } from "../ops/sample_frames.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { cameraRecord } from "./camera_records.ts";
import { channelParts } from "./evaluate_fields.ts";

/** All frames of the scenes of a batch, seen from one camera of each. */
export interface SeenWindow {
  /** By scene. */
  readonly frames: readonly SeenFrames[];
  /** `(scenes, 3, 16)` rows: the cameras that the points are seen by, in the current slot. */
  readonly cameras: Tensor;
}

/**
 * Frames whose maps go into one page.
 *
 * @param shape height, width and the most channels of a map that is paged
 * @param frames of the longest scene
 */
export function framesPerPage(gpu: Gpu, shape: readonly number[], frames: number): number {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const bytes = 4 * shape.reduce((product, length) => product * length, 1);
  const most = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / bytes);
  return Math.ceil(frames / Math.ceil(frames / Math.max(1, most)));
}

/**
 * Takes over the maps of a scene's frames.
 *
 * @param maps `(height, width, channels)` rows, one for each frame; freed
 * @param perPage of {@link framesPerPage}, the same for all scenes of a batch; the last page may have room left
 */
export function createSeenFrames(
  gpu: Gpu,
  scene: Scene,
  maps: readonly Tensor[],
  perPage: number,
): SeenFrames {
  const { cameras, name } = scene;
  const pages: Tensor[] = [];
  for (let first = 0; first < maps.length; first += perPage) {
    const page = createTensor(gpu, `${name}.page.${pages.length}`, [perPage, ...maps[0].shape]);
    const encoder = gpu.device.createCommandEncoder({ label: page.label });
    maps.slice(first, first + perPage).forEach(({ memory, size }, i) =>
      encoder.copyBufferToBuffer(
        memory!.buffer,
        memory!.offset,
        page.memory!.buffer,
        i * size * 4,
        size * 4,
      )
    );
    gpu.device.queue.submit([encoder.finish()]);
    pages.push(page);
  }
  for (const map of maps) destroyTensor(gpu, map);
  const pictures = stillPictures(scene);
  const inverseSpacing = 1 / squaredSpacing(cameras);
  const records = cameras.flatMap((camera) => cameraRecord(camera, inverseSpacing));
  return {
    cameras: createTensor(gpu, `${name}.cameras`, [cameras.length, 16], {
      data: Float32Array.from(records),
    }),
    pictures: createTensor(gpu, `${name}.pictures`, pictures.shape, { data: pictures.data }),
    pages,
  };
}

/**
 * Records the image features of points as the nearest cameras that saw them have them.
 *
 * @param points `(scenes, points, 3)` in blocks, NDC
 */
export function seenFeatures(
  plan: Plan,
  points: Tensor,
  { frames, cameras }: SeenWindow,
): FeatureSource {
  const choice = chooseFrames(plan, "static.choice", { points, views: cameras, frames });
  const pages = frames.map(({ pages }) => pages);
  const parts = channelParts(plan.gpu, points, pages[0][0].shape[3]).map((channels) =>
    sampleFrames(plan, "static.features", { points, choice, frames, pages, channels })
  );
  return pointFeatures(...parts.map((part) => plan.recompute(part)));
}
