/**
 * Zip archives: the directory, and entries that are stored or deflated, with sizes and checksums checked before anything
 * is believed.
 *
 * The directory is read here and not by fflate's `unzipSync`, which allocates whatever size an entry claims, checks neither
 * sizes nor checksums, and knows nothing of names that come twice; inflating and writing are fflate's.
 *
 * @module
 */
import { Inflate, type Zippable, zipSync } from "npm:fflate@0.8.3";
import { DataError } from "../files.ts";
import { shown } from "../shown.ts";

/** A file in an archive, as its directory describes it. */
export interface ZipEntry {
  /** 0 = stored, 8 = deflated. */
  readonly method: number;
  /** CRC-32 of the contents. */
  readonly crc: number;
  /** Bytes in the archive. */
  readonly packedBytes: number;
  /** Bytes of the contents. */
  readonly bytes: number;
  /** Where its local header begins. */
  readonly localHeader: number;
}

/** An opened archive; its entries are unpacked when they are asked for. */
export interface Zip {
  /** By name, in the directory's order. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /**
   * Unpacks one entry; a stored one is a view of the archive's bytes.
   *
   * @param label What it is, for messages.
   * @throws {DataError} If it is damaged, or is not as large as the directory says.
   */
  extract(entry: ZipEntry, label: string): Uint8Array;
}

/** What kind of archive is wanted, and how to make a good one: for messages. */
export interface ZipKind {
  /** `a .npz archive` */
  readonly what: string;
  /** `save it with numpy.savez_compressed` */
  readonly remedy: string;
}

const END_OF_DIRECTORY = 0x06054b50, DIRECTORY_ENTRY = 0x02014b50, LOCAL_HEADER = 0x04034b50;
const END64 = 0x06064b50, END64_LOCATOR = 0x07064b50, EXTRA64 = 1;
const MOST_ENTRIES = 2 ** 18;
const FULL16 = 0xffff, FULL32 = 0xffffffff; // "see the 64-bit field"

/**
 * Opens an archive; ZIP64 too.
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are no zip archive, are cut short, or name an entry twice.
 */
export function openZip(bytes: Uint8Array, name: string, kind: ZipKind): Zip {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const damaged = () => fail("its directory is damaged; copy it again");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { end, count, start } = findDirectory(view) ??
    raise(fail(`it is no ${kind.what} or is cut short; copy it again or ${kind.remedy}`));

  if (count > MOST_ENTRIES) {
    throw fail(`it has ${count} entries, wanted at most ${MOST_ENTRIES}; ${kind.remedy}`);
  }

  const entries = new Map<string, ZipEntry>();
  const text = new TextDecoder();
  let at = start, packedBytes = 0;
  for (let left = count; left > 0; left--) {
    if (at + 46 > end || view.getUint32(at, true) !== DIRECTORY_ENTRY) throw damaged();
    const extra = at + 46 + view.getUint16(at + 28, true);
    const comment = extra + view.getUint16(at + 30, true);
    const next = comment + view.getUint16(at + 32, true);
    if (next > end) throw damaged();
    const wide = wideFields(view, extra, comment);
    const size = (value: number) => value === FULL32 ? wide() ?? raise(damaged()) : value;
    const key = text.decode(bytes.subarray(at + 46, extra));
    if (entries.has(key)) throw fail(`two entries are named "${shown(key)}"; ${kind.remedy}`);
    const entry = {
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      // in the order of the 64-bit fields
      bytes: size(view.getUint32(at + 24, true)),
      packedBytes: size(view.getUint32(at + 20, true)),
      localHeader: size(view.getUint32(at + 42, true)),
    };
    entries.set(key, entry);
    packedBytes += entry.packedBytes;
    if (packedBytes > start) throw fail("the sizes in its directory cannot be true; copy it again");
    at = next;
  }
  return { entries, extract: (entry, label) => extract(bytes, entry, label, kind) };
}

/** Encodes files as a deflated archive; equal files give equal bytes. */
export function encodeZip(files: Record<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  return zipSync(files, { level: 6, mtime: EPOCH });
}

/**
 * Encodes files as an archive of stored entries whose contents begin at multiples of 64 bytes, as PyTorch lays them
 * out; equal files give equal bytes.
 *
 * @throws {RangeError} If there are more than 65535 files or more than 4 GiB.
 */
export function encodeStoredZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const aligned: Zippable = {};
  let at = 0;
  for (const [name, contents] of files) {
    const start = at + 30 + new TextEncoder().encode(name).length + 4; // local header, name, head of the padding
    const padding = new Uint8Array(-start & 63);
    aligned[name] = [contents, { level: 0, mtime: EPOCH, extra: { [PADDING]: padding } }];
    at = start + padding.length + contents.length;
  }
  if (files.size > FULL16 || at > FULL32) {
    throw new RangeError(
      `Cannot encode ${files.size} files of ${at} bytes as a zip archive: ` +
        `wanted at most ${FULL16} and ${FULL32}; use safetensors`,
    );
  }
  return zipSync(aligned);
}

const EPOCH = new Date(1980, 0, 1);
const PADDING = 0x4246; // "FB", PyTorch's own

interface Directory {
  start: number;
  /** Entries end before this. */
  end: number;
  count: number;
}

function findDirectory(view: DataView): Directory | undefined {
  // The end record is 22 bytes and a comment of at most 65535.
  const lowest = Math.max(0, view.byteLength - 22 - 65535);
  let end = view.byteLength - 22;
  while (end >= lowest && view.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < lowest) return undefined;
  const count = view.getUint16(end + 10, true), start = view.getUint32(end + 16, true);
  const wide = count === FULL16 || start === FULL32;
  if (!wide || end < 20 || view.getUint32(end - 20, true) !== END64_LOCATOR) {
    return { start, end, count };
  }
  const at = Number(view.getBigUint64(end - 12, true));
  if (at + 56 > end || view.getUint32(at, true) !== END64) return undefined;
  return {
    start: Number(view.getBigUint64(at + 48, true)),
    end: at,
    count: Number(view.getBigUint64(at + 32, true)),
  };
}

/** The 64-bit numbers of an entry's extra field, one a call. */
function wideFields(view: DataView, from: number, to: number): () => number | undefined {
  let at = from, end = from;
  const find = () => {
    for (let next = from; next + 4 <= to;) {
      const id = view.getUint16(next, true);
      const stop = next + 4 + view.getUint16(next + 2, true);
      if (id === EXTRA64) [at, end] = [next + 4, Math.min(stop, to)];
      next = stop;
    }
  };
  return () => {
    if (at === from) find();
    if (at + 8 > end) return undefined;
    at += 8;
    return Number(view.getBigUint64(at - 8, true));
  };
}

/** Largest ratio that deflate can reach: 258 bytes from 2 bits. */
const MOST_INFLATION = 1032;

function extract(archive: Uint8Array, entry: ZipEntry, name: string, kind: ZipKind): Uint8Array {
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
      bytes = inflate(packed, entry.bytes);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw fail(`its compressed data is damaged (${message}); copy the file again`);
    }
  } else {
    throw fail(
      `compression method is ${entry.method}, wanted stored or deflated; ${kind.remedy}`,
    );
  }
  if (bytes.length !== entry.bytes || crc32(bytes) !== entry.crc) {
    throw fail("its checksum does not match; copy the file again");
  }
  return bytes;
}

const PIECE = 1 << 14; // inflates to at most 16.5 MB

/** Inflates to a known size, piece by piece: data that goes on beyond it stops there. */
function inflate(packed: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let end = 0;
  const stream = new Inflate((piece) => {
    if (end + piece.length > size) throw new Error("it is larger than the archive says");
    bytes.set(piece, end);
    end += piece.length;
  });
  for (let at = 0; at < packed.length; at += PIECE) {
    stream.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.length);
  }
  return bytes.subarray(0, end);
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

function raise(error: Error): never {
  throw error;
}
