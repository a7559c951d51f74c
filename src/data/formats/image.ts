// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { DataError, readFile } from "../files.ts";
import { decodeJpeg, isJpeg } from "./jpeg.ts";
import { decodePng, isPng } from "./png.ts";

/**
 * Decodes a PNG or JPEG, told apart by its first bytes, not by its name.
 *
 * @param name Where the bytes came from, for messages.
 * @returns `[height, width, 3]` RGB, 0..255.
 * @throws {DataError} If the bytes are neither, or are damaged or cut short.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<NdArray<Uint8Array>> {
  if (isPng(bytes)) return decodePng(bytes, name);
  if (isJpeg(bytes)) return await decodeJpeg(bytes, name);
  throw new DataError(`Cannot read "${name}": it is neither a PNG nor a JPEG; convert it to one`);
}

/** Reads a PNG or JPEG file: {@linkcode decodeImage} of its bytes. */
export async function readImage(path: string, remedy?: string): Promise<NdArray<Uint8Array>> {
  return await decodeImage(await readFile(path, remedy), path);
}
