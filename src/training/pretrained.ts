/**
 * Pretrained encoders for a run, and whole models from files that are no checkpoints of ours.
 *
 * @module
 */
import type { Checkpoint } from "../data/run/checkpoint.ts";
import {
  type EncoderFile,
  type EncoderKind,
  encoderWeights,
  encoderWidth,
} from "../data/weights/encoder_weights.ts";
import { toFloat32 } from "../data/weights/half.ts";
import { stateDict } from "../data/weights/weight_names.ts";
import { imageEncoderSpecs } from "../nets/image_encoder.ts";
import { videoEncoderSpecs } from "../nets/video_encoder.ts";
import type { Recipe } from "../recipes/recipe.ts";

/** A recipe that fits its encoders' weights. */
export interface PretrainedRecipe {
  /** The recipe with the encoders' widths. */
  readonly recipe: Recipe;
  /** Parameters by official name, for {@link TrainerOptions.parameters}. */
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
 * @example Train with the official image encoder
 * ```ts
 * import { loadWeightsFile } from "../data/weights/mod.ts";
 * import { own } from "../recipes/mod.ts";
 * import { withEncoders } from "./mod.ts";
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

/**
 * Takes a whole model from a file, such as a checkpoint of the authors, and fits a recipe's widths to it.
 *
 * @example Load a checkpoint of the authors
 * ```ts
 * import { openGpu, own } from "../../mod.ts";
 * import { loadWeightsFile } from "../data/weights/mod.ts";
 * import { loadModel, withModel } from "./mod.ts";
 *
 * const file = await loadWeightsFile("150000.tar");
 * const model = loadModel(await openGpu(), withModel(own("full", ["Balloon1"]), file));
 * ```
 *
 * @returns what {@link loadModel} takes, and holds to the recipe
 */
export function withModel(
  recipe: Recipe,
  file: Pick<EncoderFile, "tensors">,
): Pick<Checkpoint, "recipe" | "tensors"> {
  const { tensors } = stateDict(file.tensors);
  const width = (name: string, standard: number) => tensors.get(name)?.shape[0] ?? standard;
  const { hidden, globalCode, globalHidden, videoWidth, imageWidth } = recipe.model;
  const model = {
    hidden: width("mlp_dynamic.lin_in.weight", hidden),
    globalCode: width("mlp_dynamic.ode_fc.2.weight", globalCode),
    globalHidden: width("mlp_dynamic.ode_fc.0.weight", globalHidden),
    videoWidth: width("encoder.model.backbone.conv1.conv.weight", videoWidth),
    imageWidth: width("encoder2d.features.conv1.weight", imageWidth),
  };
  const numbers = [...tensors].map(([name, tensor]) =>
    [name, { shape: tensor.shape, data: toFloat32(tensor) }] as const
  );
  return { recipe: { ...recipe, model }, tensors: new Map(numbers) };
}
