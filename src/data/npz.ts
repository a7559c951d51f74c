import { inflateSync, type Zippable, zipSync } from "npm:fflate@0.8.3";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { DataError, readFile } from "./files.ts";
import { decodeNpy, encodeNpy, type NpyData, type NpyDtype } from "./npy.ts";

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

interface Entry {
  method: number;
  crc: number;
  packedBytes: number;
  bytes: number;
  localHeader: number;
}

// The archive's directory is read here and not by fflate's unzipSync, which allocates whatever size an
// entry claims and checks neither sizes nor checksums.

/**
 * Opens an `.npz` archive (a zip file of `.npy` files, stored or deflated).
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are no zip archive, are cut short, or use another compression.
 */
export function openNpz(bytes: Uint8Array, name: string): Npz {
  const entries = readDirectory(bytes, name);
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
      return decodeNpy(extract(bytes, entry, `${name}[${key}]`), `${name}[${key}]`, wanted);
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
  const files: Zippable = {};
  for (const [name, { array, dtype }] of Object.entries(arrays)) {
    files[`${name}.npy`] = encodeNpy(array, dtype);
  }
  return zipSync(files, { level: 6, mtime: new Date(1980, 0, 1) });
}

const END_OF_DIRECTORY = 0x06054b50, DIRECTORY_ENTRY = 0x02014b50, LOCAL_HEADER = 0x04034b50;

function readDirectory(bytes: Uint8Array, name: string): Map<string, Entry> {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The end record is 22 bytes and a comment of at most 65535.
  const lowest = Math.max(0, bytes.length - 22 - 65535);
  let end = bytes.length - 22;
  while (end >= lowest && view.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < lowest) {
    throw fail(
      "it is no .npz archive or is cut short; copy it again or save it with numpy.savez_compressed",
    );
  }
  const entries = new Map<string, Entry>();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (at + 46 > end || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      throw fail("its directory is damaged; copy it again");
    }
    const entry: Entry = {
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      localHeader: view.getUint32(at + 42, true),
    };
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) +
      view.getUint16(at + 32, true);
    if (next > end) throw fail("its directory is damaged; copy it again");
    const key = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (key.endsWith(".npy")) entries.set(key.slice(0, -4), entry);
    at = next;
  }
  return entries;
}

/** Largest ratio that deflate can reach: 258 bytes from 2 bits. */
const MOST_INFLATION = 1032;

function extract(archive: Uint8Array, entry: Entry, name: string): Uint8Array {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const { localHeader: at, packedBytes } = entry;
  if (at + 30 > archive.length || view.getUint32(at, true) !== LOCAL_HEADER) {
    throw fail("its entry in the archive is damaged; copy the file again");
  }
  const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (start + packedBytes > archive.length || entry.bytes > packedBytes * MOST_INFLATION) {
    throw fail("the size that the archive gives cannot be true; copy the file again");
  }
  const packed = archive.subarray(start, start + packedBytes);
  let bytes: Uint8Array;
  if (entry.method === 0) {
    bytes = packed;
  } else if (entry.method === 8) {
    try {
      bytes = inflateSync(packed, { out: new Uint8Array(entry.bytes) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw fail(`its compressed data is damaged (${message}); copy the file again`);
    }
  } else {
    throw fail(
      `compression method is ${entry.method}, wanted stored or deflated; ` +
        "save it with numpy.savez_compressed",
    );
  }
  if (bytes.length !== entry.bytes || crc32(bytes) !== entry.crc) {
    throw fail("its checksum does not match; copy the file again");
  }
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** Checksum of a zip entry: CRC-32, polynomial 0xEDB88320, reflected. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
