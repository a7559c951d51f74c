/**
 * Weights from one file format to another: safetensors, and PyTorch's state_dict.
 *
 * A state_dict has nothing but tensors. So a safetensors file's metadata (of our checkpoints: recipe, stage, step) becomes an
 * entry `__metadata__` in it, the bytes of a JSON object, and metadata again on the way back.
 *
 * @module
 */
import { DataError } from "../data_error.ts";
import { encodePth } from "./encode_pth.ts";
import { encodeSafetensors, type SafetensorsTensor } from "../formats/safetensors.ts";
import type { PthTensor } from "./pth.ts";
import { aliasOf, stateDict } from "./weight_names.ts";
import type { WeightsFile } from "./weights_file.ts";

/** A file's tensors and what it says beside them. */
export type Weights = Pick<WeightsFile, "tensors" | "values" | "format">;

/** A file in another format. */
export interface ConvertedWeights {
  /** The new file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Tensors that the new file has. */
  readonly tensors: number;
  /** What did not come along, or came in addition, a line each. */
  readonly notes: readonly string[];
}

const METADATA = "__metadata__";

/**
 * Makes a safetensors file: of a PyTorch file its network, without the repeated tensors of the authors' checkpoints; plain
 * values beside the network become metadata.
 *
 * @param name Where the weights came from, for messages.
 * @throws {DataError} If an entry `__metadata__` is not what {@linkcode toStateDict} writes.
 */
export function toSafetensors(file: Weights, name: string): ConvertedWeights {
  const { tensors, leftOut } = stateDict(file.tensors);
  const notes = [...leftOut].map(([container, count]) => `left out: ${count} in "${container}"`);
  const kept = [...tensors].filter(([name]) => name !== METADATA && !isRepeated(name, tensors));
  const entry = tensors.get(METADATA);
  const repeated = tensors.size - kept.length - (entry ? 1 : 0);
  if (repeated > 0) notes.push(`left out: ${repeated} other names of the same tensors`);
  const plain = [...file.values].filter(([path]) => !path.includes("/"));
  const metadata = entry ? readMetadata(entry, name) : Object.fromEntries(
    plain.map(([path, value]) => [path, String(value)]),
  );
  return { bytes: encodeSafetensors(new Map(kept), metadata), tensors: kept.length, notes };
}

/**
 * Makes a PyTorch file that `torch.load` reads as one flat state_dict, of a file's tensors and its metadata.
 *
 * @param name Where the weights came from, for messages.
 * @throws {DataError} If a tensor has an element type that PyTorch lacks.
 */
export function toStateDict(file: Weights, name: string): ConvertedWeights {
  const { tensors, leftOut } = file.format === "safetensors"
    ? { tensors: file.tensors, leftOut: [] } // its names are flat
    : stateDict(file.tensors);
  const notes = [...leftOut].map(([container, count]) => `left out: ${count} in "${container}"`);
  const all = new Map([...tensors].map(([key, tensor]) => [key, asPth(key, tensor, name)]));
  const metadata = file.format === "safetensors" ? Object.fromEntries(file.values) : {};
  if (Object.keys(metadata).some((key) => key !== "format")) { // of a foreign file that is all: "pt"
    const data = new TextEncoder().encode(JSON.stringify(metadata));
    all.set(METADATA, { dtype: "U8", shape: [data.length], data });
    notes.push(`its metadata is the entry "${METADATA}", JSON in UTF-8`);
  }
  return { bytes: encodePth(all), tensors: all.size, notes };
}

/** Whether a name of the authors' state_dict repeats a tensor that is there. */
function isRepeated(name: string, tensors: ReadonlyMap<string, unknown>): boolean {
  const of = aliasOf(name);
  return of !== undefined && tensors.has(of);
}

/**
 * A tensor as PyTorch can hold it.
 *
 * @throws {DataError} If it lacks the element type.
 */
export function asPth(key: string, tensor: SafetensorsTensor, name: string): PthTensor {
  if (tensor.dtype !== "U16" && tensor.dtype !== "U32" && tensor.dtype !== "U64") return tensor;
  throw new DataError(
    `Cannot write "${name}" as a PyTorch file: tensor "${key}" has dtype ${tensor.dtype}, which PyTorch lacks; ` +
      "convert it to I64",
  );
}

function readMetadata({ dtype, data }: SafetensorsTensor, name: string): Record<string, string> {
  try {
    if (dtype !== "U8") throw new TypeError(`its dtype is ${dtype}, wanted U8`);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data);
    const found: unknown = JSON.parse(text);
    if (typeof found !== "object" || found === null || Array.isArray(found)) {
      throw new TypeError("it is no JSON object");
    }
    if (!Object.values(found).every((value) => typeof value === "string")) {
      throw new TypeError("it has values that are no texts");
    }
    return found as Record<string, string>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(`Cannot read "${METADATA}" of "${name}": ${reason}; remove the entry`);
  }
}
