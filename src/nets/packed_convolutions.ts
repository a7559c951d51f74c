/**
 * Convolutions of a network that is only run: packed once, for all the plans that record them.
 *
 * @module
 */
import { conv, type ConvOptions, packConv } from "../ops/conv.ts";
import type { FrameMaps } from "../ops/frame_maps.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { createTensor, destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { runStages } from "./stages.ts";

/** A convolution's values on their way to the device. */
export interface ConvolutionValues {
  readonly name: string;
  /** (outputs, inputs, rows, columns) */
  readonly shape: readonly number[];
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
}

interface Packed {
  /** Its shape alone: the memory is that of the panels. */
  readonly weight: Tensor;
  readonly panels: Tensor;
  readonly bias?: Tensor;
}

/** Convolutions on a device, by name. */
export class PackedConvolutions {
  readonly #packed = new Map<string, Packed>();

  private constructor(readonly gpu: Gpu) {}

  /** Writes and packs convolutions. */
  static async create(
    gpu: Gpu,
    convolutions: readonly ConvolutionValues[],
  ): Promise<PackedConvolutions> {
    const made = new PackedConvolutions(gpu);
    const weights: Tensor[] = [];
    try {
      for (const { name, shape, weight } of convolutions) {
        weights.push(createTensor(gpu, `${name}.weight`, shape, { data: weight }));
      }
      const panels = await runStages(
        gpu,
        "weights",
        1,
        {},
        (stages) =>
          stages.run("pack", 1, (plan) => {
            const result = weights.map((weight, i) => packConv(plan, convolutions[i].name, weight));
            return { result, outputs: result };
          }),
      );
      convolutions.forEach(({ name, bias }, i) =>
        made.#packed.set(name, {
          weight: weights[i],
          panels: panels[i],
          bias: bias && createTensor(gpu, `${name}.bias`, [bias.length], { data: bias }),
        })
      );
    } finally {
      for (const weight of weights) destroyTensor(gpu, weight);
    }
    return made;
  }

  /** Records a convolution by its name; by default with "same" padding. */
  record(plan: Plan, name: string, x: FrameMaps, options: ConvOptions = {}): FrameMaps {
    const packed = this.#packed.get(name);
    if (!packed) throw new Error(`Cannot find the convolution "${name}"`);
    const { weight, panels, bias } = packed;
    return conv(plan, name, x, weight, { ...options, panels, bias });
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
