/**
 * The image encoder: torchvision's ResNet-18 up to its third layer.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import type { BatchNormStatistics } from "../ops/batch_norm.ts";
import type { FrameMaps } from "../ops/frame_maps.ts";
import { maxPool } from "../ops/max_pool.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import {
  convLayer,
  type ConvLayerNames,
  type ConvLayerOptions,
  convLayerSpecs,
  type EncodedMaps,
  type EncodeOptions,
  type EncoderSizes,
  levelsToMaps,
  mapStage,
  uploadFrames,
} from "./encoder.ts";
import type { Parameters, ParameterSpec } from "./parameters.ts";
import { runStages } from "./stages.ts";

const prefix = "encoder2d.features";
const layers = ["layer1", "layer2", "layer3"] as const; // two blocks each; all but the first halve the grid

/** ImageNet's mean and standard deviation of RGB in 0…1. */
const mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225];

/** `conv1` with `bn1`, `downsample.0` with `downsample.1`. */
function names(path: string, conv: string, norm: string): ConvLayerNames {
  return { conv: `${path}.${conv}`, norm: `${path}.${norm}` };
}

/** Parameters of the image encoder, named `encoder2d.features.…`. */
export function imageEncoderSpecs({ width }: EncoderSizes): ParameterSpec[] {
  const specs = convLayerSpecs(names(prefix, "conv1", "bn1"), [width, 3, 7, 7]);
  let inputs = width;
  layers.forEach((name, l) => {
    const outputs = width * 2 ** l;
    for (const block of [0, 1]) {
      const path = `${prefix}.${name}.${block}`;
      specs.push(
        ...convLayerSpecs(names(path, "conv1", "bn1"), [outputs, inputs, 3, 3]),
        ...convLayerSpecs(names(path, "conv2", "bn2"), [outputs, outputs, 3, 3]),
      );
      if (outputs !== inputs) {
        const layer = names(path, "downsample.0", "downsample.1");
        specs.push(...convLayerSpecs(layer, [outputs, inputs, 1, 1]));
      }
      inputs = outputs;
    }
  });
  return specs;
}

/** Records two 3×3 convolutions and the sum with their input, projected where the grid is halved. */
function basicBlock(
  plan: Plan,
  group: Parameters,
  path: string,
  x: FrameMaps,
  stride: number,
  statistics: BatchNormStatistics,
): FrameMaps {
  const layer = (
    [conv, norm]: [string, string],
    input: FrameMaps,
    options: ConvLayerOptions,
  ) => convLayer(plan, group, names(path, conv, norm), input, { ...statistics, ...options });
  const shortcut = stride === 1 ? x : layer(["downsample.0", "downsample.1"], x, { stride });
  const inner = layer(["conv1", "bn1"], x, { stride, relu: true });
  return layer(["conv2", "bn2"], inner, { residual: shortcut, relu: true });
}

/**
 * Encodes the frames of a batch with frozen weights: conv1 with max-pool, layer1, layer2 and layer3 on the grid of the
 * first (spec section 3, I). With batch statistics a scene's features depend on its companions.
 *
 * @param images by scene `[frames, height, width, 3]`: bytes, or numbers in 0…1; all of one size
 * @returns maps of 8·width channels at a quarter of the images' size
 * @throws where images differ in size, or the run was aborted
 */
export function encodeImages(
  gpu: Gpu,
  group: Parameters,
  images: readonly NdArray<Uint8Array | Float32Array>[],
  options: EncodeOptions = {},
): Promise<EncodedMaps> {
  const { statistics, momentum, standardize = false } = options;
  const normal = { statistics, momentum };
  const range = images[0].data instanceof Uint8Array ? 255 : 1;
  const scale = deviation.map((value) => 1 / (value * range));
  const shift = deviation.map((value, i) => -mean[i] / value);
  return runStages(gpu, "encoder2d", 2 * layers.length + 2, options, async (stages) => {
    let x = uploadFrames(stages, images, scale, shift);
    x = await mapStage(stages, "conv1", x, false, (plan) => {
      const layer = names(prefix, "conv1", "bn1");
      const y = convLayer(plan, group, layer, x, { stride: 2, relu: true, ...normal });
      return maxPool(plan, `${prefix}.maxpool`, y);
    });
    const levels = [x];
    for (const [l, name] of layers.entries()) {
      for (const block of [0, 1]) {
        const path = `${name}.${block}`, stride = l > 0 && block === 0 ? 2 : 1;
        x = await mapStage(
          stages,
          path,
          x,
          levels.includes(x),
          (plan) => basicBlock(plan, group, `${prefix}.${path}`, x, stride, normal),
        );
      }
      levels.push(x);
    }
    return levelsToMaps(stages, levels, standardize);
  });
}
