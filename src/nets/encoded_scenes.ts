/**
 * What the fields see of a batch of scenes: feature maps of every frame, and pooled codes.
 *
 * @module
 */
import type { Scene } from "../data/scene/scene.ts";
import { destroyTensor, type Tensor } from "../runtime/tensor.ts";
import type { MonoNerf } from "./mono_nerf.ts";

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
   * By scene and frame: `(height, width, 512)` rows.
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
}

/** Frees the features. */
export function destroyEncodedScenes(model: MonoNerf, encoded: EncodedScenes): void {
  const { videoMaps, imageMaps, pooled } = encoded;
  for (const tensor of [...videoMaps.flat(), ...imageMaps.flat(), pooled]) {
    destroyTensor(model.gpu, tensor);
  }
}
