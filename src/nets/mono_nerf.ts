/**
 * The model: its four groups of parameters.
 *
 * @module
 */
import { full, type ModelSizes } from "../recipes/recipe.ts";
import type { Gpu } from "../runtime/device.ts";
import { dynamicFieldSpecs } from "./dynamic_field.ts";
import { imageEncoderSpecs } from "./image_encoder.ts";
import { ParameterGroup } from "./parameters.ts";
import { fieldSizes } from "./sizes.ts";
import { staticFieldSpecs } from "./static_field.ts";
import { videoEncoderSpecs } from "./video_encoder.ts";

/** Options of {@link createMonoNerf}. */
export interface MonoNerfOptions {
  /** Widths of the network; the paper's by default. */
  sizes?: ModelSizes;
  /** Seed of the initial values. Default 0. */
  seed?: number;
  /** What initial values of the dynamic field are multiplied by: its first layer, its scene flow. Default 1. */
  gains?: { readonly positionGain?: number; readonly flowGain?: number };
  /** Whether the encoders are given gradients. Default false. */
  trainEncoders?: boolean;
}

/** A generalizable dynamic radiance field: one set of parameters for all its scenes. */
export interface MonoNerf {
  /** Where its parameters are. */
  readonly gpu: Gpu;
  /** Its widths. */
  readonly sizes: ModelSizes;
  /**
   * `mlp_dynamic.*`: dynamic field, velocity field, global code.
   * @internal
   */
  readonly dynamic: ParameterGroup;
  /**
   * `mlp_static.*`.
   * @internal
   */
  readonly static: ParameterGroup;
  /**
   * `encoder.model.backbone.*`: SlowOnly ResNet-50.
   * @internal
   */
  readonly video: ParameterGroup;
  /**
   * `encoder2d.*`: ResNet-18.
   * @internal
   */
  readonly image: ParameterGroup;
}

/** Makes a model with PyTorch's initial values times the gains, a function of the seed and each parameter's name. */
export function createMonoNerf(gpu: Gpu, options: MonoNerfOptions = {}): MonoNerf {
  const { sizes = full.model, seed = 0, gains, trainEncoders = false } = options;
  const fields = fieldSizes(sizes);
  const model: MonoNerf = {
    gpu,
    sizes,
    dynamic: new ParameterGroup(gpu, "mlp_dynamic", dynamicFieldSpecs(fields, gains), true),
    static: new ParameterGroup(gpu, "mlp_static", staticFieldSpecs(fields), true),
    video: new ParameterGroup(
      gpu,
      "encoder",
      videoEncoderSpecs({ width: sizes.videoWidth }),
      trainEncoders,
    ),
    image: new ParameterGroup(
      gpu,
      "encoder2d",
      imageEncoderSpecs({ width: sizes.imageWidth }),
      trainEncoders,
    ),
  };
  for (const group of groupsOf(model)) group.initialize(seed);
  return model;
}

/** The model's groups. */
export function groupsOf(model: MonoNerf): ParameterGroup[] {
  return [model.dynamic, model.static, model.video, model.image];
}

/** Every parameter by its official name. */
export async function readParameters(model: MonoNerf): Promise<Map<string, Float32Array>> {
  const all = new Map<string, Float32Array>();
  for (const group of groupsOf(model)) {
    for (const [name, values] of await group.read()) all.set(name, values);
  }
  return all;
}

/**
 * Writes every parameter from values by official name.
 *
 * @throws listing what is missing and what has another size
 */
export function writeParameters(
  model: MonoNerf,
  values: ReadonlyMap<string, Float32Array>,
): void {
  for (const group of groupsOf(model)) group.write(values);
}

/** Frees the model's memory. */
export function destroyMonoNerf(model: MonoNerf): void {
  for (const group of groupsOf(model)) group.destroy();
}
