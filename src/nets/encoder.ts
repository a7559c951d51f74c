/**
 * What the video and the image encoder share: convolution layers, input frames, and features on one grid.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { batchNorm, type BatchNormStatistics } from "../ops/batch_norm.ts";
import { conv } from "../ops/conv.ts";
import type { FrameMaps } from "../ops/frame_maps.ts";
import { channelMoments } from "../ops/channel_moments.ts";
import { concatenateLevels } from "../ops/concatenate_levels.ts";
import { standardizeMaps } from "../ops/standardize.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import type { Parameters, ParameterSpec } from "./parameters.ts";
import type { PieceOptions, Pieces } from "./pieces.ts";

/** Widths of an encoder. */
export interface EncoderSizes {
  /** Channels of the first layer; all others follow. The official encoders have 64. */
  readonly width: number;
}

/** How an encoder is recorded. */
export interface RecordOptions extends BatchNormStatistics {
  /**
   * Gives every feature channel mean 0 and deviation 1 over the batch, and a pooled code mean 0 and deviation 1/4 over its
   * channels: what a field needs when the encoder is seeded and not pretrained. Default false.
   */
  readonly standardize?: boolean;
}

/** How an encoder runs. */
export interface EncodeOptions extends RecordOptions, PieceOptions {}

/** Features of a batch's frames; the caller frees the maps. */
export interface EncodedMaps {
  /** By scene and frame: `(height, width, channels)` rows. */
  readonly maps: readonly (readonly Tensor[])[];
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** A convolution and its batch norm by their names in the state_dict. */
export interface ConvLayerNames {
  readonly conv: string;
  readonly norm: string;
}

/**
 * Parameters of a convolution without bias (normal of deviation √(2/fan_out), fan_out = outputs·taps: Kaiming's for ReLU)
 * and of its batch norm.
 *
 * @param shape `(outputs, channels, [frames,] kernel, kernel)`
 */
export function convLayerSpecs(
  { conv, norm }: ConvLayerNames,
  shape: readonly number[],
): ParameterSpec[] {
  const [outputs, , ...kernel] = shape;
  const fanOut = kernel.reduce((product, length) => product * length, outputs);
  const constant = (name: string, value: number): ParameterSpec => ({
    name: `${norm}.${name}`,
    shape: [outputs],
    initial: { kind: "constant", value },
  });
  return [
    {
      name: `${conv}.weight`,
      shape,
      initial: { kind: "normal", deviation: Math.sqrt(2 / fanOut) },
    },
    constant("weight", 1),
    constant("bias", 0),
    constant("running_mean", 0),
    constant("running_var", 1),
  ];
}

/** Options of {@link convLayer}. */
export interface ConvLayerOptions extends BatchNormStatistics {
  readonly stride?: number;
  /** Added before the ReLU. */
  readonly residual?: FrameMaps;
  readonly relu?: boolean;
}

/** Records convolution, batch norm, residual sum and ReLU. */
export function convLayer(
  plan: Plan,
  group: Parameters,
  names: ConvLayerNames,
  x: FrameMaps,
  { stride, ...normal }: ConvLayerOptions,
): FrameMaps {
  const y = conv(plan, names.conv, x, group.get(`${names.conv}.weight`), { stride });
  return batchNorm(plan, names.norm, y, {
    weight: group.get(`${names.norm}.weight`),
    bias: group.get(`${names.norm}.bias`),
    runningMean: group.get(`${names.norm}.running_mean`),
    runningVariance: group.get(`${names.norm}.running_var`),
  }, normal);
}

/** Puts values of a shape, in blocks, on the device. */
export type Upload = (label: string, shape: readonly number[], values: Float32Array) => Tensor;

/**
 * Frames as maps on the device.
 *
 * @param clips by scene: `[frames, height, width, 3]`; scenes may differ in their number of frames
 * @param scale input of a channel = value·scale + shift
 * @throws where a clip is of another size or has no frames
 */
export function uploadFrames(
  upload: Upload,
  label: string,
  clips: readonly NdArray<Float32Array | Uint8Array>[],
  scale: readonly number[] = [1, 1, 1],
  shift: readonly number[] = [0, 0, 0],
): FrameMaps {
  const [, height, width] = clips[0].shape;
  const count = height * width * 3;
  const frames = clips.map(({ data, shape, offset }, scene) => {
    const [length, ...size] = shape;
    if (length < 1 || size.join() !== [height, width, 3].join()) {
      throw new Error(
        `Cannot encode scene ${scene}: its frames are (${shape.join(", ")}), wanted ` +
          `(frames, ${height}, ${width}, 3) like the first scene's`,
      );
    }
    return Array.from({ length }, (_, f) => {
      const values = new Float32Array(count);
      const first = offset + f * count;
      for (let i = 0; i < count; i++) {
        values[i] = data[first + i] * scale[i % 3] + shift[i % 3];
      }
      return upload(`${label}.frames.${scene}.${f}`, [1, height * width, 3], values);
    });
  });
  return { frames, height, width, channels: 3 };
}

/** One link in an encoder's chain of blocks. */
export interface EncoderPart {
  /** `layer2.0` */
  readonly name: string;
  /** Whether its result is one of the feature levels. */
  readonly level: boolean;
  readonly record: (plan: Plan, x: FrameMaps) => FrameMaps;
}

/** What a chain of parts makes. */
export interface EncoderLevels {
  readonly levels: readonly FrameMaps[];
  readonly last: FrameMaps;
}

/** Runs a chain part by part, each a piece of the run, and frees its input and every result that is no level and not the last. */
export async function runParts(
  pieces: Pieces,
  parts: readonly EncoderPart[],
  frames: FrameMaps,
): Promise<EncoderLevels> {
  const levels: FrameMaps[] = [];
  let x = frames;
  for (const { name, level, record } of parts) {
    const y = await pieces.run(name, 1, (plan) => {
      const result = record(plan, x);
      return { result, outputs: result.frames.flat() };
    });
    if (!levels.includes(x)) pieces.free(x.frames.flat());
    if (level) levels.push(y);
    x = y;
  }
  return { levels, last: x };
}

/** Records a chain in one plan, each part a segment: what the backward pass needs of it is its input alone. */
export function recordParts(
  plan: Plan,
  parts: readonly EncoderPart[],
  frames: FrameMaps,
): EncoderLevels {
  const levels: FrameMaps[] = [];
  let x = frames;
  for (const { level, record } of parts) {
    const input = x;
    x = plan.segment(() => record(plan, input), (result) => result.frames.flat());
    if (level) levels.push(x);
  }
  return { levels, last: x };
}

const groupBytes = 2 ** 28; // of new maps, while the levels under them are still there

/** Brings levels to the first one's grid, a few frames at a time, and frees them. Counts as one piece. */
export async function levelsToMaps(
  pieces: Pieces,
  levels: readonly FrameMaps[],
  standardize: boolean,
): Promise<EncodedMaps> {
  const [{ height, width, frames }] = levels;
  const channels = levels.reduce((sum, level) => sum + level.channels, 0);
  const flat = levels.map((level) => ({ ...level, frames: level.frames.flat() }));
  const size = Math.max(1, Math.floor(groupBytes / (4 * height * width * channels)));
  const all: Tensor[] = [];
  for (let first = 0; first < flat[0].frames.length; first += size) {
    const group = flat.map((level) => ({
      ...level,
      frames: [level.frames.slice(first, first + size)],
    }));
    const share = group[0].frames[0].length / flat[0].frames.length;
    all.push(
      ...await pieces.run("maps", share, (plan) => {
        const [result] = concatenateLevels(plan, `${pieces.label}.maps`, group);
        return { result, outputs: result };
      }),
    );
    pieces.free(group.flatMap((level) => level.frames[0]));
  }
  if (standardize) await standardizeInGroups(pieces, all, size);
  const maps = frames.map((scene) => all.splice(0, scene.length));
  return { maps, channels, height, width };
}

/** Puts standardised maps in the place of `maps`, which are freed, `size` of them at a time. */
async function standardizeInGroups(pieces: Pieces, maps: Tensor[], size: number): Promise<void> {
  const label = `${pieces.label}.maps`;
  const moments = await pieces.run("moments", 0, (plan) => {
    const result = channelMoments(plan, `${label}.moments`, maps);
    return { result, outputs: [result] };
  });
  for (let first = 0; first < maps.length; first += size) {
    const group = maps.slice(first, first + size);
    const standard = await pieces.run("standardize", 0, (plan) => {
      const result = standardizeMaps(plan, label, group, { moments });
      return { result, outputs: result };
    });
    pieces.free(maps.splice(first, group.length, ...standard));
  }
  pieces.free([moments]);
}

/** Records levels brought to the first one's grid. */
export function recordMaps(
  plan: Plan,
  label: string,
  levels: readonly FrameMaps[],
  standardize: boolean,
): EncodedMaps {
  const [{ height, width }] = levels;
  const channels = levels.reduce((sum, level) => sum + level.channels, 0);
  const plain = concatenateLevels(plan, label, levels);
  const all = standardize ? [...standardizeMaps(plan, label, plain.flat())] : plain.flat();
  const maps = plain.map((scene) => all.splice(0, scene.length));
  return { maps, channels, height, width };
}
