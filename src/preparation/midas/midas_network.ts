/**
 * MiDaS v2.1 large (Ranftl et al. 2020): inverse depth of one picture, up to scale and shift. For inference only.
 *
 * The encoder is a ResNeXt-101 32×8d with running statistics, which are folded into its convolutions when the weights are
 * written. The decoder walks back from its four levels L₄…L₁: with S_k = conv L_k, units U and twofold `up`,
 *
 * `P₄ = up U₂(S₄)`, `P_k = up U₂(P_{k+1} + U₁(S_k))`, `U(x) = conv₂ relu(conv₁ relu(x)) + relu(x)`.
 *
 * The skip of U carries relu(x): the released ReLU works in place, and the weights were trained so.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import {
  type MidasConv,
  midasConvs,
  type MidasStage,
  midasStages,
} from "../../data/weights/midas_weights.ts";
import { relu } from "../../ops/activation.ts";
import { addGroups } from "../../ops/add_groups.ts";
import type { FrameMaps } from "../../ops/frame_maps.ts";
import { maxPool } from "../../ops/max_pool.ts";
import { type Band, sourceRows, upsample } from "../../ops/upsample.ts";
import type { Gpu } from "../../runtime/device.ts";
import type { Plan } from "../../runtime/plan.ts";
import { readTensor } from "../../runtime/readback.ts";
import { imageFrames } from "../../nets/image_encoder.ts";
import { type ConvolutionValues, PackedConvolutions } from "../packed_convolutions.ts";
import { type PieceOptions, type Pieces, runInPieces } from "../../nets/pieces.ts";

/** Sides of the network's input are multiples of it. */
export const midasStride = 32;

const epsilon = 1e-5; // of PyTorch's batch norm
const bandBytes = 1e8; // of the head's largest map: within the 128 MiB that every adapter binds

/** Values by name: a map, or something that makes them one by one. */
export interface NamedValues {
  /** Values of a name, where there are any. */
  get(name: string): Float32Array | undefined;
}

/** How weights are written. */
export interface WriteOptions {
  /** Stops it, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Part of the weights that are written, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** How {@link MidasNetwork.run} runs. */
export interface MidasRunOptions extends PieceOptions {
  /** Sees maps as they are made, by the goldens' names: `stem`, `layer1`, `layer4_rn`, `path4`, `head0`. */
  readonly onMaps?: (name: string, maps: FrameMaps) => Promise<void>;
  /** Rows of the result that are made at a time; by default what fits the adapter. */
  readonly bandRows?: number;
}

/** The network with its weights on a device. */
export class MidasNetwork {
  private constructor(readonly gpu: Gpu, readonly convolutions: PackedConvolutions) {}

  /**
   * Writes the weights, some convolutions at a time.
   *
   * @throws where one is missing or of another size, or the run was aborted
   */
  static async create(
    gpu: Gpu,
    values: NamedValues,
    { signal, onProgress }: WriteOptions = {},
  ): Promise<MidasNetwork> {
    function* convolutions() {
      for (const [i, convolution] of midasConvs.entries()) {
        yield foldNorm(convolution, values);
        onProgress?.((i + 1) / midasConvs.length);
      }
    }
    return new MidasNetwork(gpu, await PackedConvolutions.create(gpu, convolutions(), signal));
  }

  /**
   * Runs the network on one picture, piece by piece, memory freed behind it.
   *
   * @param image `[height, width, 3]`, RGB in 0…1; sides multiples of 32
   * @returns inverse depth `[height, width]`: large is near, never negative
   * @throws where the run was aborted, or the adapter has too little memory
   */
  async run(
    image: NdArray<Float32Array>,
    options: MidasRunOptions = {},
  ): Promise<NdArray<Float32Array>> {
    const [height, width] = image.shape;
    if (height < 1 || width < 1 || height % midasStride !== 0 || width % midasStride !== 0) {
      throw new RangeError(
        `Cannot run MiDaS: the picture is ${width} x ${height}, wanted multiples of ${midasStride}`,
      );
    }
    return await runInPieces(this.gpu, "midas", 100, options, async (pieces) => {
      const clip = ndarray(image.data, [1, height, width, 3], undefined, image.offset);
      const levels = await this.#encode(pieces, imageFrames(pieces.upload, [clip]), options);
      const last = await this.#decode(pieces, levels, options);
      return await this.#head(pieces, last, options);
    });
  }

  /** L₁…L₄, at 1/4 to 1/32 of the input's size. */
  async #encode(
    pieces: Pieces,
    input: FrameMaps,
    { onMaps }: MidasRunOptions,
  ): Promise<FrameMaps[]> {
    await onMaps?.("input", input);
    const stem = await pieces.run("stem", percent.stem, (plan) => {
      const result = this.convolutions.record(plan, "pretrained.layer1.0", input, {
        stride: 2,
        relu: true,
      });
      return { result, outputs: result.frames.flat() };
    });
    pieces.free(input.frames.flat());
    await onMaps?.("stem", stem);
    const levels: FrameMaps[] = [];
    for (const [i, stage] of midasStages.entries()) {
      const name = `layer${i + 1}`;
      const level = await pieces.run(name, percent.layers[i], (plan) => {
        const x = i === 0 ? maxPool(plan, "pool", stem) : levels[i - 1];
        const result = this.#stage(plan, stage, x, i === 0 ? 1 : 2);
        return { result, outputs: result.frames.flat() };
      });
      if (i === 0) pieces.free(stem.frames.flat());
      await onMaps?.(name, level);
      levels.push(level);
    }
    return levels;
  }

  /** Bottlenecks `relu(x' + conv₃ relu(conv₂ relu(conv₁ x)))`; x' = conv x in the first, which may halve the grid. */
  #stage(plan: Plan, { name, blocks }: MidasStage, input: FrameMaps, stride: number): FrameMaps {
    let x = input;
    for (let block = 0; block < blocks; block++) {
      const path = `${name}.${block}`, step = block === 0 ? stride : 1;
      const narrow = this.convolutions.record(plan, `${path}.conv1`, x, { relu: true });
      const grouped = this.convolutions.record(plan, `${path}.conv2`, narrow, {
        stride: step,
        relu: true,
      });
      const residual = block > 0
        ? x
        : this.convolutions.record(plan, `${path}.downsample.0`, x, { stride: step });
      x = this.convolutions.record(plan, `${path}.conv3`, grouped, { residual, relu: true });
    }
    return x;
  }

  /** P₁ before it is enlarged: `U₂(P₂ + U₁(S₁))` at a quarter of the input's size. */
  async #decode(
    pieces: Pieces,
    levels: readonly FrameMaps[],
    { onMaps }: MidasRunOptions,
  ): Promise<FrameMaps> {
    let path: FrameMaps | undefined;
    for (let k = 4; k >= 1; k--) {
      const features = levels[k - 1], above = path;
      const [level, next] = await pieces.run(`refinenet${k}`, percent.decoder[4 - k], (plan) => {
        const level = this.convolutions.record(plan, `scratch.layer${k}_rn`, features);
        const unit = `scratch.refinenet${k}.resConfUnit`;
        const x = reluMaps(plan, `layer${k}_rn.relu`, level);
        const sum = above ? this.#unit(plan, `${unit}1`, x, above) : x;
        const refined = this.#unit(plan, `${unit}2`, sum);
        const next = k > 1 ? upsample(plan, `path${k}`, refined, { align: "corners" }) : refined;
        const result = [level, next];
        return { result, outputs: result.flatMap(({ frames }) => frames.flat()) };
      });
      await onMaps?.(`layer${k}_rn`, level);
      if (k > 1) await onMaps?.(`path${k}`, next);
      for (const done of [features, level, above]) pieces.free(done?.frames.flat() ?? []);
      path = next;
    }
    return path!;
  }

  /** U(x) of an x that has been through the ReLU; or, with P, relu(P + U(x)). */
  #unit(plan: Plan, name: string, x: FrameMaps, added?: FrameMaps): FrameMaps {
    const inner = this.convolutions.record(plan, `${name}.conv1`, x, { relu: true });
    const residual = added ? addMaps(plan, `${name}.sum`, x, added) : x;
    return this.convolutions.record(plan, `${name}.conv2`, inner, {
      residual,
      relu: added !== undefined,
    });
  }

  /** Four times as large, in bands of rows: the large maps are never whole. */
  async #head(
    pieces: Pieces,
    refined: FrameMaps,
    { onMaps, bandRows }: MidasRunOptions,
  ): Promise<NdArray<Float32Array>> {
    const height = 4 * refined.height, width = 4 * refined.width;
    const most = bandRows ?? Math.max(1, Math.floor(bandBytes / (128 * width * 4)) - 2);
    const result = new Float32Array(height * width);
    for (let first = 0; first < height; first += most) {
      const band = { first, rows: Math.min(most, height - first) };
      const name = `rows ${first} to ${first + band.rows - 1}`;
      const share = percent.head * band.rows / height;
      const maps = await pieces.run(name, share, (plan) => {
        const result = this.#headBand(plan, refined, band);
        const made = onMaps ? Object.values(result) : [result.depth];
        return { result, outputs: made.flatMap(({ frames }) => frames.flat()) };
      });
      for (const [name, made] of Object.entries(maps)) await onMaps?.(name, made);
      result.set(await readTensor(this.gpu, maps.depth.frames[0][0]), first * width);
      pieces.free(Object.values(maps).flatMap(({ frames }) => frames.flat()));
    }
    pieces.free(refined.frames.flat());
    return ndarray(result, [height, width]);
  }

  /** Rows of the result; a 3×3 convolution reads a row more on either side, which is zero outside the frame. */
  #headBand(plan: Plan, refined: FrameMaps, band: Band) {
    const height = 2 * refined.height, padding = [0, 1] as const;
    const rows = { first: band.first - 1, rows: band.rows + 2 };
    const source = sourceRows(height, rows);
    const path1 = upsample(plan, "path1", refined, {
      align: "corners",
      band: { first: source.first - 1, rows: source.rows + 2 },
    });
    const head0 = this.convolutions.record(plan, "scratch.output_conv.0", path1, { padding });
    const enlarged = upsample(plan, "head1", head0, {
      align: "centers",
      source: { height, first: source.first },
      band: rows,
    });
    const head2 = this.convolutions.record(plan, "scratch.output_conv.2", enlarged, {
      padding,
      relu: true,
    });
    const depth = this.convolutions.record(plan, "scratch.output_conv.4", head2, { relu: true });
    return { path1, head0, head2, depth };
  }

  /** Frees the weights. */
  destroy(): void {
    this.convolutions.destroy();
  }
}

/** Operations of each part, of all. */
const percent = {
  stem: 0.3,
  layers: [3.7, 6.2, 31.5, 4.9],
  decoder: [0.8, 2.6, 7.9, 26.3],
  head: 15.8,
};

/** A convolution and the batch norm behind it as one with a bias: `w·γ/√(variance + ε)`, `β − mean·γ/√(variance + ε)`. */
function foldNorm(
  { name, shape, groups, norm, bias }: MidasConv,
  values: NamedValues,
): ConvolutionValues {
  const [outputs] = shape;
  const take = (name: string, size: number) => {
    const found = values.get(name);
    if (found?.length === size) return found;
    throw new Error(
      `Cannot write the weights of MiDaS: "${name}" ` +
        (found ? `has ${found.length} numbers, wanted ${size}` : "is missing"),
    );
  };
  const weight = take(`${name}.weight`, shape.reduce((size, length) => size * length));
  if (!norm) return { name, shape, weight, bias: bias ? take(`${name}.bias`, outputs) : undefined };
  const [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
    .map((part) => take(`${norm}.${part}`, outputs));
  const scale = Float64Array.from(gamma, (value, o) => value / Math.sqrt(variance[o] + epsilon));
  const ofOutput = weight.length / outputs;
  const folded = new Float32Array(weight.length);
  for (let o = 0, i = 0; o < outputs; o++) {
    for (const end = i + ofOutput; i < end; i++) folded[i] = weight[i] * scale[o];
  }
  return {
    name,
    shape,
    weight: folded,
    bias: beta.map((value, o) => value - mean[o] * scale[o]),
    groups,
  };
}

function reluMaps(plan: Plan, label: string, x: FrameMaps): FrameMaps {
  return { ...x, frames: x.frames.map((scene) => scene.map((frame) => relu(plan, label, frame))) };
}

function addMaps(plan: Plan, label: string, x: FrameMaps, y: FrameMaps): FrameMaps {
  const frames = x.frames.map((scene, s) =>
    scene.map((frame, f) => addGroups(plan, label, frame, y.frames[s][f]))
  );
  return { ...x, frames };
}
