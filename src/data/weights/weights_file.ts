import { DataError, readFile } from "../files.ts";
import { sha256 } from "../sha256.ts";
import { decodePth, type PthValue } from "./pth.ts";
import { decodeSafetensors, type SafetensorsTensor } from "../formats/safetensors.ts";

/** A tensor of a weights file, row-major; `toFloat32` gives numbers of every element type. */
export type NamedWeights = SafetensorsTensor;

/** What a weights file holds, whatever its format. */
export interface WeightsFile {
  /** By name; in PyTorch files by path (`network_fn_d_state_dict/mlp_static.lin_in.weight`). */
  readonly tensors: Map<string, NamedWeights>;
  /** What is no tensor: plain values of a PyTorch file, metadata of a safetensors file. */
  readonly values: Map<string, PthValue>;
  /** Objects of a PyTorch file that are not known here and are left out, by path: `args` → `argparse.Namespace`. */
  readonly unknown?: ReadonlyMap<string, string>;
  /** The container: PyTorch's of 1.4 and later, the one before, or safetensors. */
  readonly format: "zip" | "legacy" | "safetensors";
  /** SHA-256 of the file, 64 hexadecimal digits. */
  readonly sha256: string;
}

/**
 * Decodes a PyTorch or safetensors file, told apart by content.
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are neither, or are damaged.
 */
export function decodeWeights(bytes: Uint8Array, name: string): Omit<WeightsFile, "sha256"> {
  const text = (from: number, to: number) =>
    new TextDecoder("latin1").decode(bytes.subarray(from, to));
  if (text(0, 2) === "PK" || (bytes[0] === 0x80 && text(8, 9) !== "{")) {
    return decodePth(bytes, name);
  }
  if (text(8, 9) === "{") {
    const { tensors, metadata } = decodeSafetensors(bytes, name);
    return { tensors, values: new Map(Object.entries(metadata)), format: "safetensors" };
  }
  const found = text(257, 262) === "ustar"
    ? "a tar archive, as PyTorch wrote before 0.1.10; load and save it with a later one"
    : `${bytes.length} bytes that begin with ${JSON.stringify(text(0, 16))}; download it again`;
  throw new DataError(
    `Cannot read "${name}": it is neither a PyTorch nor a safetensors file, found ${found}`,
  );
}

/**
 * Loads a PyTorch (`.pth`, `.pt`, `.tar`) or safetensors file, told apart by content and not by name.
 *
 * @throws {DataError} If it cannot be read, is neither, or is damaged.
 *
 * @example List the tensors of a PyTorch file
 * ```ts
 * import { loadWeightsFile } from "./mod.ts";
 *
 * const { tensors } = await loadWeightsFile("raft-things.pth");
 * for (const [name, { dtype, shape }] of tensors) console.log(name, dtype, shape);
 * ```
 */
export async function loadWeightsFile(path: string): Promise<WeightsFile> {
  const bytes = await readFile(path);
  return { ...decodeWeights(bytes, path), sha256: await sha256(bytes) };
}
