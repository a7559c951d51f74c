/**
 * Films for tests: pictures that move, and readers that others have written.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
// @ts-types="./mp4box.d.ts"
import { createFile, type Mp4Track } from "npm:mp4box@2.4.1";
// @ts-types="./omggif.d.ts"
import { GifReader } from "npm:omggif@1.0.10";
// @ts-types="./tinyh264.d.ts"
import tinyH264 from "npm:tinyh264@0.0.7/es/TinyH264.js";
// @ts-types="./tinyh264_decoder.d.ts"
import TinyH264Decoder from "npm:tinyh264@0.0.7/es/TinyH264Decoder.js";
import { psnr } from "../../src/evaluation/psnr.ts";

/** A film that a reader has taken apart. */
export interface ReadFilm {
  /** `[height, width, 3]` each, sRGB 0..255. */
  readonly pictures: NdArray<Uint8Array>[];
  /** How long each is shown, seconds. */
  readonly seconds: number[];
}

/** Colored waves that move from picture to picture, `[height, width, 3]`. */
export function movingPictures(
  count: number,
  width: number,
  height: number,
): NdArray<Uint8Array>[] {
  return Array.from({ length: count }, (_, n) => {
    const data = new Uint8Array(width * height * 3);
    for (let i = 0; i < data.length; i++) {
      const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
      data[i] = 128 + 100 * Math.sin((x + 2 * n) / 15 + i % 3) * Math.cos((y - n) / 12);
    }
    return ndarray(data, [height, width, 3]);
  });
}

/** The least PSNR of pictures, by pair. A picture that was read may have more rows and columns than the one it was made of. */
export function worstPsnr(
  read: readonly NdArray<Uint8Array>[],
  made: readonly NdArray<Uint8Array>[],
): number {
  return Math.min(...made.map((picture, n) => {
    const [height, width] = picture.shape, [, columns] = read[n].shape;
    const cut = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      cut.set(read[n].data.subarray(3 * y * columns, 3 * (y * columns + width)), 3 * y * width);
    }
    return psnr(cut, picture.data);
  }));
}

/** The one track of an MP4, as mp4box reads it, and the times in its header. */
export function parseMp4(bytes: Uint8Array<ArrayBuffer>): { track: Mp4Track; dates: number[] } {
  const file = createFile();
  file.appendBuffer(Object.assign(bytes.slice().buffer, { fileStart: 0 }));
  file.flush();
  const { mvhd, traks: [track, ...more] } = file.moov;
  if (more.length > 0) throw new Error(`the film has ${1 + more.length} tracks`);
  const dated = [mvhd, track.tkhd, track.mdia.mdhd];
  return {
    track,
    dates: dated.flatMap((box) => [Number(box.creation_time), Number(box.modification_time)]),
  };
}

/** An MP4, taken apart by mp4box and decoded by h264bsd, in the colors that its `colr` box says. */
export async function readMp4(bytes: Uint8Array<ArrayBuffer>): Promise<ReadFilm> {
  const { mdia: { mdhd, minf: { stbl: { stsd: { entries: [entry] } } } }, samples } =
    parseMp4(bytes).track;
  // h264bsd's wrapper is made for web workers: it wants to know where it is
  Object.defineProperty(globalThis, "location", { value: { href: "" }, configurable: true });
  const pictures: NdArray<Uint8Array>[] = [];
  const matrix = entry.colr.matrix_coefficients;
  const decoder = new TinyH264Decoder(await tinyH264(), (planes, columns, rows) => {
    pictures.push(toRgb(planes.slice(), columns, rows, entry.width, entry.height, matrix));
  });
  const decode = (unit: Uint8Array) => decoder.decode(Uint8Array.of(0, 0, 0, 1, ...unit));
  for (const { data } of [...entry.avcC.SPS, ...entry.avcC.PPS]) decode(data);
  for (const { offset, size } of samples) {
    for (let at = offset; at < offset + size;) {
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
      decode(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
  }
  return { pictures, seconds: samples.map(({ duration }) => duration / mdhd.timescale) };
}

/** Planes of whole macroblocks as a picture (ITU-R BT.601 or BT.709, luma 16..235). */
function toRgb(
  planes: Uint8Array,
  columns: number,
  rows: number,
  width: number,
  height: number,
  matrix: number,
): NdArray<Uint8Array> {
  const [red, blue] = matrix === 1 ? [0.2126, 0.0722] : [0.299, 0.114];
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const half = columns * rows + (y >> 1) * columns / 2 + (x >> 1);
      const luma = (planes[y * columns + x] - 16) * 255 / 219;
      const b = (planes[half] - 128) * 255 / 112 * (1 - blue);
      const r = (planes[half + columns * rows / 4] - 128) * 255 / 112 * (1 - red);
      const g = -(red * r + blue * b) / (1 - red - blue);
      rgb.set([luma + r, luma + g, luma + b], 3 * (y * width + x));
    }
  }
  return ndarray(new Uint8Array(rgb.buffer), [height, width, 3]);
}

/** A GIF, as omggif reads it. */
export function readGif(bytes: Uint8Array): ReadFilm {
  const reader = new GifReader(bytes);
  const { width, height } = reader;
  const numbers = Array.from({ length: reader.numFrames() }, (_, n) => n);
  const pictures = numbers.map((n) => {
    const rgba = new Uint8Array(width * height * 4);
    reader.decodeAndBlitFrameRGBA(n, rgba);
    return ndarray(rgba.filter((_, i) => i % 4 < 3), [height, width, 3]);
  });
  return { pictures, seconds: numbers.map((n) => reader.frameInfo(n).delay / 100) };
}
