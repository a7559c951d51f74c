/**
 * Encoding the scenes of a run: feature maps and pooled codes, once for frozen encoders.
 *
 * @module
 */
import { encoderInput } from "../data/encoder_input.ts";
import type { Scene } from "../data/scene.ts";
import { encodeImages } from "../nets/image_encoder.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { encodeVideo } from "../nets/video_encoder.ts";
import type { Recipe } from "../recipes/recipe.ts";
import { destroyTensor, type Tensor } from "../runtime/tensor.ts";

/** What the fields see of the scenes. */
export interface EncodedScenes {
  /** The scenes, in the order of the batch. */
  readonly scenes: readonly Scene[];
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

/** How frames are encoded. */
export type EncodingRecipe = Pick<
  Recipe,
  "encoderWidth" | "encoderHeight" | "encoderStatistics" | "standardizeFeatures"
>;

/** What {@link encodeScenes} may be told. */
export interface EncodeScenesOptions {
  /** Called with what is being done, and how far it is in 0…1. */
  onProgress?: (what: string, fraction: number) => void;
  /** Gives up between two parts of the work. */
  signal?: AbortSignal;
}

/** Runs both frozen encoders over all frames of a batch of scenes. */
export async function encodeScenes(
  model: MonoNerf,
  scenes: readonly Scene[],
  recipe: EncodingRecipe,
  { onProgress, signal }: EncodeScenesOptions = {},
): Promise<EncodedScenes> {
  const { gpu } = model;
  const common = {
    statistics: recipe.encoderStatistics,
    standardize: recipe.standardizeFeatures,
    signal,
  };
  const size = { width: recipe.encoderWidth, height: recipe.encoderHeight };
  const clips = scenes.map((scene) => encoderInput(scene.images, size));
  const video = await encodeVideo(gpu, model.video, clips, {
    ...common,
    onProgress: ({ fraction }) => onProgress?.("video encoder", fraction),
  });
  const images = scenes.map((scene) => scene.images);
  const image = await encodeImages(gpu, model.image, images, {
    ...common,
    onProgress: ({ fraction }) => onProgress?.("image encoder", fraction),
  });
  return { scenes, videoMaps: video.maps, imageMaps: image.maps, pooled: video.pooled };
}

/** Frees the features. */
export function destroyEncodedScenes(model: MonoNerf, encoded: EncodedScenes): void {
  const { videoMaps, imageMaps, pooled } = encoded;
  for (const tensor of [...videoMaps.flat(), ...imageMaps.flat(), pooled]) {
    destroyTensor(model.gpu, tensor);
  }
}
