// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError, readFile } from "../files.ts";

/** The array in memory for each element type that can be read; `bool` is one byte, 0 or 1. */
export interface NpyData {
  /** `<f4` */
  float32: Float32Array;
  /** `<f8` */
  float64: Float64Array;
  /** `|b1` */
  bool: Uint8Array;
  /** `|u1` */
  uint8: Uint8Array;
  /** `<i4` */
  int32: Int32Array;
  /** `<i8` */
  int64: BigInt64Array<ArrayBuffer>;
}

/** Element type of an array file. */
export type NpyDtype = keyof NpyData;

const DTYPES: { [D in NpyDtype]: { descr: string; view: new (bytes: ArrayBuffer) => NpyData[D] } } =
  {
    float32: { descr: "<f4", view: Float32Array },
    float64: { descr: "<f8", view: Float64Array },
    bool: { descr: "|b1", view: Uint8Array },
    uint8: { descr: "|u1", view: Uint8Array },
    int32: { descr: "<i4", view: Int32Array },
    int64: { descr: "<i8", view: BigInt64Array },
  };

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"

/** Whether bytes start like a NumPy array file. */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Decodes a NumPy array file (format 1 or 2, little-endian, C order).
 *
 * @param name Where the bytes came from, for messages.
 * @param wanted The element types that the caller can use.
 * @returns The array, contiguous, with the file's shape.
 * @throws {DataError} If the bytes are no such file, are cut short, or hold another element type or order.
 */
export function decodeNpy<D extends NpyDtype>(
  bytes: Uint8Array,
  name: string,
  wanted: readonly D[],
): NdArray<NpyData[D]> {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  if (bytes.length < 10 || !isNpy(bytes)) {
    throw fail("it does not start like a .npy file; save it with numpy.save(path, array)");
  }
  const version = bytes[6];
  if (version !== 1 && version !== 2) {
    throw fail(`format version is ${version}, wanted 1 or 2; save it with numpy.save(path, array)`);
  }
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw fail(`the file ends in its header; copy or make it again`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < end) throw fail(`the file ends in its header; copy or make it again`);

  const header = new TextDecoder("latin1").decode(bytes.subarray(start, end));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dimensions = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (fortran === undefined || dimensions === undefined) {
    throw fail(`the header is not a plain array's: ${header.trim()}`);
  }
  const dtype = wanted.find((dtype) => DTYPES[dtype].descr === descr);
  if (dtype === undefined) {
    const found = descr === undefined ? "structured" : `"${descr}"`;
    throw fail(
      `dtype is ${found}, wanted ${wanted.join(" or ")}; ` +
        `save it again with array.astype("${wanted[0]}")`,
    );
  }
  if (fortran === "True") {
    throw fail("order is Fortran, wanted C; save it again with numpy.ascontiguousarray(array)");
  }
  const shape = dimensions.split(",").filter((text) => text.trim() !== "").map(Number);
  const itemBytes = itemSize(dtype);
  const wantedBytes = shape.reduce((product, length) => product * length, itemBytes);
  if (bytes.length - end !== wantedBytes) {
    throw fail(
      `shape (${shape.join(", ")}) of ${dtype} needs ${wantedBytes} bytes after the header, ` +
        `found ${bytes.length - end}; copy or make the file again`,
    );
  }
  const data = new DTYPES[dtype].view(bytes.slice(end).buffer);
  return ndarray(data, shape);
}

/** Reads an array file: {@linkcode decodeNpy} of its bytes. */
export async function readNpy<D extends NpyDtype>(
  path: string,
  wanted: readonly D[],
  remedy?: string,
): Promise<NdArray<NpyData[D]>> {
  return decodeNpy(await readFile(path, remedy), path, wanted);
}

/** Encodes a contiguous C-order array as a NumPy array file (format 1). */
export function encodeNpy<D extends NpyDtype>(
  array: NdArray<NpyData[D]>,
  dtype: D,
): Uint8Array<ArrayBuffer> {
  const data: NpyData[NpyDtype] = array.data;
  const shape = array.shape.length === 1 ? `${array.shape[0]},` : array.shape.join(", ");
  const dictionary = `{'descr': '${
    DTYPES[dtype].descr
  }', 'fortran_order': False, 'shape': (${shape}), }`;
  // The format wants the data at a multiple of 64 bytes, and the header to end in a newline.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const bytes = new Uint8Array(length + data.byteLength);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  bytes.set(new TextEncoder().encode(dictionary.padEnd(length - 11) + "\n"), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), length);
  return bytes;
}

function itemSize(dtype: NpyDtype): number {
  return Number(DTYPES[dtype].descr.slice(2));
}
