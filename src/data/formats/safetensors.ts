import { DataError } from "../files.ts";
import { shown } from "../shown.ts";

/** The array in memory for each element type that can be read and written; `BOOL` is one byte, 0 or 1. */
export interface SafetensorsData {
  /** IEEE 754 half precision, its bits; {@linkcode toFloat32} gives numbers. */
  F16: Uint16Array;
  /** bfloat16, its bits; {@linkcode toFloat32} gives numbers. */
  BF16: Uint16Array;
  /** 32-bit floating point. */
  F32: Float32Array;
  /** 64-bit floating point. */
  F64: Float64Array;
  /** Signed bytes. */
  I8: Int8Array;
  /** Signed 16-bit integers. */
  I16: Int16Array;
  /** Signed 32-bit integers. */
  I32: Int32Array;
  /** Signed 64-bit integers. */
  I64: BigInt64Array<ArrayBuffer>;
  /** Bytes. */
  U8: Uint8Array;
  /** Unsigned 16-bit integers. */
  U16: Uint16Array;
  /** Unsigned 32-bit integers. */
  U32: Uint32Array;
  /** Unsigned 64-bit integers. */
  U64: BigUint64Array<ArrayBuffer>;
  /** Truth values. */
  BOOL: Uint8Array;
}

/** Element type of a stored tensor. */
export type SafetensorsDtype = keyof SafetensorsData;

/** A stored tensor, row-major. */
export type SafetensorsTensor = {
  [D in SafetensorsDtype]: { dtype: D; shape: number[]; data: SafetensorsData[D] };
}[SafetensorsDtype];

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name, in the file's order. */
  tensors: Map<string, SafetensorsTensor>;
  /** What else the file says about itself. */
  metadata: Record<string, string>;
}

/** The typed array of each element type. */
export const tensorViews = {
  F16: Uint16Array,
  BF16: Uint16Array,
  F32: Float32Array,
  F64: Float64Array,
  I8: Int8Array,
  I16: Int16Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
  U64: BigUint64Array,
  BOOL: Uint8Array,
} as const;

const METADATA = "__metadata__";
const MOST_HEADER_BYTES = 2 ** 24; // 100 a tensor are usual; the format allows 100 MB
const MOST_TENSORS = 2 ** 17, MOST_DIMENSIONS = 64;

/**
 * Encodes what comes before the tensors in a safetensors file: header length (8 bytes), and a JSON header padded to 8
 * bytes that places tensors in the map's order without gaps.
 *
 * @param metadata What else the file is to say about itself.
 */
export function encodeSafetensorsHeader(
  tensors: ReadonlyMap<string, Pick<SafetensorsTensor, "dtype" | "shape">>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push([METADATA, metadata]);
  let end = 0;
  for (const [name, { dtype, shape }] of tensors) {
    const start = end;
    end += elements(shape) * tensorViews[dtype].BYTES_PER_ELEMENT;
    header.push([name, { dtype, shape, data_offsets: [start, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const bytes = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
  bytes.set(json, 8);
  return bytes;
}

/**
 * Encodes tensors as a safetensors file: header, then the tensors in the map's order without gaps. Equal contents give
 * equal bytes.
 *
 * @throws {RangeError} If a tensor's data does not have its shape's size.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    if (data.length !== elements(shape)) {
      throw new RangeError(
        `Cannot encode tensor "${name}": shape (${shape.join(", ")}) needs ${
          elements(shape)
        } values, ` +
          `found ${data.length}`,
      );
    }
    size += data.byteLength;
  }
  const header = encodeSafetensorsHeader(tensors, metadata);
  const bytes = new Uint8Array(header.length + size);
  bytes.set(header);
  let at = header.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Decodes a safetensors file.
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are no such file, are cut short or too long, if tensors overlap or leave
 * gaps, or one has an element type other than {@linkcode SafetensorsDtype}.
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): Safetensors {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true));
  if (headerBytes > bytes.length - 8) {
    throw fail("it is no safetensors file or is cut short; copy it or save it again");
  }
  if (headerBytes > MOST_HEADER_BYTES) {
    throw fail(
      `its header has ${headerBytes} bytes, wanted at most ${MOST_HEADER_BYTES}; split it`,
    );
  }
  const start = 8 + headerBytes;
  const names = countNames(bytes.subarray(8, start));
  if (names !== undefined && names > MOST_TENSORS) {
    throw fail(`it has ${names} tensors, wanted at most ${MOST_TENSORS}; split it`);
  }
  const header = names === undefined ? undefined : parseHeader(bytes.subarray(8, start));
  if (header === undefined) throw fail("its header is not a JSON object; copy it or save it again");
  if (names !== Object.keys(header).length) {
    throw fail("two tensors have the same name; save it again");
  }

  const { [METADATA]: metadata = {}, ...entries } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw fail("its metadata is not a table of strings; save it again");
  }
  const tensors = new Map<string, SafetensorsTensor>();
  const spans: { name: string; from: number; to: number }[] = [];
  for (const [key, entry] of Object.entries(entries)) {
    const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
    if (!isDtype(dtype)) {
      throw fail(
        `tensor "${shown(key)}" has dtype ${shown(String(JSON.stringify(dtype)))}, wanted one of ` +
          `${Object.keys(tensorViews).join(", ")}; convert it`,
      );
    }
    if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
      throw fail(
        `tensor "${shown(key)}" has a damaged shape or position; copy or save the file again`,
      );
    }
    const [from, to] = offsets;
    const wanted = elements(shape) * tensorViews[dtype].BYTES_PER_ELEMENT;
    if (to - from !== wanted || start + to > bytes.length) {
      throw fail(
        `tensor "${shown(key)}" of shape (${shape.join(", ")}) needs ${wanted} bytes, found ` +
          `${Math.max(0, Math.min(to, bytes.length - start) - from)}; copy or save the file again`,
      );
    }
    spans.push({ name: key, from, to });
    const data = new tensorViews[dtype](bytes.slice(start + from, start + to).buffer);
    tensors.set(key, { dtype, shape, data } as SafetensorsTensor);
  }
  spans.sort((a, b) => a.from - b.from || a.to - b.to);
  let end = 0;
  for (const { name: key, from, to } of spans) {
    if (from !== end) {
      throw fail(
        `tensor "${shown(key)}" begins at ${from}, wanted ${end}; copy or save the file again`,
      );
    }
    end = to;
  }
  if (start + end !== bytes.length) {
    throw fail(`${bytes.length - start - end} bytes follow the last tensor; copy or save it again`);
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isRecord(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22,
  BACKSLASH = 0x5c,
  OPEN = 0x7b,
  CLOSE = 0x7d,
  OPEN_LIST = 0x5b,
  CLOSE_LIST = 0x5d;

/**
 * Strings at the top level of a header; undefined where it is not a table of tables of lists. `JSON.parse` drops names that come
 * twice, and takes gigabytes for deep nests.
 */
function countNames(bytes: Uint8Array): number | undefined {
  let names = 0, depth = 0, quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) {
      quoted = true;
      if (depth === 1) names++;
    } else if (byte === OPEN || byte === OPEN_LIST) {
      if (depth > 2 || (byte === OPEN) !== (depth < 2)) return undefined;
      depth++;
    } else if (byte === CLOSE || byte === CLOSE_LIST) {
      depth--;
    }
  }
  return names;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === "string" && Object.hasOwn(tensorViews, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MOST_DIMENSIONS &&
    value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function elements(shape: number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
