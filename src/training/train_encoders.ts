/**
 * Encoders in the plans of the training stages: frozen ones give maps made before, trained ones record themselves.
 *
 * A trained encoder runs over all frames of all scenes in every step, because its batch norms couple them;
 * the fields then read the maps of a few frames, chosen anew in each step. So every map has a gradient that starts at zero,
 * the fields add to those of the frames they read, and the encoder's backward pass takes them all.
 *
 * @module
 */
import { encoderInput, enlargedFrames } from "../data/scene/encoder_input.ts";
import type { Scene } from "../data/scene/scene.ts";
import { encodeImages, imageFrames, recordImages } from "../nets/image_encoder.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import { recordVideo, videoFrames } from "../nets/video_encoder.ts";
import type { Recipe } from "../recipes/recipe.ts";
import type { SeenFrames } from "../nets/encoded_scenes.ts";
import type { Plan } from "../runtime/plan.ts";
import { createTensor, type Tensor } from "../runtime/tensor.ts";
import type { EncodedScenes } from "../nets/encoded_scenes.ts";
import type { MapSource } from "./step_inputs.ts";

/** Features of a stage. */
export interface StageFeatures extends MapSource {
  /** What {@link Plan.differentiate} starts from besides the losses: the maps' own gradients. */
  readonly seeds: readonly { readonly tensor: Tensor; readonly gradient: Tensor }[];
  /** Frames on the device, freed with the stage. */
  readonly owned: readonly Tensor[];
  /** Of image features: the frames that points look for themselves in, which then have the maps. */
  readonly seen?: readonly SeenFrames[] | undefined;
}

const momentum = 0.1; // of the running statistics, PyTorch's

/** Image features of a stage that trains `encoder2d`, or the frozen encoder's. */
export function recordImageFeatures(
  plan: Plan,
  model: MonoNerf,
  recipe: Recipe,
  scenes: readonly Scene[],
  encoded?: EncodedScenes,
): StageFeatures {
  if (!recipe.trainEncoders) {
    return frozen(encoded, plan.label);
  }
  const { upload, owned } = uploads(plan);
  const frames = imageFrames(upload, enlarged(recipe, scenes));
  const { maps } = recordImages(plan, model.image, frames, recordOptions(recipe));
  return { ...withGradients(plan, maps), owned };
}

/** Video features and pooled codes of a stage that trains `encoder`, or the frozen encoder's. */
export function recordVideoFeatures(
  plan: Plan,
  model: MonoNerf,
  recipe: Recipe,
  scenes: readonly Scene[],
  encoded?: EncodedScenes,
): StageFeatures & { readonly pooled: Tensor } {
  if (!recipe.trainEncoders) {
    const { videoMaps, pooled } = required(encoded, plan.label);
    return { maps: videoMaps, pooled, seeds: [], owned: [] };
  }
  const { upload, owned } = uploads(plan);
  const size = { width: recipe.encoderWidth, height: recipe.encoderHeight };
  const frames = videoFrames(upload, scenes.map(({ images }) => encoderInput(images, size)));
  const { maps, pooled } = recordVideo(plan, model.video, frames, recordOptions(recipe));
  return { ...withGradients(plan, maps), pooled, owned };
}

/** Image features of the dynamic stage, in which `encoder2d` is frozen: as the static stage left it. */
export async function frozenImageFeatures(
  model: MonoNerf,
  recipe: Recipe,
  scenes: readonly Scene[],
  encoded?: EncodedScenes,
): Promise<StageFeatures> {
  if (!recipe.trainEncoders) {
    return frozen(encoded, "dynamic");
  }
  const { statistics, standardize } = recordOptions(recipe);
  const images = enlarged(recipe, scenes);
  const { maps } = await encodeImages(model.gpu, model.image, images, { statistics, standardize });
  return { maps, seeds: [], owned: maps.flat() };
}

function enlarged({ imageEncoderScale }: Recipe, scenes: readonly Scene[]) {
  return scenes.map(({ images }) => enlargedFrames(images, imageEncoderScale));
}

function frozen(encoded: EncodedScenes | undefined, label: string): StageFeatures {
  const { imageMaps, seen } = required(encoded, label);
  return { maps: imageMaps, seen, seeds: [], owned: [] };
}

function required(encoded: EncodedScenes | undefined, label: string): EncodedScenes {
  if (encoded) return encoded;
  throw new Error(
    `Cannot build the ${label} stage: its encoders are frozen, and nothing is encoded`,
  );
}

function recordOptions({ encoderStatistics, standardizeFeatures }: Recipe) {
  return { statistics: encoderStatistics, standardize: standardizeFeatures, momentum };
}

/** Uploads that are remembered. */
function uploads(plan: Plan) {
  const owned: Tensor[] = [];
  const upload = (label: string, shape: readonly number[], data: Float32Array): Tensor => {
    const tensor = createTensor(plan.gpu, label, shape, { layout: "blocks", data });
    owned.push(tensor);
    return tensor;
  };
  return { upload, owned };
}

/** Keeps maps, since the plan cannot know which of them a step reads, and gives each a gradient of zeros. */
function withGradients(
  plan: Plan,
  maps: readonly (readonly Tensor[])[],
): Omit<StageFeatures, "owned"> {
  const gradients = maps.map((scene) =>
    scene.map((map) => {
      plan.keep(map);
      const gradient = plan.keep(plan.activation(`d(${map.label})`, map.shape));
      plan.fill(gradient, 0);
      return gradient;
    })
  );
  const flat = gradients.flat();
  return {
    maps,
    gradients,
    seeds: maps.flat().map((tensor, i) => ({ tensor, gradient: flat[i] })),
  };
}
