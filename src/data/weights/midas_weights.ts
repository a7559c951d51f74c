/**
 * Weights of MiDaS v2.1 large (Ranftl et al. 2020) from the file that people have, and the layout that they tell: a
 * ResNeXt-101 32×8d, and a decoder of 256 channels.
 *
 * @module
 */
import { DataError } from "../data_error.ts";
import { type NamedTensors, requireWeight } from "./named_tensors.ts";
import { stateDict, type WantedWeight } from "./weight_names.ts";

/** Where the official weights are to be had. */
export const midasFile = {
  /** What they are. */
  title: "MiDaS v2.1 large",
  /** Names that the file has had. */
  files: ["midas_v21-f6b98070.pt"],
  /** Address. */
  url: "https://github.com/isl-org/MiDaS/releases/download/v2_1/midas_v21-f6b98070.pt",
} as const;

/** Groups of the encoder's 3×3 convolutions. */
export const midasGroups = 32;

/** A stage of the encoder: bottlenecks whose inner and outer convolutions have the same width. */
export interface MidasStage {
  /** Before its blocks' numbers in the names. */
  readonly name: string;
  /** Bottlenecks. */
  readonly blocks: number;
  /** Channels. */
  readonly width: number;
}

/** The encoder's four stages; the first block of all but the first halves the grid. */
export const midasStages: readonly MidasStage[] = [
  { name: "pretrained.layer1.4", blocks: 3, width: 256 },
  { name: "pretrained.layer2", blocks: 4, width: 512 },
  { name: "pretrained.layer3", blocks: 23, width: 1024 },
  { name: "pretrained.layer4", blocks: 3, width: 2048 },
];

/** A convolution of the network. */
export interface MidasConv {
  /** Its name: `pretrained.layer1.0`. */
  readonly name: string;
  /** (outputs, channels of a group, kernel, kernel). */
  readonly shape: readonly [number, number, number, number];
  /** Groups of channels and outputs. */
  readonly groups: number;
  /** The batch norm behind it, where it has one. */
  readonly norm?: string;
  /** Whether it has a bias. */
  readonly bias: boolean;
}

/** Channels of the decoder. */
const decoderWidth = 256;

/** Every convolution that is used, in the order of the file. */
export const midasConvs: readonly MidasConv[] = [
  normed("pretrained.layer1.0", "pretrained.layer1.1", [64, 3, 7, 7]),
  ...midasStages.flatMap(stageConvs),
  ...midasStages.map(({ width }, i): MidasConv => ({
    name: `scratch.layer${i + 1}_rn`,
    shape: [decoderWidth, width, 3, 3],
    groups: 1,
    bias: false,
  })),
  ...[4, 3, 2, 1].flatMap((level) =>
    (level === 4 ? [2] : [1, 2]).flatMap((unit) =>
      [1, 2].map((i) =>
        biased(
          `scratch.refinenet${level}.resConfUnit${unit}.conv${i}`,
          [decoderWidth, decoderWidth, 3, 3],
        )
      )
    )
  ),
  biased("scratch.output_conv.0", [128, decoderWidth, 3, 3]),
  biased("scratch.output_conv.2", [32, 128, 3, 3]),
  biased("scratch.output_conv.4", [1, 32, 1, 1]),
];

function stageConvs({ name, blocks, width }: MidasStage, stage: number): MidasConv[] {
  return Array.from({ length: blocks }, (_, block) => {
    const path = `${name}.${block}`;
    const inputs = block > 0 ? width : stage > 0 ? midasStages[stage - 1].width : 64;
    const convs = [
      normed(`${path}.conv1`, `${path}.bn1`, [width, inputs, 1, 1]),
      normed(`${path}.conv2`, `${path}.bn2`, [width, width / midasGroups, 3, 3], midasGroups),
      normed(`${path}.conv3`, `${path}.bn3`, [width, width, 1, 1]),
    ];
    if (block > 0) return convs;
    const shortcut = [`${path}.downsample.0`, `${path}.downsample.1`] as const;
    return [...convs, normed(...shortcut, [width, inputs, 1, 1])];
  }).flat();
}

function normed(name: string, norm: string, shape: MidasConv["shape"], groups = 1): MidasConv {
  return { name, norm, shape, groups, bias: false };
}

function biased(name: string, shape: MidasConv["shape"]): MidasConv {
  return { name, shape, groups: 1, bias: true };
}

/** Every weight that is used under its official name, in the order of the file. */
export const midasParameters: readonly WantedWeight[] = midasConvs.flatMap(
  ({ name, shape, norm, bias }) => [
    { name: `${name}.weight`, shape },
    ...(norm ? ["weight", "bias", "running_mean", "running_var"] : []).map((part) => ({
      name: `${norm}.${part}`,
      shape: [shape[0]],
    })),
    ...(bias ? [{ name: `${name}.bias`, shape: [shape[0]] }] : []),
  ],
);

/**
 * Takes the weights of MiDaS from its file, as float32 under their official names and without a copy where the file has
 * float32. Left aside are counters of batches, and one unit of the decoder that the network has and does not use.
 *
 * @throws {DataError} If a weight is missing, has another shape or is not finite; the message names it.
 */
export function midasWeights(file: NamedTensors): Map<string, Float32Array> {
  const { tensors } = stateDict(file.tensors);
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of midasParameters) {
    const fail = (found: string) =>
      new DataError(
        `Cannot take MiDaS from "${file.name}": "${name}" ${found}; ` +
          `wanted ${midasFile.title}, ${midasFile.files[0]}: ${midasFile.url}`,
      );
    values.set(name, requireWeight(tensors.get(name), shape, fail));
  }
  return values;
}
