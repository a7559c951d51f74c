import { Buffer } from "node:buffer";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
// @ts-types="./pngjs.d.ts"
import { PNG } from "npm:pngjs@7.0.0";
import { DataError } from "../files.ts";
import { withoutAlpha } from "./pixels.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether bytes start like a PNG file. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/**
 * Decodes a PNG of 8 bits a channel or less (gray, palette, RGB, RGBA); transparency is dropped.
 *
 * @param name Where the bytes came from, for messages.
 * @returns `[height, width, 3]` RGB, 0..255 as stored.
 * @throws {DataError} If the bytes are no PNG, are damaged or cut short, or have 16 bits a channel.
 */
export function decodePng(bytes: Uint8Array, name: string): NdArray<Uint8Array> {
  const { bits, width, height } = readHeader(bytes, name);
  if (bits > 8) {
    throw new DataError(
      `Cannot read "${name}": ${bits} bits a channel, wanted 8; convert it to 8 bits`,
    );
  }
  return ndarray(withoutAlpha(readRgba(bytes, name)), [height, width, 3]);
}

/** A PNG that holds numbers, as depth and flow do, not colors. */
export interface PngSamples {
  /** `[height, width, 3]`: 0..65535 or, of 8 bits, 0..255; gray ones thrice. */
  samples: NdArray<Uint16Array>;
  /** Of a channel. */
  bits: 8 | 16;
}

/**
 * Decodes a PNG of 16 bits a channel or fewer; transparency is dropped, fewer than 8 bits are stretched to 8.
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are no PNG, are damaged or cut short.
 */
export function decodePngSamples(bytes: Uint8Array, name: string): PngSamples {
  const { bits, width, height } = readHeader(bytes, name);
  const rgba = readRgba(bytes, name);
  const samples = new Uint16Array(width * height * 3);
  for (let i = 0; i < samples.length; i++) samples[i] = rgba[Math.floor(i / 3) * 4 + i % 3];
  return { samples: ndarray(samples, [height, width, 3]), bits: bits > 8 ? 16 : 8 };
}

/** Size and bits a channel, if the rest can be true. */
function readHeader(
  bytes: Uint8Array,
  name: string,
): { width: number; height: number; bits: number } {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  if (!isPng(bytes) || bytes.length < 33) {
    throw fail("it does not start like a PNG; copy it or save it again");
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = header.getUint32(16), height = header.getUint32(20), bits = bytes[24];
  // Deflate cannot do better than 1032 to 1, a pixel takes one bit or more.
  if (width * height / 8 > bytes.length * 1032) {
    throw fail(
      `a size of ${width} x ${height} cannot be true for ${bytes.length} bytes; copy it again`,
    );
  }
  return { width, height, bits };
}

/** Four values a pixel: bytes, or of 16 bits a channel 0..65535. */
function readRgba(bytes: Uint8Array, name: string): Uint8Array | Uint16Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return PNG.sync.read(file, { skipRescale: bytes[24] === 16 }).data;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError(
      `Cannot read "${name}": the file is damaged or cut short (${message}); copy it again`,
    );
  }
}

/**
 * Encodes a contiguous image, `[height, width, 3]` RGB or `[height, width]` gray, as a PNG of 8 or 16 bits a channel, as the
 * array has them; equal images give equal bytes.
 */
export function encodePng(image: NdArray<Uint8Array | Uint16Array>): Uint8Array<ArrayBuffer> {
  const [height, width] = image.shape, { data } = image;
  const png = new PNG({ width, height });
  const bitDepth = data instanceof Uint16Array ? 16 : 8;
  // pngjs reads 16-bit values from the start of the memory, wherever the array begins in it.
  const values = data instanceof Uint16Array ? data.slice() : data;
  png.data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  // Color types: 2 is RGB, 0 gray. Filter 4 is Paeth.
  const colorType = image.shape.length === 2 ? 0 : 2;
  const inputColorType = colorType;
  return new Uint8Array(
    PNG.sync.write(png, {
      bitDepth,
      colorType,
      inputColorType,
      inputHasAlpha: false,
      filterType: 4,
      deflateLevel: 6,
      deflateStrategy: 0,
    }),
  );
}
