/**
 * Encoding the scenes of a run: feature maps and pooled codes, once for frozen encoders.
 *
 * @module
 */
import { encoderInput, enlargedFrames } from "../data/scene/encoder_input.ts";
import type { FeatureCache } from "../data/run/feature_cache.ts";
import type { Scene } from "../data/scene/scene.ts";
import type { EncodeOptions } from "../nets/encoder.ts";
import type { EncodedScenes } from "../nets/encoded_scenes.ts";
import { encodeImages } from "../nets/image_encoder.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { fieldSizes } from "../nets/sizes.ts";
import { encodeVideo } from "../nets/video_encoder.ts";
import type { ModelSizes, Recipe } from "../recipes/recipe.ts";
import { createSeenFrames, framesPerPage } from "../rendering/seen_frames.ts";
import type { Tensor } from "../runtime/tensor.ts";
import {
  featureKey,
  type FeatureSources,
  type FeatureSpec,
  readFeatures,
  writeFeatures,
} from "./feature_store.ts";

/** How frames are encoded. */
export type EncodingRecipe = Pick<
  Recipe,
  | "encoderWidth"
  | "encoderHeight"
  | "encoderStatistics"
  | "standardizeFeatures"
  | "imageEncoderScale"
  | "trainEncoders"
  | "staticFeatures"
>;

/** What one of the encoders took. */
export interface EncodingReport {
  /** Which one. */
  readonly encoder: "video" | "image";
  /** Frames of all scenes. */
  readonly frames: number;
  /** Of the frames as the encoder sees them, pixels. */
  readonly width: number;
  /** See `width`. */
  readonly height: number;
  /** Whether the features were in the cache. */
  readonly cached: boolean;
  /** Floating-point operations (a multiply-add is two); 0 from the cache. */
  readonly flops: number;
  /** Of encoding, or of looking into the cache and reading. */
  readonly seconds: number;
  /** Most bytes on the GPU meanwhile, with all that was there before. */
  readonly peakBytes: number;
}

/** Options of {@link encodeScenes}. */
export interface EncodeScenesOptions {
  /** Where features are kept, to be found there by the next one who wants the same. */
  cache?: FeatureCache | undefined;
  /** Called with what is being done, and how far it is in 0…1. */
  onProgress?: (what: string, fraction: number) => void;
  /** Called with what each encoder took. */
  onEncoded?: (report: EncodingReport) => void;
  /** Gives up between two parts of the work. */
  signal?: AbortSignal;
}

/** Sizes of the features that encoders of a width give of frames of a size. */
export function featureShapes(
  model: ModelSizes,
  scenes: readonly Pick<Scene, "width" | "height">[],
  recipe: Pick<EncodingRecipe, "encoderWidth" | "encoderHeight" | "imageEncoderScale">,
): Record<"video" | "image" | "pooled", number[]> {
  const { videoChannels, imageChannels, pooledChannels } = fieldSizes(model);
  const { encoderWidth, encoderHeight, imageEncoderScale: scale } = recipe;
  const half = (pixels: number) => Math.ceil(pixels / 2);
  const [{ width, height }] = scenes;
  return {
    // the video encoder's first convolution halves its input, the image encoder's pooling once more
    video: [half(encoderHeight), half(encoderWidth), videoChannels],
    image: [half(half(height * scale)), half(half(width * scale)), imageChannels],
    pooled: [scenes.length, 1, pooledChannels],
  };
}

/**
 * Runs both frozen encoders over all frames of a batch of scenes, or takes their features from the cache.
 *
 * @example Encode the scenes of a run, from the cache where they were encoded before
 * ```ts
 * import type { Checkpoint, MonoNerf, Scene } from "../../mod.ts";
 * import { FeatureFolder } from "../data/mod.ts";
 * import { encodeScenes } from "./mod.ts";
 *
 * async function encode(model: MonoNerf, scenes: Scene[], { recipe }: Checkpoint) {
 *   const cache = new FeatureFolder("features", { limitBytes: 1e9 });
 *   return await encodeScenes(model, scenes, recipe, { cache });
 * }
 * ```
 */
export async function encodeScenes(
  model: MonoNerf,
  scenes: readonly Scene[],
  recipe: EncodingRecipe,
  options: EncodeScenesOptions = {},
): Promise<EncodedScenes> {
  const { gpu, video, image } = model;
  const shapes = featureShapes(model.sizes, scenes, recipe);
  const settings = {
    statistics: recipe.encoderStatistics,
    standardize: recipe.standardizeFeatures,
  };
  const maps = (name: "video" | "image"): FeatureSpec[] =>
    scenes.flatMap(({ frames }, s) =>
      Array.from(
        { length: frames },
        (_, f) => ({ name: `${name}.${s}.${f}`, shape: shapes[name], layout: "rows" }),
      )
    );
  const byScene = (flat: readonly Tensor[]) => {
    const rest = [...flat];
    return scenes.map(({ frames }) => rest.splice(0, frames));
  };

  const size = { width: recipe.encoderWidth, height: recipe.encoderHeight };
  const clips = scenes.map((scene) => encoderInput(scene.images, size));
  const videoFeatures = await features(model, {
    encoder: "video",
    group: video,
    frames: clips,
    settings,
    specs: [...maps("video"), { name: "pooled", shape: shapes.pooled, layout: "blocks" }],
    encode: async (options) => {
      const { maps, pooled } = await encodeVideo(gpu, video, clips, { ...settings, ...options });
      return [...maps.flat(), pooled];
    },
  }, options);
  const images = scenes.map(({ images }) => enlargedFrames(images, recipe.imageEncoderScale));
  const imageFeatures = await features(model, {
    encoder: "image",
    group: image,
    frames: images,
    settings,
    specs: maps("image"),
    encode: async (options) =>
      (await encodeImages(gpu, image, images, { ...settings, ...options })).maps.flat(),
  }, options);
  const pooled = videoFeatures.at(-1)!;
  const videoMaps = byScene(videoFeatures), imageMaps = byScene(imageFeatures);
  return asFieldsRead(model, scenes, recipe, { videoMaps, imageMaps, pooled });
}

/** Features as a recipe's static field reads them: of one frame, or of the frames that saw a point, which take the image maps. */
export function asFieldsRead(
  { gpu, sizes }: Pick<MonoNerf, "gpu" | "sizes">,
  scenes: readonly Scene[],
  { staticFeatures, trainEncoders }: Pick<EncodingRecipe, "staticFeatures" | "trainEncoders">,
  features: Pick<EncodedScenes, "videoMaps" | "imageMaps" | "pooled">,
): EncodedScenes {
  // an encoder that trains has its gradient from one frame a step
  if (staticFeatures === "frame" || trainEncoders) return { scenes, ...features };
  const { imageMaps } = features;
  const [height, width, channels] = imageMaps[0][0].shape;
  const widest = Math.max(channels, sizes.hidden); // rendering pages them projected, too
  const longest = Math.max(...scenes.map(({ frames }) => frames));
  const perPage = framesPerPage(gpu, [height, width, widest], longest);
  const seen = scenes.map((scene, s) => createSeenFrames(gpu, scene, imageMaps[s], perPage));
  return { scenes, ...features, imageMaps: scenes.map(() => []), seen };
}

/** An encoder on its frames, and what it makes of them. */
interface Encoding extends FeatureSources {
  readonly encoder: "video" | "image";
  readonly specs: readonly FeatureSpec[];
  /** Runs the encoder: a tensor for each of `specs`. */
  encode(options: Pick<EncodeOptions, "onProgress" | "signal">): Promise<Tensor[]>;
}

/** The features of one encoder: from the cache, or encoded and put there. */
async function features(
  { gpu }: MonoNerf,
  encoding: Encoding,
  { cache, onProgress, onEncoded, signal }: EncodeScenesOptions,
): Promise<Tensor[]> {
  const { encoder, specs, frames } = encoding;
  const peakBefore = gpu.peakBytes;
  gpu.peakBytes = gpu.allocatedBytes;
  let start = performance.now(), flops = 0;
  const key = cache ? await featureKey(gpu, encoding) : "";
  const kept = cache && await readFeatures(
    gpu,
    cache,
    key,
    specs,
    (done) => onProgress?.(`${encoder} features`, done / specs.length),
  );
  if (!kept) start = performance.now();
  const tensors = kept ?? await encoding.encode({
    signal,
    onProgress: (progress) => {
      flops = progress.flops;
      onProgress?.(`${encoder} encoder`, progress.fraction);
    },
  });
  const [, height, width] = frames[0].shape;
  onEncoded?.({
    encoder,
    frames: frames.reduce((sum, { shape }) => sum + shape[0], 0),
    width,
    height,
    cached: kept !== undefined,
    flops,
    seconds: (performance.now() - start) / 1000,
    peakBytes: gpu.peakBytes,
  });
  gpu.peakBytes = Math.max(peakBefore, gpu.peakBytes);
  if (cache && !kept) await writeFeatures(gpu, cache, key, specs, tensors);
  return tensors;
}
