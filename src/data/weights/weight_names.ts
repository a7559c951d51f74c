/**
 * Names of weights in files: which container of a file is the network, and what of it a part of our network takes.
 *
 * @module
 */

/** A tensor, of which only the shape matters here. */
export interface Shaped {
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
}

/** A parameter that a part of the network wants. */
export interface WantedWeight extends Shaped {
  /** The official name. */
  readonly name: string;
}

/** The tensors of one network in a file. */
export interface StateDict<T> {
  /** What they stand in: `network_fn_d_state_dict`; empty where the file is nothing but the network. */
  readonly container: string;
  /** By name in the container. */
  readonly tensors: Map<string, T>;
  /** Tensors in each of the file's other containers. */
  readonly leftOut: Map<string, number>;
}

/**
 * The network in a file: of its containers the one with the most tensors (an optimizer's are no network), the first of
 * equals; without what wrappers put before all names: `module.` of `DataParallel`, `_orig_mod.` of `torch.compile`, `model.`.
 *
 * @param tensors By path: `state_dict/backbone.conv1.conv.weight`, or the name alone.
 */
export function stateDict<T>(tensors: ReadonlyMap<string, T>): StateDict<T> {
  const containers = new Map<string, Map<string, T>>();
  for (const [path, tensor] of tensors) {
    const at = path.lastIndexOf("/");
    const container = path.slice(0, Math.max(0, at));
    if (!containers.has(container)) containers.set(container, new Map());
    containers.get(container)!.set(path.slice(at + 1), tensor);
  }
  let container = "", found = new Map<string, T>();
  for (const [name, members] of containers) {
    if (/(^|\/)optimizer/.test(name) || members.size <= found.size) continue;
    [container, found] = [name, members];
  }
  found = unwrapped(found);
  const leftOut = new Map<string, number>();
  for (const [name, { size }] of containers) {
    const top = name.split("/")[0];
    if (name !== container) leftOut.set(top, (leftOut.get(top) ?? 0) + size);
  }
  return {
    container,
    tensors: found,
    leftOut,
  };
}

/** What `DataParallel`, `torch.compile` and Lightning's modules put before all names, one around the other. */
const WRAPPERS = ["module.", "_orig_mod.", "model."];

/** Tensors without what wrappers put before all their names; `torch.compile` of a part stands within the names. */
function unwrapped<T>(tensors: Map<string, T>): Map<string, T> {
  const plain = new Map([...tensors].map(([name, tensor]) => [
    name.replaceAll(/(^|\.)_orig_mod\./g, "$1"),
    tensor,
  ]));
  let found = plain.size === tensors.size ? plain : tensors;
  for (;;) {
    const wrapper = WRAPPERS.find((prefix) =>
      found.size > 0 && [...found.keys()].every((name) => name.startsWith(prefix))
    );
    if (wrapper === undefined) return found;
    found = new Map([...found].map(([name, tensor]) => [name.slice(wrapper.length), tensor]));
  }
}

/** Modules of the authors' network that stand for parts of `mlp_dynamic` and repeat their tensors in its state_dict. */
const aliases: readonly { readonly of: string; readonly names: readonly string[] }[] = [
  { of: "mlp_dynamic.lin_in.", names: ["flow_net.0.", "mlp_dynamic.vector_field.fc_p."] },
  {
    of: "mlp_dynamic.global_blocks.",
    names: ["flow_net.block", "blocks.", "global_blocks.", "mlp_dynamic.vector_field.blocks."],
  },
  { of: "mlp_dynamic.lin_global_z.", names: ["lin_global_z.", "mlp_dynamic.vector_field.fc_c."] },
  { of: "mlp_dynamic.sf_linear.", names: ["flow_fc.", "mlp_dynamic.vector_field.fc_out."] },
];

/** The parameter that a name of the authors' state_dict is another name of: `flow_fc.bias` → `mlp_dynamic.sf_linear.bias`. */
export function aliasOf(name: string): string | undefined {
  for (const { of, names } of aliases) {
    const alias = names.find((alias) => name.startsWith(alias));
    if (alias !== undefined) return of + name.slice(alias.length);
  }
}

/** The other names of a parameter in the authors' state_dict: `mlp_dynamic.sf_linear.bias` → `flow_fc.bias`, … */
export function aliasesOf(name: string): string[] {
  return aliases.filter(({ of }) => name.startsWith(of))
    .flatMap(({ of, names }) => names.map((alias) => alias + name.slice(of.length)));
}

/** A part of the network. */
export type NetworkPart = "video" | "image" | "dynamic" | "static" | "depth" | "flow";

/** Where files keep a part of the network. */
interface PartNames {
  /** Before its names in the official state_dict. */
  readonly prefix: string;
  /** Before them in other files. */
  readonly otherPrefixes: readonly string[];
  /** The parameter that every such part has. */
  readonly first: string;
  /** What stands beside the parameters and is of no use to us. */
  readonly unused: RegExp;
}

const parts: Readonly<Record<NetworkPart, PartNames>> = {
  video: { // MMAction2's recognizer, or its backbone alone
    prefix: "encoder.model.backbone.",
    otherPrefixes: ["model.backbone.", "backbone.", ""],
    first: "conv1.conv.weight",
    unused: /^cls_head\.|\.num_batches_tracked$/,
  },
  image: { // torchvision's ResNet-18
    prefix: "encoder2d.features.",
    otherPrefixes: ["features.", ""],
    first: "conv1.weight",
    unused: /^(layer4|fc)\.|\.num_batches_tracked$/,
  },
  dynamic: { prefix: "mlp_dynamic.", otherPrefixes: [], first: "lin_in.weight", unused: /^$/ },
  static: { prefix: "mlp_static.", otherPrefixes: [], first: "lin_in.weight", unused: /^$/ },
  flow: { // RAFT, a network of its own
    prefix: "",
    otherPrefixes: [],
    first: "fnet.conv1.weight",
    unused: /\.downsample\.1\.|\.num_batches_tracked$/,
  },
  depth: { // MiDaS, a network of its own
    prefix: "",
    otherPrefixes: [],
    first: "pretrained.layer1.0.weight",
    unused: /^scratch\.refinenet4\.resConfUnit1\.|\.num_batches_tracked$/,
  },
};

/** What a state_dict has of a part of the network; names are those of the state_dict. */
export interface WeightMatch<T> {
  /** By official name. */
  readonly matched: Map<string, T>;
  /** What is wanted and is not there. */
  readonly missing: readonly WantedWeight[];
  /** What is there in another shape than wanted. */
  readonly misshapen: readonly (WantedWeight & { readonly found: readonly number[] })[];
  /** What is there and not wanted. */
  readonly unexpected: readonly string[];
  /** What is there and known to be of no use: counters, a last layer, other names of the same tensors. */
  readonly unused: readonly string[];
}

/** The parameter that tells the size of a part; undefined where the state_dict does not have the part. */
export function firstWeight<T extends Shaped>(
  part: NetworkPart,
  tensors: ReadonlyMap<string, T>,
): T | undefined {
  const prefix = prefixIn(part, tensors);
  return prefix === undefined ? undefined : tensors.get(prefix + parts[part].first);
}

/**
 * Finds the parameters of a part of the network in a state_dict.
 *
 * A two-dimensional kernel is taken for a three-dimensional one that sees one frame, as MMAction2 does; else shapes must
 * be those wanted.
 *
 * @param wanted The part's parameters under their official names.
 */
export function matchWeights<T extends Shaped>(
  part: NetworkPart,
  tensors: ReadonlyMap<string, T>,
  wanted: readonly WantedWeight[],
): WeightMatch<T> {
  const { prefix: official, unused } = parts[part];
  const prefix = prefixIn(part, tensors) ?? official;
  const match = {
    matched: new Map<string, T>(),
    missing: [] as WantedWeight[],
    misshapen: [] as (WantedWeight & { found: readonly number[] })[],
    unexpected: [] as string[],
    unused: [] as string[],
  };
  const known = new Set<string>();
  for (const { name, shape } of wanted) {
    const key = prefix + name.slice(official.length);
    const tensor = tensors.get(key);
    known.add(key);
    if (!tensor) match.missing.push({ name: key, shape });
    else if (!fits(tensor.shape, shape)) {
      match.misshapen.push({ name: key, shape, found: tensor.shape });
    } else match.matched.set(name, tensor);
  }
  for (const key of tensors.keys()) {
    if (known.has(key) || !key.startsWith(prefix)) continue;
    const spare = unused.test(key.slice(prefix.length)) || aliasOf(key) !== undefined;
    (spare ? match.unused : match.unexpected).push(key);
  }
  return match;
}

/** What stands before a part's names in a state_dict; undefined where it does not have the part. */
export function prefixIn(
  part: NetworkPart,
  tensors: ReadonlyMap<string, unknown>,
): string | undefined {
  const { prefix, otherPrefixes, first } = parts[part];
  return [prefix, ...otherPrefixes].find((prefix) => tensors.has(prefix + first));
}

function fits(found: readonly number[], wanted: readonly number[]): boolean {
  const inflated = wanted.length === 5 && wanted[2] === 1 && found.length === 4
    ? wanted.toSpliced(2, 1)
    : wanted;
  return `${found}` === `${inflated}`;
}
