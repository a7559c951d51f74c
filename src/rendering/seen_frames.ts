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
import { chooseFrames, type FramePictures } from "../ops/choose_frames.ts";
import { sampleFrames } from "../ops/sample_frames.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { cameraRecord } from "./camera_records.ts";

/** A scene's frames with their feature maps. */
export interface SeenFrames extends FramePictures {
  /** The frames' maps, as many in a page as fit into one binding: `(frames of the page, height, width, channels)` rows. */
  readonly pages: readonly Tensor[];
}

/**
 * Takes over the maps of a scene's frames.
 *
 * @param maps `(height, width, channels)` rows, one for each frame; freed
 */
export function createSeenFrames(gpu: Gpu, scene: Scene, maps: readonly Tensor[]): SeenFrames {
  const { cameras, name } = scene;
  const [height, width, channels] = maps[0].shape;
  const bytes = height * width * channels * 4;
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const most = Math.max(
    1,
    Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / bytes),
  );
  const perPage = Math.ceil(maps.length / Math.ceil(maps.length / most));
  const pages: Tensor[] = [];
  for (let first = 0; first < maps.length; first += perPage) {
    const held = maps.slice(first, first + perPage);
    const shape = [held.length, height, width, channels];
    const page = createTensor(gpu, `${name}.maps.${pages.length}`, shape);
    const encoder = gpu.device.createCommandEncoder({ label: page.label });
    held.forEach(({ memory }, i) =>
      encoder.copyBufferToBuffer(
        memory!.buffer,
        memory!.offset,
        page.memory!.buffer,
        i * bytes,
        bytes,
      )
    );
    gpu.device.queue.submit([encoder.finish()]);
    for (const map of held) destroyTensor(gpu, map);
    pages.push(page);
  }
  const pictures = stillPictures(scene);
  const spacing = squaredSpacing(cameras);
  const records = cameras.flatMap((camera) => cameraRecord(camera, 1 / spacing));
  return {
    cameras: createTensor(gpu, `${name}.cameras`, [cameras.length, 16], {
      data: Float32Array.from(records),
    }),
    pictures: createTensor(gpu, `${name}.pictures`, pictures.shape, { data: pictures.data }),
    pages,
  };
}

/** Frees what {@link createSeenFrames} made. */
export function destroySeenFrames(gpu: Gpu, { cameras, pictures, pages }: SeenFrames): void {
  for (const tensor of [cameras, pictures, ...pages]) destroyTensor(gpu, tensor);
}

/**
 * Records the image features of points as the nearest cameras that saw them have them.
 *
 * @param points `(scenes, points, 3)` in blocks, NDC
 * @param views `(scenes, 3, 16)` rows: the cameras that the points are seen by, in the current slot
 */
export function seenFeatures(
  plan: Plan,
  points: Tensor,
  views: Tensor,
  frames: readonly SeenFrames[],
): FeatureSource {
  const choice = chooseFrames(plan, "static.choice", { points, views, frames });
  const pages = frames.map(({ pages }) => pages);
  const features = sampleFrames(plan, "static.features", { points, choice, frames, pages });
  return pointFeatures(plan.recompute(features));
}
