/**
 * RAFT's weights on a device, arranged for how it runs.
 *
 * @module
 */
import { raftLayers, raftParameters } from "../../data/weights/raft_weights.ts";
import type { BatchNormParameters } from "../../ops/batch_norm.ts";
import type { Gpu } from "../../runtime/device.ts";
import { createTensor, destroyTensor, type Tensor } from "../../runtime/tensor.ts";
import { type ConvolutionValues, PackedConvolutions } from "../packed_convolutions.ts";

/** Channels of the state, of the context and of the motion features. */
export const raftWidth = 128;

/** The convolutions and norms of RAFT on a device. */
export class RaftLayers {
  readonly #norms = new Map<string, BatchNormParameters>();

  private constructor(
    readonly gpu: Gpu,
    readonly convolutions: PackedConvolutions,
  ) {}

  /**
   * Writes the weights, packed once for all the runs to come.
   *
   * @param values under their official names, from `raftWeights`
   * @throws where one is missing or of another size
   */
  static async create(gpu: Gpu, values: ReadonlyMap<string, Float32Array>): Promise<RaftLayers> {
    const wrong = raftParameters.find(({ name, shape }) =>
      values.get(name)?.length !== shape.reduce((size, length) => size * length, 1)
    );
    if (wrong) {
      const found = values.get(wrong.name)?.length;
      throw new Error(
        `Cannot write the weights of RAFT: "${wrong.name}" ` +
          (found === undefined ? "is missing" : `has ${found} numbers`) +
          `, wanted (${wrong.shape.join(", ")})`,
      );
    }
    const layers = new RaftLayers(gpu, await PackedConvolutions.create(gpu, arranged(values)));
    layers.#writeNorms(values);
    return layers;
  }

  #writeNorms(values: ReadonlyMap<string, Float32Array>): void {
    const write = (name: string, data: Float32Array) =>
      createTensor(this.gpu, name, [data.length], { data });
    for (const { name } of raftParameters) {
      if (!name.endsWith(".running_mean")) continue;
      const norm = name.slice(0, name.lastIndexOf("."));
      const of = (kind: string) => write(`${norm}.${kind}`, values.get(`${norm}.${kind}`)!);
      this.#norms.set(norm, {
        weight: of("weight"),
        bias: of("bias"),
        runningMean: of("running_mean"),
        runningVariance: of("running_var"),
      });
    }
    for (const { channels } of raftLayers) { // instance norms, by their channels
      const weight = write(`norm${channels}.weight`, new Float32Array(channels).fill(1));
      const bias = write(`norm${channels}.bias`, new Float32Array(channels));
      this.#norms.set(`${channels}`, { weight, bias, runningMean: bias, runningVariance: weight });
    }
  }

  /** A norm by its name; those of `fnet` have no parameters but 1 and 0. */
  norm(name: string, channels: number): BatchNormParameters {
    return this.#norms.get(name) ?? this.#norms.get(`${channels}`)!;
  }

  /** Frees the weights. */
  destroy(): void {
    const tensors = [...this.#norms.values()].flatMap((norm): Tensor[] => Object.values(norm));
    for (const tensor of new Set(tensors)) destroyTensor(this.gpu, tensor);
    this.#norms.clear();
    this.convolutions.destroy();
  }
}

type Convolution = Omit<ConvolutionValues, "groups"> & { readonly bias: Float32Array };

/**
 * RAFT's convolutions as they run:
 * - `cnet.conv2` in two, as its halves have different activations: `cnet.state` and `cnet.context`;
 * - those of the gated unit, which see [state ⧺ context ⧺ motion], for each of its two halves as `gru1.share`, what the context
 *   adds to z, r and q, with their biases; `gru1.gates`, z and r of [state ⧺ motion]; `gru1.candidate`, q of [r·state ⧺ motion];
 * - `mask.2` with the factor 1/4 of its logits.
 */
function arranged(values: ReadonlyMap<string, Float32Array>): ConvolutionValues[] {
  const shapes = new Map(raftParameters.map(({ name, shape }) => [name, shape]));
  const found = (official: string): Convolution => ({
    name: official.replace(/^update_block\.(encoder\.)?/, ""),
    shape: shapes.get(`${official}.weight`)!,
    weight: values.get(`${official}.weight`)!,
    bias: values.get(`${official}.bias`)!,
  });
  const plain = raftParameters.filter(({ name, shape }) =>
    shape.length === 4 && !/^cnet\.conv2\.|\.gru\.|\.mask\.2\./.test(name)
  ).map(({ name }) => found(name.slice(0, -".weight".length)));
  const last = found("cnet.conv2"), mask = found("update_block.mask.2");
  const quarter = (part: Float32Array) => part.map((value) => value / 4);
  return [
    ...plain,
    { ...outputsOf(last, 0, raftWidth), name: "cnet.state" },
    { ...outputsOf(last, raftWidth, 2 * raftWidth), name: "cnet.context" },
    ...[1, 2].flatMap((half) => {
      const [z, r, q] = ["z", "r", "q"].map((gate) => found(`update_block.gru.conv${gate}${half}`));
      const own = (gate: Convolution) => inputsOf(gate, [0, 2]);
      return [
        { ...stacked([z, r, q].map((gate) => inputsOf(gate, [1]))), name: `gru${half}.share` },
        { ...stacked([z, r].map(own)), name: `gru${half}.gates`, bias: undefined },
        { ...own(q), name: `gru${half}.candidate`, bias: undefined },
      ];
    }),
    { ...mask, weight: quarter(mask.weight), bias: quarter(mask.bias) },
  ];
}

/** Outputs from `first` to below `end`. */
function outputsOf(of: Convolution, first: number, end: number): Convolution {
  const size = of.weight.length / of.shape[0];
  return {
    ...of,
    shape: [end - first, ...of.shape.slice(1)],
    weight: of.weight.subarray(first * size, end * size),
    bias: of.bias.subarray(first, end),
  };
}

/** Inputs of the given thirds: 0 the state's, 1 the context's, 2 the motion's. */
function inputsOf(of: Convolution, thirds: readonly number[]): Convolution {
  const [outputs, inputs, ...kernel] = of.shape;
  const size = of.weight.length / outputs / 3;
  const weight = new Float32Array(outputs * size * thirds.length);
  for (let o = 0, at = 0; o < outputs; o++) {
    for (const third of thirds) {
      const first = (3 * o + third) * size;
      weight.set(of.weight.subarray(first, first + size), at);
      at += size;
    }
  }
  return { ...of, shape: [outputs, inputs / 3 * thirds.length, ...kernel], weight };
}

/** The outputs of convolutions of one input, one behind the other. */
function stacked(parts: readonly Convolution[]): Convolution {
  const [{ name, shape: [outputs, ...rest] }] = parts;
  const joined = (arrays: readonly Float32Array[]) => {
    const all = new Float32Array(arrays.length * arrays[0].length);
    arrays.forEach((array, i) => all.set(array, i * array.length));
    return all;
  };
  return {
    name,
    shape: [parts.length * outputs, ...rest],
    weight: joined(parts.map(({ weight }) => weight)),
    bias: joined(parts.map(({ bias }) => bias)),
  };
}
