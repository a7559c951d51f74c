/**
 * Weights of LPIPS (Zhang et al. 2018, version 0.1 on AlexNet) from the files that people have: torchvision's AlexNet, and
 * the linear heads of the `lpips` package.
 *
 * @module
 */
import { DataError } from "../data_error.ts";
import { type NamedTensors, requireWeight } from "./named_tensors.ts";
import { stateDict, type WantedWeight } from "./weight_names.ts";

/** A part of the weights, and where its file is to be had. */
export interface LpipsFile {
  /** What it is. */
  readonly title: string;
  /** Names that the file has had, the newest first. */
  readonly files: readonly string[];
  /** Address of the newest. */
  readonly url: string;
}

/** The two files of LPIPS. */
export const lpipsFiles: Readonly<Record<"network" | "heads", LpipsFile>> = {
  network: {
    title: "torchvision's AlexNet",
    files: ["alexnet-owt-7be5be79.pth", "alexnet-owt-4df8aa71.pth"],
    url: "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
  },
  heads: {
    title: "the lpips package's heads",
    files: ["lpips-alex.pth", "alex.pth"],
    url: "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/alex.pth",
  },
};

/** A convolution of AlexNet's trunk. */
export interface AlexNetLayer {
  /** Number in torchvision's `features`. */
  readonly index: number;
  /** Its inputs. */
  readonly channels: number;
  /** Its outputs. */
  readonly outputs: number;
  /** Rows and columns of its kernel. */
  readonly kernel: number;
  /** Pixels between outputs. */
  readonly stride: number;
  /** Rows and columns of zeros around its input. */
  readonly padding: number;
}

/** The trunk: each convolution is followed by a ReLU, and the second and third see max-pooled maps. */
export const alexNetLayers: readonly AlexNetLayer[] = [
  { index: 0, channels: 3, outputs: 64, kernel: 11, stride: 4, padding: 2 },
  { index: 3, channels: 64, outputs: 192, kernel: 5, stride: 1, padding: 2 },
  { index: 6, channels: 192, outputs: 384, kernel: 3, stride: 1, padding: 1 },
  { index: 8, channels: 384, outputs: 256, kernel: 3, stride: 1, padding: 1 },
  { index: 10, channels: 256, outputs: 256, kernel: 3, stride: 1, padding: 1 },
];

/** Every weight of LPIPS under its official name: `features.0.weight` of the network, `lin0.model.1.weight` of the heads. */
export const lpipsParameters: readonly WantedWeight[] = alexNetLayers.flatMap(
  ({ index, channels, outputs, kernel }, layer) => [
    { name: `features.${index}.weight`, shape: [outputs, channels, kernel, kernel] },
    { name: `features.${index}.bias`, shape: [outputs] },
    { name: `lin${layer}.model.1.weight`, shape: [1, outputs, 1, 1] },
  ],
);

/**
 * Takes the weights of LPIPS from its two files, as float32 under their official names; AlexNet's classifier is left aside.
 *
 * @throws {DataError} If a weight is missing, has another shape or is not finite, or a head is negative; the message names it.
 */
export function lpipsWeights(
  files: Readonly<Record<"network" | "heads", NamedTensors>>,
): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of lpipsParameters) {
    const part = name.startsWith("features.") ? "network" : "heads";
    const { title, url } = lpipsFiles[part];
    const fail = (found: string) =>
      new DataError(
        `Cannot take LPIPS from "${files[part].name}": "${name}" ${found}; ` +
          `wanted ${title}: ${url}`,
      );
    const tensor = stateDict(files[part].tensors).tensors.get(name);
    const numbers = requireWeight(tensor, shape, fail);
    const bad = part === "heads" ? numbers.find((value) => value < 0) : undefined;
    if (bad !== undefined) throw fail(`holds ${bad}`);
    values.set(name, numbers);
  }
  return values;
}
