import { Buffer } from "node:buffer";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
// @ts-types="./pngjs.d.ts"
import { PNG } from "npm:pngjs@7.0.0";
import { DataError } from "./files.ts";
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
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  if (!isPng(bytes) || bytes.length < 33) {
    throw fail("it does not start like a PNG; copy it or save it again");
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = header.getUint32(16), height = header.getUint32(20), depth = bytes[24];
  if (depth > 8) {
    throw fail(`${depth} bits a channel, wanted 8; convert it to 8 bits`);
  }
  // Deflate cannot do better than 1032 to 1, a pixel takes one bit or more.
  if (width * height / 8 > bytes.length * 1032) {
    throw fail(
      `a size of ${width} x ${height} cannot be true for ${bytes.length} bytes; copy it again`,
    );
  }
  let rgba: Uint8Array;
  try {
    rgba = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).data;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw fail(`the file is damaged or cut short (${message}); copy it again`);
  }
  return ndarray(withoutAlpha(rgba), [height, width, 3]);
}

/**
 * Encodes a contiguous 8-bit image, `[height, width, 3]` RGB or `[height, width]` gray, as a PNG; equal images
 * give equal bytes.
 */
export function encodePng(image: NdArray<Uint8Array>): Uint8Array<ArrayBuffer> {
  const [height, width] = image.shape;
  const png = new PNG({ width, height });
  png.data = Buffer.from(image.data.buffer, image.data.byteOffset, image.data.byteLength);
  // Colour types: 2 is RGB, 0 gray. Filter 4 is Paeth.
  const colorType = image.shape.length === 2 ? 0 : 2;
  const inputColorType = colorType;
  return new Uint8Array(
    PNG.sync.write(png, {
      colorType,
      inputColorType,
      inputHasAlpha: false,
      filterType: 4,
      deflateLevel: 6,
      deflateStrategy: 0,
    }),
  );
}
