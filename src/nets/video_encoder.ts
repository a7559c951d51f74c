/**
 * The video encoder: SlowOnly ResNet-50 without its first max-pool (MMAction2's `ResNet3dSlowOnly`, inflate (0, 0, 1, 1)).
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import type { BatchNormStatistics } from "../ops/batch_norm.ts";
import type { FrameMaps } from "../ops/frame_maps.ts";
import { globalAverage } from "../ops/global_average.ts";
import { standardizeCode } from "../ops/standardize.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
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

const prefix = "encoder.model.backbone";

/** ResNet-50: blocks of a layer, frames that their first convolution sees, pixels it skips. */
const layers = [
  { name: "layer1", blocks: 3, frames: 1, stride: 1 },
  { name: "layer2", blocks: 4, frames: 1, stride: 2 },
  { name: "layer3", blocks: 6, frames: 3, stride: 2 },
  { name: "layer4", blocks: 3, frames: 3, stride: 2 },
] as const;
const levelLayers = 2; // layer1 and layer2 are part of the feature maps

/** Features of a batch of videos; the caller frees maps and pooled code. */
export interface VideoFeatures extends EncodedMaps {
  /** Mean of layer4 over a scene's frames and pixels: `(scenes, 1, 32·width)` in blocks. */
  readonly pooled: Tensor;
}

function names(layer: string): ConvLayerNames {
  return { conv: `${prefix}.${layer}.conv`, norm: `${prefix}.${layer}.bn` };
}

/** Parameters of the video encoder, named `encoder.model.backbone.…`. */
export function videoEncoderSpecs({ width }: EncoderSizes): ParameterSpec[] {
  const specs = convLayerSpecs(names("conv1"), [width, 3, 1, 7, 7]);
  let inputs = width;
  layers.forEach(({ name, blocks, frames }, l) => {
    const inner = width * 2 ** l, outputs = 4 * inner;
    for (let block = 0; block < blocks; block++) {
      const path = `${name}.${block}`;
      specs.push(
        ...convLayerSpecs(names(`${path}.conv1`), [inner, inputs, frames, 1, 1]),
        ...convLayerSpecs(names(`${path}.conv2`), [inner, inner, 1, 3, 3]),
        ...convLayerSpecs(names(`${path}.conv3`), [outputs, inner, 1, 1, 1]),
      );
      if (block === 0) {
        specs.push(...convLayerSpecs(names(`${path}.downsample`), [outputs, inputs, 1, 1, 1]));
      }
      inputs = outputs;
    }
  });
  return specs;
}

/** Records a bottleneck: 1×1 (or 3×1×1 over frames), 3×3, 1×1, and the sum with its input. */
function bottleneck(
  plan: Plan,
  group: Parameters,
  path: string,
  x: FrameMaps,
  { stride, projected, statistics }: {
    stride: number;
    /** Whether the input is projected before the sum: in a layer's first block. */
    projected: boolean;
    statistics: BatchNormStatistics;
  },
): FrameMaps {
  const layer = (name: string, input: FrameMaps, options: ConvLayerOptions) =>
    convLayer(plan, group, names(`${path}.${name}`), input, { ...statistics, ...options });
  const shortcut = projected ? layer("downsample", x, { stride }) : x;
  const reduced = layer("conv1", x, { relu: true });
  const inner = layer("conv2", reduced, { stride, relu: true });
  return layer("conv3", inner, { residual: shortcut, relu: true });
}

/** Clips of a batch as maps on the device; by scene `[frames, height, width, 3]`. */
export function videoFrames(upload: Upload, clips: readonly NdArray<Float32Array>[]): FrameMaps {
  return uploadFrames(upload, "encoder", clips);
}

/** conv1 and the four layers, block by block. */
function videoParts(group: Parameters, statistics: BatchNormStatistics): EncoderPart[] {
  const parts: EncoderPart[] = [{
    name: "conv1",
    level: true,
    record: (plan, x) =>
      convLayer(plan, group, names("conv1"), x, { stride: 2, relu: true, ...statistics }),
  }];
  layers.forEach(({ name: layer, blocks, stride }, l) => {
    for (let block = 0; block < blocks; block++) {
      const name = `${layer}.${block}`, projected = block === 0;
      parts.push({
        name,
        level: l < levelLayers && block === blocks - 1,
        record: (plan, x) =>
          bottleneck(plan, group, name, x, {
            stride: projected ? stride : 1,
            projected,
            statistics,
          }),
      });
    }
  });
  return parts;
}

/** Records the mean of layer4 over each scene, `(scenes, 1, 32·width)` in blocks. */
function pooledCode(plan: Plan, last: FrameMaps, standardize: boolean): Tensor {
  const code = globalAverage(plan, "encoder.pooled", last);
  return standardize ? standardizeCode(plan, "encoder.pooled", code, 1 / 4) : code;
}

/**
 * Encodes the videos of a batch: conv1, layer1 and layer2 on the grid of conv1 `V`, and layer4's mean over each
 * scene (src/nets/README.md#video-encoder). With batch statistics a scene's features depend on its companions.
 *
 * @param clips by scene `[frames, height, width, 3]`, normalised by ImageNet's mean and deviation, all of one size
 * @returns maps of 13·width channels at half the clips' size
 * @throws where clips differ in size, or the run was aborted
 */
export function encodeVideo(
  gpu: Gpu,
  group: ParameterGroup,
  clips: readonly NdArray<Float32Array>[],
  options: EncodeOptions = {},
): Promise<VideoFeatures> {
  const { statistics, momentum, standardize = false } = options;
  const parts = videoParts(group, { statistics, momentum });
  return runInPieces(gpu, "encoder", parts.length + 1, options, async (pieces) => { // and maps
    const frames = videoFrames(pieces.upload, clips);
    const { levels, last } = await runParts(pieces, parts, frames);
    const pooled = await pieces.run("pooled", 0, (plan) => {
      const result = pooledCode(plan, last, standardize);
      return { result, outputs: [result] };
    });
    pieces.free(last.frames.flat());
    return { ...await levelsToMaps(pieces, levels, standardize), pooled };
  });
}

/**
 * Records the video encoder in a plan, differentiable by its parameters where the group trains: {@link encodeVideo} for
 * training end to end.
 *
 * @param frames from {@link videoFrames}
 */
export function recordVideo(
  plan: Plan,
  group: Parameters,
  frames: FrameMaps,
  options: RecordOptions = {},
): VideoFeatures {
  const { statistics, momentum, standardize = false } = options;
  const { levels, last } = recordParts(plan, videoParts(group, { statistics, momentum }), frames);
  const pooled = pooledCode(plan, last, standardize);
  return { ...recordMaps(plan, "encoder.maps", levels, standardize), pooled };
}
