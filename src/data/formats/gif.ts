/**
 * Films as GIF files, for pages that show nothing else.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
// @ts-types="./gifenc.d.ts"
import gifenc from "npm:gifenc@1.0.3";

/** GIF counts time in hundredths of a second, and players show less than two of them as ten. */
export const GIF_MAX_FPS = 50;

/** Pixels of each picture that the palette is made from, evenly spaced. */
const PALETTE_PIXELS = 2 ** 15;

/**
 * Encodes pictures as a GIF film that repeats for ever; equal pictures give equal bytes.
 *
 * All pictures share one palette of 256 colors, made from all of them, without dithering: what stands still does not flicker.
 * Times are rounded so that they add up.
 *
 * @param pictures `[height, width, 3]` each, sRGB 0..255, all of one size; one at least. They are gone through twice.
 * @param fps Pictures a second, at most {@linkcode GIF_MAX_FPS}.
 * @throws {RangeError} If there is no picture, sizes differ, or `fps` is out of range.
 *
 * @example Make a film of pictures
 * ```ts
 * import type { RenderedImage } from "../../viewing/mod.ts";
 * import { to8bit } from "../../pictures/mod.ts";
 * import { encodeGif } from "../mod.ts";
 *
 * function film(images: readonly RenderedImage[]) {
 *   return encodeGif(images.map(({ color }) => to8bit(color)), 12); // frames a second
 * }
 * ```
 */
export async function encodeGif(
  pictures: AsyncIterable<NdArray<Uint8Array>> | Iterable<NdArray<Uint8Array>>,
  fps: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(fps > 0 && fps <= GIF_MAX_FPS)) {
    throw new RangeError(
      `Cannot make a GIF of ${fps} pictures a second: wanted at most ${GIF_MAX_FPS}`,
    );
  }
  const { quantize, applyPalette, GIFEncoder } = gifenc;
  const palette = quantize(await samples(pictures), 256, { format: "rgb565" });
  const encoder = GIFEncoder();
  const hundredths = (count: number) => Math.round(100 * count / fps);
  let count = 0;
  for await (const { data, shape: [height, width] } of pictures) {
    encoder.writeFrame(
      applyPalette(toRgba(data, width * height), palette, "rgb565"),
      width,
      height,
      {
        palette: count === 0 ? palette : undefined, // the first one's is the file's
        delay: 10 * (hundredths(count + 1) - hundredths(count)),
      },
    );
    count++;
  }
  if (count === 0) {
    throw new RangeError(
      "Cannot make a GIF: the pictures can be gone through only once; give a list",
    );
  }
  encoder.finish();
  return encoder.bytes();
}

/** Some pixels of each picture, RGBA. */
async function samples(
  pictures: AsyncIterable<NdArray<Uint8Array>> | Iterable<NdArray<Uint8Array>>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size: number[] | undefined;
  for await (const { data, shape } of pictures) {
    size ??= shape;
    if (`${shape}` !== `${size}`) {
      throw new RangeError(`Cannot make a film: a picture is (${shape}), the first one (${size})`);
    }
    parts.push(toRgba(data, Math.min(shape[0] * shape[1], PALETTE_PIXELS)));
  }
  if (!size) throw new RangeError("Cannot make a film of no pictures");
  const all = new Uint8Array(parts.length * parts[0].length);
  parts.forEach((part, i) => all.set(part, i * part.length));
  return all;
}

/** So many pixels of a picture, evenly spaced, in memory of their own. */
function toRgba(rgb: Uint8Array, pixels: number): Uint8Array {
  const rgba = new Uint8Array(4 * pixels).fill(255);
  const step = rgb.length / 3 / pixels;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = 3 * Math.floor(pixel * step), to = 4 * pixel;
    rgba[to] = rgb[from];
    rgba[to + 1] = rgb[from + 1];
    rgba[to + 2] = rgb[from + 2];
  }
  return rgba;
}
