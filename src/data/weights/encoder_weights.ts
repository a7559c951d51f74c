/**
 * Weights of the encoders from files that people have: MMAction2's SlowOnly, torchvision's ResNet-18, the authors'
 * checkpoints, and our own.
 *
 * @module
 */
import { DataError } from "../data_error.ts";
import { toFloat32 } from "./half.ts";
import type { SafetensorsTensor } from "../formats/safetensors.ts";
import { firstWeight, matchWeights, stateDict, type WantedWeight } from "./weight_names.ts";

/** One of the two encoders. */
export type EncoderKind = "video" | "image";

/** Weights from a file. */
export interface EncoderFile {
  /** The file's path or name, for messages. */
  readonly name: string;
  /** By path in the file: `state_dict/backbone.conv1.conv.weight`, or the name alone. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}

/** Where the official weights of an encoder are to be had. */
export interface OfficialWeights {
  /** What they are. */
  readonly title: string;
  /** Names that their file has had, the newest first. */
  readonly files: readonly string[];
  /** Address of the newest. */
  readonly url: string;
  /** Channels of the first layer. */
  readonly width: number;
}

const slowOnly = "slowonly_imagenet_pretrained_r50_8x8x1_150e_kinetics400_rgb";

/** The official weights of both encoders. */
export const officialWeights: Readonly<Record<EncoderKind, OfficialWeights>> = {
  video: {
    title: "MMAction2's SlowOnly",
    files: [`${slowOnly}_20200912-3f9ce182.pth`],
    url: "https://download.openmmlab.com/mmaction/recognition/slowonly/" +
      `${slowOnly}/${slowOnly}_20200912-3f9ce182.pth`,
    width: 64,
  },
  image: {
    title: "torchvision's ResNet-18",
    files: ["resnet18-f37072fd.pth", "resnet18-5c106cde.pth"],
    url: "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    width: 64,
  },
};

/**
 * The width of the encoder that a file holds: its first layer's channels.
 *
 * @throws {DataError} If the file has no such encoder.
 */
export function encoderWidth(kind: EncoderKind, { name, tensors }: EncoderFile): number {
  const state = stateDict(tensors).tensors;
  const first = firstWeight(kind, state);
  if (first && first.shape.length > 0) return first.shape[0];
  const other = kind === "video" ? "image" : "video";
  const has = firstWeight(other, state)
    ? `it has an ${other} encoder; name it by --${other}-encoder`
    : `it has ${some([...state.keys()]) || "no tensors"}`;
  throw new DataError(
    `Cannot take the ${kind} encoder from "${name}": ${has}; wanted ${
      officialWeights[kind].title
    }, ` +
      `as from ${officialWeights[kind].url}`,
  );
}

/**
 * Takes an encoder's parameters from a file, as float32 under their official names: from MMAction2's or torchvision's file,
 * from a checkpoint of the authors or of ours.
 *
 * Left aside are classifiers, counters of batches, and the last layer of a ResNet-18. A two-dimensional kernel is taken for a
 * three-dimensional one that sees one frame.
 *
 * @param wanted The encoder's parameters at the width of the file.
 * @throws {DataError} If the file does not fit; the message lists what is missing, unexpected, and of another shape.
 */
export function encoderWeights(
  kind: EncoderKind,
  file: EncoderFile,
  wanted: readonly WantedWeight[],
): Map<string, Float32Array> {
  const { tensors } = stateDict(file.tensors);
  const { matched, missing, misshapen, unexpected } = matchWeights(kind, tensors, wanted);
  const shape = (sizes: readonly number[]) => `(${sizes.join(", ")})`;
  const lists: [string, string[]][] = [
    ["missing", missing.map(({ name, shape: wanted }) => `${name} ${shape(wanted)}`)],
    ["unexpected", unexpected.map((name) => `${name} ${shape(tensors.get(name)!.shape)}`)],
    [
      "of another shape",
      misshapen.map((one) => `${one.name} is ${shape(one.found)}, wanted ${shape(one.shape)}`),
    ],
  ];
  const found = lists.filter(([, names]) => names.length > 0);
  if (found.length > 0) {
    const lines = found.map(([what, names]) => `\n  ${names.length} ${what}: ${some(names)}`);
    throw new DataError(
      `Cannot take the ${kind} encoder from "${file.name}": it is not ${
        officialWeights[kind].title
      }${lines.join("")}\nTake the file from ${officialWeights[kind].url}`,
    );
  }
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of matched) {
    const numbers = toFloat32(tensor);
    const bad = numbers.find((value) => !Number.isFinite(value));
    if (bad !== undefined) {
      throw new DataError(
        `Cannot take the ${kind} encoder from "${file.name}": "${name}" holds ${bad}, wanted numbers; ` +
          `take the file from ${officialWeights[kind].url}`,
      );
    }
    values.set(name, numbers);
  }
  return values;
}

/** The first few of a list. */
function some(names: readonly string[], few = 3): string {
  const more = names.length > few ? ` and ${names.length - few} more` : "";
  return names.slice(0, few).join(", ") + more;
}
