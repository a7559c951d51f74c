/**
 * Convolutions of a network for inference only: packed once, for all the plans that record them.
 *
 * @module
 */
import { conv, type ConvOptions, packConv } from "../ops/conv.ts";
import type { FrameMaps } from "../ops/frame_maps.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { runInPieces } from "../nets/pieces.ts";

/** A convolution's values on their way to the device. */
export interface ConvolutionValues {
  readonly name: string;
  /** (outputs, inputs of a group, rows, columns) */
  readonly shape: readonly number[];
  readonly weight: Float32Array;
  readonly bias?: Float32Array | undefined;
  /** Default 1. */
  readonly groups?: number | undefined;
}

interface Packed {
  /** Its shape alone: the memory is that of the panels. */
  readonly weight: Tensor;
  readonly panels: Tensor;
  readonly bias?: Tensor | undefined;
  readonly groups?: number | undefined;
}

const batchBytes = 2 ** 26; // of weights that are there beside their panels

/** Convolutions on a device, by name. */
export class PackedConvolutions {
  readonly #packed = new Map<string, Packed>();

  private constructor(readonly gpu: Gpu) {}

  /**
   * Writes and packs convolutions, some at a time.
   *
   * @param convolutions taken one by one, and not kept
   * @param signal stops after the current ones, with its reason
   */
  static async create(
    gpu: Gpu,
    convolutions: Iterable<ConvolutionValues>,
    signal?: AbortSignal,
  ): Promise<PackedConvolutions> {
    const made = new PackedConvolutions(gpu);
    try {
      let batch: ConvolutionValues[] = [], bytes = 0;
      for (const convolution of convolutions) {
        batch.push(convolution);
        bytes += convolution.weight.byteLength;
        if (bytes < batchBytes) continue;
        await made.#pack(batch, signal);
        [batch, bytes] = [[], 0];
      }
      if (batch.length > 0) await made.#pack(batch, signal);
    } catch (error) {
      made.destroy();
      throw error;
    }
    return made;
  }

  async #pack(batch: readonly ConvolutionValues[], signal?: AbortSignal): Promise<void> {
    const { gpu } = this;
    const weights: Tensor[] = [];
    try {
      for (const { name, shape, weight } of batch) {
        weights.push(createTensor(gpu, `${name}.weight`, shape, { data: weight }));
      }
      const panels = await runInPieces(
        gpu,
        "weights",
        1,
        { signal },
        (pieces) =>
          pieces.run("pack", 1, (plan) => {
            const result = batch.map(({ name, groups }, i) =>
              packConv(plan, name, weights[i], groups)
            );
            return { result, outputs: result };
          }),
      );
      batch.forEach(({ name, bias, groups }, i) =>
        this.#packed.set(name, {
          weight: weights[i],
          panels: panels[i],
          bias: bias && createTensor(gpu, `${name}.bias`, [bias.length], { data: bias }),
          groups,
        })
      );
    } finally {
      for (const weight of weights) destroyTensor(gpu, weight);
    }
  }

  /** Records a convolution by its name; by default with "same" padding. */
  record(plan: Plan, name: string, x: FrameMaps, options: ConvOptions = {}): FrameMaps {
    const packed = this.#packed.get(name);
    if (!packed) throw new Error(`Cannot find the convolution "${name}"`);
    const { weight, ...own } = packed;
    return conv(plan, name, x, weight, { ...options, ...own });
  }

  /** Frees the weights. */
  destroy(): void {
    for (const { panels, bias } of this.#packed.values()) {
      destroyTensor(this.gpu, panels);
      if (bias) destroyTensor(this.gpu, bias);
    }
    this.#packed.clear();
  }
}
