/**
 * RAFT (Teed and Deng 2020, the basic network): optical flow between two frames, by recurrent updates that look up the
 * correlation of their features. For inference only.
 *
 * A frame is encoded once, for both directions and both of its neighbours. The volume of all correlations never exists; what the
 * context adds to an update is made once; the flow is brought to the frame's size once, behind the last update.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { upsampling } from "../../ops/convex_upsample.ts";
import { pyramidPixels } from "../../ops/correlation_lookup.ts";
import type { Gpu } from "../../runtime/device.ts";
import { Plan } from "../../runtime/plan.ts";
import type { Program } from "../../runtime/program.ts";
import { readTensor } from "../../runtime/readback.ts";
import { destroyTensor, type Tensor } from "../../runtime/tensor.ts";
import { type RaftContext, recordContext, recordFeatures } from "./encoder.ts";
import { RaftLayers, raftWidth } from "./layers.ts";
import { type PaddedSize, paddedSize, uploadPicture } from "./picture.ts";
import {
  createRaftState,
  destroyRaftState,
  type RaftPair,
  type RaftState,
  recordIteration,
  recordStart,
  recordUpsampled,
} from "./update.ts";
import { type PieceOptions, runDispatches, runInPieces } from "../../nets/pieces.ts";

/** Sides below it were never seen in training: the coarsest level of the correlation has then one pixel or none. */
export const leastRaftPixels = 128;

/** A frame as RAFT sees it, on the device: for all flows from it and to it. */
export interface RaftFrame {
  /** Rows of pixels. */
  readonly height: number;
  /** Pixels of a row. */
  readonly width: number;
  /** That flow of so small a frame is doubtful; absent where it is large enough. */
  readonly warning?: string;
  /** Frees its memory. */
  destroy(): void;
}

class EncodedFrame implements RaftFrame {
  readonly height: number;
  readonly width: number;
  readonly warning?: string;

  constructor(
    readonly gpu: Gpu,
    readonly size: PaddedSize,
    readonly features: Tensor,
    readonly context: RaftContext,
  ) {
    const { width, height } = size;
    this.width = width;
    this.height = height;
    if (Math.min(width, height) < leastRaftPixels) {
      this.warning =
        `The frame is ${width} x ${height}: RAFT was trained on larger ones, its flow is ` +
        `doubtful where a side is below ${leastRaftPixels} pixels`;
    }
  }

  destroy(): void {
    const { hidden, shares } = this.context;
    for (const tensor of [this.features, hidden, ...shares]) destroyTensor(this.gpu, tensor);
  }
}

/** How {@link Raft.flow} runs. */
export interface FlowOptions extends PieceOptions {
  /** Updates. Default 20, as in training and evaluation of the authors. */
  readonly iterations?: number;
}

/** Programs and memory for the flow of frames of one size. */
interface Recorded {
  readonly key: string;
  readonly state: RaftState;
  /** Its tensors are bound to those of frames before a run. */
  readonly pair: RaftPair;
  /** Start, an iteration, and the end. */
  readonly programs: readonly Program[];
  readonly fine: Tensor;
}

/**
 * RAFT with its weights on a device.
 *
 * @example Find where the pixels of one frame are in the next
 * ```ts
 * import { openGpu } from "../../../mod.ts";
 * import { decodeImage } from "../../data/mod.ts";
 * import { loadWeightsFile, raftWeights } from "../../data/weights/mod.ts";
 * import { Raft } from "../mod.ts";
 *
 * const file = { name: "raft-things.pth", ...await loadWeightsFile("raft-things.pth") };
 * const raft = await Raft.create(await openGpu(), raftWeights(file));
 * const [first, second] = await Array.fromAsync(["000.png", "001.png"], async (name) => {
 *   return await raft.encode(await decodeImage(await Deno.readFile(name), name));
 * });
 * const flow = await raft.flow(first, second); // [height, width, 2], pixels
 * ```
 */
export class Raft {
  readonly #layers: RaftLayers;
  #recorded: Recorded | undefined;
  #busy = false;

  private constructor(
    /** Where it runs. */
    readonly gpu: Gpu,
    layers: RaftLayers,
  ) {
    this.#layers = layers;
  }

  /**
   * Writes the weights.
   *
   * @param weights By official name without `module.`, from `raftWeights`.
   * @throws {Error} If one is missing or of another size.
   */
  static async create(gpu: Gpu, weights: ReadonlyMap<string, Float32Array>): Promise<Raft> {
    return new Raft(gpu, await RaftLayers.create(gpu, weights));
  }

  /**
   * Encodes a frame, once for all flows from it and to it.
   *
   * @param frame `[height, width, 3]`, RGB in 0…255: bytes or numbers.
   * @returns The frame on the device; the caller frees it. Its `warning` says where it is too small to be trusted.
   * @throws {RangeError} If it is not RGB or has no pixels.
   * @throws The signal's reason, if it was aborted.
   */
  async encode(
    frame: NdArray<Uint8Array | Float32Array>,
    options: PieceOptions = {},
  ): Promise<RaftFrame> {
    const [height, width, channels] = frame.shape;
    if (frame.shape.length !== 3 || channels !== 3 || height < 1 || width < 1) {
      throw new RangeError(
        `Cannot encode the frame: it is (${frame.shape.join(", ")}), wanted (height, width, 3)`,
      );
    }
    const size = paddedSize(height, width);
    return await runInPieces(this.gpu, "raft", 2, options, async (pieces) => {
      const input = uploadPicture(pieces.upload, frame, size);
      const features = await pieces.run("features", 1, (plan) => {
        const result = recordFeatures(plan, this.#layers, input);
        return { result, outputs: [result] };
      });
      const context = await pieces.run("context", 1, (plan) => {
        const result = recordContext(plan, this.#layers, input);
        return { result, outputs: [result.hidden, ...result.shares] };
      });
      pieces.free(input.frames.flat());
      return new EncodedFrame(this.gpu, size, features, context);
    });
  }

  /**
   * The optical flow from one frame to another: what is at `(x, y)` in the first is at `(x, y) + flow` in the second.
   *
   * @returns `[height, width, 2]`, x then y, in pixels.
   * @throws {RangeError} If the frames differ in size, or `iterations` is not a whole number from 1 on.
   * @throws {Error} If another flow is being made.
   * @throws The signal's reason, if it was aborted.
   */
  async flow(
    from: RaftFrame,
    to: RaftFrame,
    { iterations = 20, signal, onProgress }: FlowOptions = {},
  ): Promise<NdArray<Float32Array>> {
    if (!(from instanceof EncodedFrame && to instanceof EncodedFrame)) {
      throw new TypeError("Cannot make flow: wanted frames from Raft.encode");
    }
    const { size } = from;
    if (from.height !== to.height || from.width !== to.width) {
      throw new RangeError(
        `Cannot make flow: the frames are ${from.width} x ${from.height} and ` +
          `${to.width} x ${to.height}, wanted one size`,
      );
    }
    if (!Number.isInteger(iterations) || iterations < 1) {
      throw new RangeError(
        `Cannot make flow by ${iterations} iterations: wanted a whole number from 1 on`,
      );
    }
    if (this.#busy) throw new Error("Cannot make flow: another is being made; await it first");
    this.#busy = true;
    try {
      const { pair, programs, fine } = await this.#record(size);
      const [start, iteration, finish] = programs;
      const bound = new Map([
        [pair.first, from.features],
        [pair.second, to.features],
        [pair.hidden, from.context.hidden],
        [pair.shares[0], from.context.shares[0]],
        [pair.shares[1], from.context.shares[1]],
      ]);
      start.bind(bound);
      iteration.bind(bound);
      const updates = Array.from({ length: iterations }, () => iteration.dispatches);
      const dispatches = [...start.dispatches, ...updates.flat(), ...finish.dispatches];
      let done = 0;
      await runDispatches(this.gpu, "raft.flow", dispatches, signal, ({ fraction, flops }) => {
        done += flops;
        onProgress?.({ piece: "flow", fraction, flops: done });
      });
      return ndarray(await readTensor(this.gpu, fine), [size.height, size.width, 2]);
    } finally {
      this.#busy = false;
    }
  }

  /** The programs for frames of a size: kept until another size comes. */
  async #record(size: PaddedSize): Promise<Recorded> {
    const key = [size.height, size.width].join();
    if (this.#recorded?.key === key) return this.#recorded;
    this.#forget();
    const { gpu } = this, layers = this.#layers;
    const height = size.paddedHeight / upsampling, width = size.paddedWidth / upsampling;
    const state = createRaftState(gpu, height, width);
    const inference = true;
    const start = new Plan(gpu, "raft.start", { inference });
    const iteration = new Plan(gpu, "raft.iteration", { inference });
    const finish = new Plan(gpu, "raft.finish", { inference });
    const features = [pyramidPixels(height, width), 2 * raftWidth];
    const share = [1, height * width, 3 * raftWidth];
    const pair: RaftPair = {
      first: iteration.late("first", features),
      second: iteration.late("second", features),
      hidden: start.late("hidden", state.hidden.shape, "blocks"),
      shares: [
        iteration.late("share1", share, "blocks"),
        iteration.late("share2", share, "blocks"),
      ],
    };
    recordStart(start, state, pair.hidden);
    recordIteration(iteration, layers, state, pair);
    const { fine } = recordUpsampled(finish, layers, state, size);
    finish.keep(fine);
    const programs: Program[] = [];
    try {
      for (const plan of [start, iteration, finish]) programs.push(await plan.build());
    } catch (error) {
      for (const program of programs) program.destroy();
      destroyRaftState(gpu, state);
      throw error;
    }
    return this.#recorded = { key, state, pair, programs, fine };
  }

  #forget(): void {
    const recorded = this.#recorded;
    this.#recorded = undefined;
    if (!recorded) return;
    for (const program of recorded.programs) program.destroy();
    destroyRaftState(this.gpu, recorded.state);
  }

  /** Frees the weights and what flows took; frames are freed by whoever has them. */
  destroy(): void {
    this.#forget();
    this.#layers.destroy();
  }
}
