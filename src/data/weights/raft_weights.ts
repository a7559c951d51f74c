/**
 * Weights of RAFT (Teed and Deng 2020, the basic network) from the authors' files: `raft-things.pth` and its kin.
 *
 * @module
 */
import { DataError } from "../data_error.ts";
import { toFloat32 } from "./half.ts";
import { type NamedTensors, requireWeight } from "./named_tensors.ts";
import { stateDict, type WantedWeight } from "./weight_names.ts";

/** A file of weights in an archive, and where that is to be had. */
export interface RaftFile {
  /** What it is. */
  readonly title: string;
  /** Its name in the archive. */
  readonly file: string;
  /** Address of the archive. */
  readonly url: string;
}

/** RAFT's weights in the authors' archive of models. */
export const raftFile: RaftFile = {
  title: "RAFT trained on FlyingThings",
  file: "raft-things.pth",
  url: "https://dl.dropboxusercontent.com/s/4j4z58wuv8o0mfz/models.zip",
};

/** The encoders: of the features that are compared, and of the context. */
export type RaftEncoderName = "fnet" | "cnet";

/** Layers of an encoder, two residual blocks each; the first block of one with stride 2 halves the grid. */
export const raftLayers = [
  { name: "layer1", channels: 64, stride: 1 },
  { name: "layer2", channels: 96, stride: 2 },
  { name: "layer3", channels: 128, stride: 2 },
] as const;

/** Every weight of RAFT under its official name, without `module.`; other names of the same tensors are not among them. */
export const raftParameters: readonly WantedWeight[] = [
  ...encoderParameters("fnet"),
  ...encoderParameters("cnet"),
  ...[
    ...convolution("encoder.convc1", 256, 324, 1, 1),
    ...convolution("encoder.convc2", 192, 256, 3, 3),
    ...convolution("encoder.convf1", 128, 2, 7, 7),
    ...convolution("encoder.convf2", 64, 128, 3, 3),
    ...convolution("encoder.conv", 126, 256, 3, 3),
    ...["convz1", "convr1", "convq1"].flatMap((gate) => convolution(`gru.${gate}`, 128, 384, 1, 5)),
    ...["convz2", "convr2", "convq2"].flatMap((gate) => convolution(`gru.${gate}`, 128, 384, 5, 1)),
    ...convolution("flow_head.conv1", 256, 128, 3, 3),
    ...convolution("flow_head.conv2", 2, 256, 3, 3),
    ...convolution("mask.0", 256, 128, 3, 3),
    ...convolution("mask.2", 576, 256, 1, 1),
  ].map(({ name, shape }) => ({ name: `update_block.${name}`, shape })),
];

function convolution(name: string, ...shape: number[]): WantedWeight[] {
  return [{ name: `${name}.weight`, shape }, { name: `${name}.bias`, shape: [shape[0]] }];
}

/** `cnet` has batch norms; the instance norms of `fnet` have no parameters. */
function encoderParameters(encoder: RaftEncoderName): WantedWeight[] {
  const layer = (conv: string, norm: string, ...shape: number[]) => [
    ...convolution(`${encoder}.${conv}`, ...shape),
    ...(encoder === "cnet" ? ["weight", "bias", "running_mean", "running_var"] : [])
      .map((name) => ({ name: `${encoder}.${norm}.${name}`, shape: [shape[0]] })),
  ];
  const parameters = layer("conv1", "norm1", 64, 3, 7, 7);
  let inputs = 64;
  for (const { name, channels, stride } of raftLayers) {
    for (const block of [`${name}.0`, `${name}.1`]) {
      parameters.push(
        ...layer(`${block}.conv1`, `${block}.norm1`, channels, inputs, 3, 3),
        ...layer(`${block}.conv2`, `${block}.norm2`, channels, channels, 3, 3),
        ...(stride === 2 && block.endsWith(".0")
          ? layer(`${block}.downsample.0`, `${block}.norm3`, channels, inputs, 1, 1)
          : []),
      );
      inputs = channels;
    }
  }
  return [...parameters, ...convolution(`${encoder}.conv2`, 256, 128, 1, 1)];
}

/** The other name of a weight in the authors' files: `…layer2.0.norm3.bias` → `…layer2.0.downsample.1.bias`. */
function otherName(name: string): string {
  return name.replace(".norm3.", ".downsample.1.");
}

/**
 * Takes RAFT's weights from its file, as float32 under their official names without `module.`.
 *
 * Counters of batches may be there or not; of the tensors that the authors' files have twice (`norm3` is `downsample.1`) one
 * suffices.
 *
 * @throws {DataError} If a weight is missing, has another shape, is not finite, or differs under its other name; the message names
 * the first such weight and the file that is wanted.
 */
export function raftWeights({ name, tensors }: NamedTensors): Map<string, Float32Array> {
  const state = stateDict(tensors).tensors;
  const { title, file, url } = raftFile;
  const values = new Map<string, Float32Array>();
  for (const { name: key, shape } of raftParameters) {
    const fail = (found: string) =>
      new DataError(
        `Cannot take RAFT from "${name}": "${key}" ${found}; wanted ${title}, "${file}" of ${url}`,
      );
    const [tensor, other] = [key, otherName(key)].flatMap((key) => state.get(key) ?? []);
    const numbers = requireWeight(tensor, shape, fail);
    if (other && !toFloat32(other).every((value, i) => value === numbers[i])) {
      throw fail(`differs from "${otherName(key)}", which is the same tensor`);
    }
    values.set(key, numbers);
  }
  return values;
}
