/**
 * Pretrained encoders for a run.
 *
 * @module
 */
import {
  type EncoderFile,
  type EncoderKind,
  encoderWeights,
  encoderWidth,
} from "../data/encoder_weights.ts";
import { imageEncoderSpecs } from "../nets/image_encoder.ts";
import { videoEncoderSpecs } from "../nets/video_encoder.ts";
import type { Recipe } from "../recipes/recipe.ts";

/** A recipe that fits its encoders' weights. */
export interface PretrainedRecipe {
  /** The recipe with the encoders' widths. */
  readonly recipe: Recipe;
  /** Parameters by official name, for {@link TrainerOptions.encoderWeights}. */
  readonly encoderWeights: Map<string, Float32Array>;
}

const encoders = {
  video: { specs: videoEncoderSpecs, width: "videoWidth" },
  image: { specs: imageEncoderSpecs, width: "imageWidth" },
} as const;

/**
 * Takes encoders from files and fits a recipe to them: their widths, and for a pair of them no standardised features in the
 * small preset, where these are meant for seeded encoders.
 *
 * ```ts
 * import { loadWeightsFile, own, withEncoders } from "./mod.ts";
 *
 * const image = { name: "ResNet-18", ...await loadWeightsFile("checkpoints/resnet18-f37072fd.pth") };
 * const { recipe, encoderWeights } = withEncoders(own("full", ["Balloon1"]), { image });
 * ```
 *
 * @throws {DataError} If a file does not hold its encoder; the message lists what is missing, unexpected, and of another shape.
 */
export function withEncoders(
  recipe: Recipe,
  files: { readonly [K in EncoderKind]?: EncoderFile },
): PretrainedRecipe {
  const model = { ...recipe.model };
  const weights = new Map<string, Float32Array>();
  for (const kind of ["video", "image"] as const) {
    const file = files[kind];
    if (!file) continue;
    const { specs, width: field } = encoders[kind];
    const width = encoderWidth(kind, file);
    model[field] = width;
    for (const [name, values] of encoderWeights(kind, file, specs({ width }))) {
      weights.set(name, values);
    }
  }
  const pair = files.video !== undefined && files.image !== undefined;
  const standardizeFeatures = recipe.standardizeFeatures && !(pair && recipe.preset === "small");
  return { recipe: { ...recipe, model, standardizeFeatures }, encoderWeights: weights };
}
