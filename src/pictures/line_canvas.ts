/**
 * Smooth lines and dots on a picture.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Rgb } from "./layer_pictures.ts";

/** A place on a picture: x right, y down, whole numbers being the middles of pixels. What changes along a line is a time. */
export interface LinePoint {
  /** Pixels from the middle of the first column. */
  readonly x: number;
  /** Pixels from the middle of the first row. */
  readonly y: number;
  /** Any number that the color may depend on. */
  readonly time: number;
}

/** A copy of a picture that is drawn on. */
export class LineCanvas {
  readonly #height: number;
  readonly #width: number;
  readonly #values: Float32Array;

  /**
   * @param picture `[height, width, 3]`, sRGB, 0..255
   * @param tone what its colors and its light are multiplied by, so that lines stand out
   */
  constructor(picture: NdArray<Uint8Array>, { saturation = 1, brightness = 1 } = {}) {
    [this.#height, this.#width] = picture.shape;
    this.#values = new Float32Array(picture.size);
    for (let y = 0, i = 0; y < this.#height; y++) {
      for (let x = 0; x < this.#width; x++) {
        const rgb = [0, 1, 2].map((channel) => picture.get(y, x, channel));
        const grey = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
        for (const value of rgb) {
          this.#values[i++] = brightness * (grey + saturation * (value - grey));
        }
      }
    }
  }

  /**
   * Draws a line through points, or a dot at the only one. Its edge is smooth over a pixel, and where it bends or meets itself
   * it covers a pixel once.
   *
   * @param radius half its width, pixels
   * @param color of the nearest place on the line
   */
  draw(
    points: readonly LinePoint[],
    radius: number,
    color: (at: LinePoint) => Rgb,
    opacity: number = 1,
  ): void {
    const nearest = new Map<number, { distance: number; at: LinePoint }>();
    for (let i = 0; i < Math.max(1, points.length - 1); i++) {
      this.#segment(points[i], points[i + 1] ?? points[i], radius + 0.5, (pixel, distance, at) => {
        if (distance < (nearest.get(pixel)?.distance ?? Infinity)) {
          nearest.set(pixel, { distance, at });
        }
      });
    }
    for (const [pixel, { distance, at }] of nearest) {
      const cover = opacity * Math.min(radius + 0.5 - distance, 1);
      color(at).forEach((ink, channel) => {
        this.#values[3 * pixel + channel] += cover * (ink - this.#values[3 * pixel + channel]);
      });
    }
  }

  /** The picture as it is now. */
  picture(): NdArray<Uint8Array> {
    const rounded = Uint8ClampedArray.from(this.#values);
    return ndarray(new Uint8Array(rounded.buffer), [this.#height, this.#width, 3]);
  }

  /** Visits the pixels nearer than `reach` to a segment, each with its distance and the place that it is nearest to. */
  #segment(
    a: LinePoint,
    b: LinePoint,
    reach: number,
    visit: (pixel: number, distance: number, at: LinePoint) => void,
  ): void {
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const square = dx * dx + dy * dy;
    const [left, right] = bounds(a.x, b.x, reach, this.#width);
    const [top, bottom] = bounds(a.y, b.y, reach, this.#height);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const along = square === 0 ? 0 : ((x - a.x) * dx + (y - a.y) * dy) / square;
        const share = Math.min(Math.max(along, 0), 1);
        const at = {
          x: a.x + share * dx,
          y: a.y + share * dy,
          time: a.time + share * (b.time - a.time),
        };
        const distance = Math.hypot(x - at.x, y - at.y);
        if (distance < reach) visit(y * this.#width + x, distance, at);
      }
    }
  }
}

/** First and last pixel of a range of coordinates that lie in the picture. */
function bounds(a: number, b: number, reach: number, size: number): [number, number] {
  return [
    Math.max(0, Math.ceil(Math.min(a, b) - reach)),
    Math.min(size - 1, Math.floor(Math.max(a, b) + reach)),
  ];
}
