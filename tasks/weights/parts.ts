/**
 * What a state_dict has of our network, part by part, each at the size that its own tensors tell.
 *
 * @module
 */
import type { SafetensorsTensor } from "../../src/data/formats/safetensors.ts";
import { raftParameters } from "../../src/data/weights/raft_weights.ts";
import { midasParameters } from "../../src/data/weights/midas_weights.ts";
import {
  aliasOf,
  firstWeight,
  matchWeights,
  type NetworkPart,
  prefixIn,
  type WantedWeight,
  type WeightMatch,
} from "../../src/data/weights/weight_names.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import { imageEncoderSpecs } from "../../src/nets/image_encoder.ts";
import { fieldSizes } from "../../src/nets/sizes.ts";
import { full } from "../../src/recipes/recipe.ts";
import { staticFieldSpecs } from "../../src/nets/static_field.ts";
import { videoEncoderSpecs } from "../../src/nets/video_encoder.ts";

type Tensors = ReadonlyMap<string, SafetensorsTensor>;

/** A part of the network in a file. */
export interface FoundPart {
  /** `video encoder` */
  readonly title: string;
  /** Its first layer's outputs. */
  readonly width: number;
  /** Parameters that the part has in all. */
  readonly wanted: number;
  /** What the file has of them. */
  readonly match: WeightMatch<SafetensorsTensor>;
}

/** What a file has of our network. */
export interface FoundNetwork {
  /** The parts that it has. */
  readonly parts: readonly FoundPart[];
  /** Names outside of them, by what they are. */
  readonly others: ReadonlyMap<string, readonly string[]>;
}

const titles: Readonly<Record<NetworkPart, string>> = {
  video: "video encoder",
  image: "image encoder",
  dynamic: "dynamic field",
  static: "static field",
  flow: "RAFT, for optical flow",
  depth: "MiDaS, for depth",
};

/** Looks for each part of our network. */
export function findNetwork(tensors: Tensors): FoundNetwork {
  const parts: FoundPart[] = [], prefixes: string[] = [];
  for (const part of Object.keys(titles) as NetworkPart[]) {
    const first = firstWeight(part, tensors);
    if (!first) continue;
    const [width = 0] = first.shape;
    const specs = specsOf(part, width, tensors);
    const match = matchWeights(part, tensors, specs);
    parts.push({ title: titles[part], width, wanted: specs.length, match });
    prefixes.push(prefixIn(part, tensors)!);
  }
  const others = new Map<string, string[]>();
  for (const name of tensors.keys()) {
    if (prefixes.some((prefix) => name.startsWith(prefix))) continue;
    const kind = kindOf(name);
    others.set(kind, [...others.get(kind) ?? [], name]);
  }
  return { parts, others };
}

/** What a name outside of all parts stands for. */
function kindOf(name: string): string {
  if (aliasOf(name) !== undefined) return "other names of the dynamic field's tensors";
  if (name.startsWith("optimizer.")) return "moments of Adam";
  if (/(^|\.)(cls_head\.|num_batches_tracked$)/.test(name)) return "of no use here";
  return "of no known part";
}

/** The parameters of a part; sizes that the file does not tell are the paper's. */
function specsOf(part: NetworkPart, width: number, tensors: Tensors): readonly WantedWeight[] {
  if (part === "flow") return raftParameters;
  if (part === "depth") return midasParameters;
  if (part === "video") return videoEncoderSpecs({ width });
  if (part === "image") return imageEncoderSpecs({ width });
  const length = (name: string, dimension: number) => tensors.get(name)?.shape[dimension];
  const standard = fieldSizes(full.model);
  const sizes = {
    hidden: width,
    videoChannels: length("mlp_dynamic.lin_z.0.weight", 1) ?? standard.videoChannels,
    imageChannels: length("mlp_static.lin_z.0.weight", 1) ?? standard.imageChannels,
    globalHidden: length("mlp_dynamic.ode_fc.0.weight", 0) ?? standard.globalHidden,
    pooledChannels: length("mlp_dynamic.ode_fc.0.weight", 1) ?? standard.pooledChannels,
    globalCode: length("mlp_dynamic.ode_fc.2.weight", 0) ?? standard.globalCode,
  };
  return part === "dynamic" ? dynamicFieldSpecs(sizes) : staticFieldSpecs(sizes);
}
