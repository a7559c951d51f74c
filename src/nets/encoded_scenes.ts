/**
 * What the fields see of a batch of scenes: feature maps of every frame, and pooled codes.
 *
 * @module
 */
import type { Scene } from "../data/scene/scene.ts";
import type { FramePictures } from "../ops/choose_frames.ts";
import { destroyTensor, type Tensor } from "../runtime/tensor.ts";
import type { MonoNerf } from "./mono_nerf.ts";

/** A scene's frames with their image features, in which points of the static field look for themselves. */
export interface SeenFrames extends FramePictures {
  /** The frames' maps, as many in a page as fit into one binding: `(frames of the page, height, width, channels)` rows. */
  readonly pages: readonly Tensor[];
}

/** Scenes as the encoders see them. */
export interface EncodedScenes {
  /** The scenes, in the order of the batch. */
  readonly scenes: readonly Pick<Scene, "cameras">[];
  /**
   * By scene and frame: `(height, width, 832)` rows.
   *
   * @internal
   */
  readonly videoMaps: readonly (readonly Tensor[])[];
  /**
   * By scene and frame: `(height, width, 512)` rows; none where {@link seen} has them.
   *
   * @internal
   */
  readonly imageMaps: readonly (readonly Tensor[])[];
  /**
   * `(scenes, 1, 2048)` in blocks.
   *
   * @internal
   */
  readonly pooled: Tensor;
  /**
   * By scene, where the static field reads features from the frames that saw a point: they then have the image maps.
   *
   * @internal
   */
  readonly seen?: readonly SeenFrames[];
}

/** Frees the features. */
export function destroyEncodedScenes(model: MonoNerf, encoded: EncodedScenes): void {
  const { videoMaps, imageMaps, pooled, seen = [] } = encoded;
  const frames = seen.flatMap(({ cameras, pictures, pages }) => [cameras, pictures, ...pages]);
  for (const tensor of [...videoMaps.flat(), ...imageMaps.flat(), pooled, ...frames]) {
    destroyTensor(model.gpu, tensor);
  }
}
