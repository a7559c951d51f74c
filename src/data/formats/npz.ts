// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { DataError, readFile } from "../files.ts";
import { decodeNpy, encodeNpy, type NpyData, type NpyDtype } from "./npy.ts";
import { encodeZip, openZip } from "./zip.ts";

/** An opened `.npz` archive; its arrays are decoded when they are asked for. */
export interface Npz {
  /** Names of the arrays, in the archive's order. */
  readonly names: string[];
  /**
   * Decodes one array.
   *
   * @throws {DataError} If it is missing, damaged, or of another element type than `wanted`.
   */
  array<D extends NpyDtype>(name: string, wanted: readonly D[]): NdArray<NpyData[D]>;
}

const KIND = { what: ".npz archive", remedy: "save it with numpy.savez_compressed" };

/** Whether bytes start like an `.npz` archive. */
export function isNpz(bytes: Uint8Array): boolean {
  return [0x50, 0x4b, 0x03, 0x04].every((byte, i) => bytes[i] === byte); // "PK", as zip files do
}

/**
 * Opens an `.npz` archive (a zip file of `.npy` files, stored or deflated).
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are no zip archive, are cut short, or use another compression.
 */
export function openNpz(bytes: Uint8Array, name: string): Npz {
  const zip = openZip(bytes, name, KIND);
  const arrays = [...zip.entries].filter(([file]) => file.endsWith(".npy"));
  const entries = new Map(arrays.map(([file, entry]) => [file.slice(0, -4), entry]));
  return {
    names: [...entries.keys()],
    array(key, wanted) {
      const entry = entries.get(key);
      if (entry === undefined) {
        throw new DataError(
          `Cannot read "${name}": there is no array "${key}" in it, ` +
            `found ${[...entries.keys()].map((found) => `"${found}"`).join(", ") || "none"}`,
        );
      }
      const label = `${name}[${key}]`;
      return decodeNpy(zip.extract(entry, label), label, wanted);
    },
  };
}

/** Reads an `.npz` archive: {@linkcode openNpz} of its bytes. */
export async function readNpz(path: string, remedy?: string): Promise<Npz> {
  return openNpz(await readFile(path, remedy), path);
}

/** Encodes arrays as a deflated `.npz` archive; equal arrays give equal bytes. */
export function encodeNpz(
  arrays: Record<string, { array: NdArray<NpyData[NpyDtype]>; dtype: NpyDtype }>,
): Uint8Array<ArrayBuffer> {
  const files: Record<string, Uint8Array> = {};
  for (const [name, { array, dtype }] of Object.entries(arrays)) {
    files[`${name}.npy`] = encodeNpy(array, dtype);
  }
  return encodeZip(files);
}
