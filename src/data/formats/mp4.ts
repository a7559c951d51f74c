/**
 * Films as MP4 files that every browser and player shows: H.264, encoded in WebAssembly, with no program beside.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";

/** How often a whole picture stands in the film, so that players can jump to it. */
const PICTURES_A_GROUP = 30;
/** H.264's step of quantisation, 10 … 51: at 14 what is lost is mostly the resolution of color. */
const QUANTIZATION = 14;
/** The encoder's own scale from 0, slow, to 10, fast: at 2 films are a seventh larger already. */
const SPEED = 0;

/** Shares of red and blue in luma, and the number in ISO 23091-2: what players take small and large films for. */
const BT601 = { red: 0.299, blue: 0.114, code: 6 };
const BT709 = { red: 0.2126, blue: 0.0722, code: 1 };
type Matrix = typeof BT601;

/**
 * Encodes pictures as an MP4 film; equal pictures give equal bytes.
 *
 * H.264 halves the resolution of color, and knows even sizes alone: a picture of an odd one has its last row or column twice.
 *
 * @param pictures `[height, width, 3]` each, sRGB 0..255, all of one size; one at least.
 * @param fps Pictures a second, a whole number.
 * @throws {RangeError} If there is no picture, sizes differ, or `fps` is no whole number.
 */
export async function encodeMp4(
  pictures: AsyncIterable<NdArray<Uint8Array>> | Iterable<NdArray<Uint8Array>>,
  fps: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(Number.isInteger(fps) && fps > 0)) {
    throw new RangeError(`Cannot make a film of ${fps} pictures a second: wanted a whole number`);
  }
  // @ts-types="./h264_mp4_encoder.d.ts"
  const { default: { createH264MP4Encoder } } = await import("npm:h264-mp4-encoder@1.0.12"); // a megabyte: when wanted
  const encoder = await createH264MP4Encoder();
  let size: number[] | undefined, matrix = BT601;
  try {
    try {
      for await (const picture of pictures) {
        if (!size) {
          size = picture.shape;
          const [height, width] = size;
          matrix = height < 720 ? BT601 : BT709;
          encoder.width = width + width % 2;
          encoder.height = height + height % 2;
          encoder.frameRate = fps;
          encoder.quantizationParameter = QUANTIZATION;
          encoder.groupOfPictures = PICTURES_A_GROUP;
          encoder.speed = SPEED;
          encoder.initialize();
        }
        if (`${picture.shape}` !== `${size}`) {
          throw new RangeError(
            `Cannot make a film: a picture is (${picture.shape}), the first one (${size})`,
          );
        }
        encoder.addFrameYuv(toYuv420(picture, matrix));
      }
      if (!size) throw new RangeError("Cannot make a film of no pictures");
    } finally {
      if (size) encoder.finalize(); // after an error too: it does not let go of its memory before
    }
    return withoutDates(encoder.FS.readFile(encoder.outputFilename), matrix);
  } finally {
    encoder.delete();
  }
}

/** Planes of luma 16..235, then of both chromas 16..240 as means over 2×2 pixels. */
function toYuv420(picture: NdArray<Uint8Array>, { red, blue }: Matrix): Uint8Array {
  const { data: rgb, shape: [height, width] } = picture;
  const columns = width + width % 2, rows = height + height % 2;
  const planes = new Uint8Array(columns * rows * 3 / 2);
  const luma = (r: number, g: number, b: number) => red * r + (1 - red - blue) * g + blue * b;
  let at = 0, u = columns * rows, v = u + columns * rows / 4;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const i = 3 * (Math.min(y, height - 1) * width + Math.min(x, width - 1));
      planes[at++] = 16.5 + 219 / 255 * luma(rgb[i], rgb[i + 1], rgb[i + 2]);
    }
  }
  for (let y = 0; y < rows; y += 2) {
    for (let x = 0; x < columns; x += 2) {
      let r = 0, g = 0, b = 0;
      for (let corner = 0; corner < 4; corner++) {
        const row = Math.min(y + (corner >> 1), height - 1);
        const i = 3 * (row * width + Math.min(x + corner % 2, width - 1));
        r += rgb[i] / 4;
        g += rgb[i + 1] / 4;
        b += rgb[i + 2] / 4;
      }
      const grey = luma(r, g, b);
      planes[u++] = 128.5 + 112 / 255 * (b - grey) / (1 - blue);
      planes[v++] = 128.5 + 112 / 255 * (r - grey) / (1 - red);
    }
  }
  return planes;
}

/** Boxes that hold boxes, on the way to those that change; and how many bytes stand before these. */
const CONTAINERS: Record<string, number> = {
  moov: 0,
  trak: 0,
  mdia: 0,
  minf: 0,
  stbl: 0,
  stsd: 8,
};

/** Boxes (ISO 14496-12, version 0) that begin with a version, flags, and the times of creation and change. */
const DATED = ["mvhd", "tkhd", "mdhd"];

/** The file without the time of its making, and with the meaning of its colors. */
function withoutDates(file: Uint8Array, { code }: Matrix): Uint8Array<ArrayBuffer> {
  // primaries and transfer of BT.709, which is what films of sRGB pictures say; the matrix; luma 16..235
  const colors = Uint8Array.of(...ascii("nclx"), 0, 1, 0, 1, 0, code, 0);
  const rewrite = (boxes: Uint8Array): Uint8Array<ArrayBuffer> => {
    const view = new DataView(boxes.buffer, boxes.byteOffset, boxes.byteLength);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < boxes.length;) {
      const size = view.getUint32(at);
      const type = String.fromCharCode(...boxes.subarray(at + 4, at + 8));
      const body = boxes.slice(at + 8, at + size);
      if (DATED.includes(type)) body.fill(0, 4, 12);
      const before = CONTAINERS[type];
      if (before !== undefined) {
        parts.push(box(type, body.subarray(0, before), rewrite(body.subarray(before))));
      } else if (type === "avc1") parts.push(box(type, body, box("colr", colors)));
      else parts.push(box(type, body));
      at += size;
    }
    return concatenate(parts);
  };
  return rewrite(file); // `moov` comes last: no offset into the pictures changes
}

function box(type: string, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(8);
  const all = concatenate([header, ...parts]);
  new DataView(all.buffer).setUint32(0, all.length);
  all.set(ascii(type), 4);
  return all;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
