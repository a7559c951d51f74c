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
  type EncoderPart,
  type EncoderSizes,
  levelsToMaps,
  recordMaps,
  type RecordOptions,
  recordParts,
  runParts,
  type Upload,
  uploadFrames,
} from "./encoder.ts";
import type { ParameterGroup, Parameters, ParameterSpec } from "./parameters.ts";
import { runInPieces } from "./pieces.ts";

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
 * Frames of a batch as maps on the device, normalised by ImageNet's mean and deviation.
 *
 * @param images by scene `[frames, height, width, 3]`: bytes, or numbers in 0…1; all of one size
 */
export function imageFrames(
  upload: Upload,
  images: readonly NdArray<Uint8Array | Float32Array>[],
): FrameMaps {
  const range = images[0].data instanceof Uint8Array ? 255 : 1;
  const scale = deviation.map((value) => 1 / (value * range));
  const shift = deviation.map((value, i) => -mean[i] / value);
  return uploadFrames(upload, "encoder2d", images, scale, shift);
}

/** conv1 with the max-pool, and three layers, block by block. */
function imageParts(group: Parameters, statistics: BatchNormStatistics): EncoderPart[] {
  const parts: EncoderPart[] = [{
    name: "conv1",
    level: true,
    record: (plan, x) => {
      const layer = names(prefix, "conv1", "bn1");
      const y = convLayer(plan, group, layer, x, { stride: 2, relu: true, ...statistics });
      return maxPool(plan, `${prefix}.maxpool`, y);
    },
  }];
  layers.forEach((layer, l) => {
    for (const block of [0, 1]) {
      const name = `${layer}.${block}`, stride = l > 0 && block === 0 ? 2 : 1;
      parts.push({
        name,
        level: block === 1,
        record: (plan, x) => basicBlock(plan, group, `${prefix}.${name}`, x, stride, statistics),
      });
    }
  });
  return parts;
}

/**
 * Encodes the frames of a batch: conv1 with max-pool, layer1, layer2 and layer3 on the grid of the first `I`
 * (src/nets/README.md#image-encoder). With batch statistics a scene's features depend on its companions.
 *
 * @param images by scene `[frames, height, width, 3]`: bytes, or numbers in 0…1; all of one size
 * @returns maps of 8·width channels at a quarter of the images' size
 * @throws where images differ in size, or the run was aborted
 */
export function encodeImages(
  gpu: Gpu,
  group: ParameterGroup,
  images: readonly NdArray<Uint8Array | Float32Array>[],
  options: EncodeOptions = {},
): Promise<EncodedMaps> {
  const { statistics, momentum, standardize = false } = options;
  const parts = imageParts(group, { statistics, momentum });
  return runInPieces(gpu, "encoder2d", parts.length + 1, options, async (pieces) => { // and maps
    const { levels } = await runParts(pieces, parts, imageFrames(pieces.upload, images));
    return levelsToMaps(pieces, levels, standardize);
  });
}

/**
 * Records the image encoder in a plan, differentiable by its parameters where the group trains: {@link encodeImages} for
 * training end to end.
 *
 * @param frames from {@link imageFrames}
 */
export function recordImages(
  plan: Plan,
  group: Parameters,
  frames: FrameMaps,
  options: RecordOptions = {},
): EncodedMaps {
  const { statistics, momentum, standardize = false } = options;
  const { levels } = recordParts(plan, imageParts(group, { statistics, momentum }), frames);
  return recordMaps(plan, "encoder2d.maps", levels, standardize);
}
