/**
 * Pictures of where things go: which points to follow, and their paths drawn over a view.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/camera.ts";
import type { RenderedImage } from "./image_renderer.ts";
import { pixelToWorld, worldToPixel } from "./ndc.ts";
import type { PointTracks } from "./point_tracker.ts";
import { colorRamp, type Rgb } from "./pictures.ts";
import type { Vector3 } from "./rays.ts";

/** A place in a picture: x right, y down; whole numbers are the middles of pixels. */
export type Pixel = readonly [x: number, y: number];

/** Least share of the dynamic field in a pixel that moves. */
const leastDynamicness = 0.5;

/**
 * Pixels of a view that show something moving, spread evenly: each is the one farthest from those before it, the first the one
 * nearest to their middle.
 *
 * A pixel moves where its dynamicness, and that of its eight neighbours, is 0.5 or more: at edges depths are a mixture.
 *
 * @returns as many as wanted, or fewer where fewer move
 */
export function movingPixels(
  { dynamicness, width, height }: Pick<RenderedImage, "dynamicness" | "width" | "height">,
  count: number,
): Pixel[] {
  const moves = (x: number, y: number) => dynamicness.get(y, x) >= leastDynamicness;
  const found: Pixel[] = [];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      let inside = true;
      for (let i = 0; i < 9 && inside; i++) {
        inside = moves(x + i % 3 - 1, y + Math.floor(i / 3) - 1);
      }
      if (inside) found.push([x, y]);
    }
  }
  return farthest(found, count);
}

/** Farthest-point sampling. */
function farthest(all: readonly Pixel[], count: number): Pixel[] {
  const middle = [0, 1].map((axis) => all.reduce((sum, at) => sum + at[axis], 0) / all.length);
  const distance = (a: readonly number[], b: readonly number[]) =>
    (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
  const chosen: Pixel[] = [];
  const gap = new Float64Array(all.length).fill(Infinity);
  // the first: nearest to the middle
  let next = all.reduce(
    (best, at, i) => distance(at, middle) < distance(all[best], middle) ? i : best,
    0,
  );
  while (chosen.length < Math.min(count, all.length)) {
    const last = all[next];
    chosen.push(last);
    let widest = -1;
    for (let i = 0; i < all.length; i++) {
      gap[i] = Math.min(gap[i], distance(all[i], last));
      if (gap[i] > widest) [widest, next] = [gap[i], i];
    }
  }
  return chosen;
}

/** The points of the world that pixels of a view show of the dynamic field, at its expected depth. */
export function movingPoints(
  { depthDynamic }: Pick<RenderedImage, "depthDynamic">,
  camera: Camera,
  pixels: readonly Pixel[],
): Vector3[] {
  return pixels.map(([x, y]) => pixelToWorld([x, y], depthDynamic.get(y, x), camera));
}

/** What {@link trackPicture} draws. */
export interface TrackView {
  /** The camera that took the picture. */
  readonly camera: Camera;
  /** The picture's time, in frames from 0, also between frames. */
  readonly time: number;
  /** Frames before and after it that are drawn, as far as the paths go. */
  readonly frames: number;
}

/** Past to future: as far as 0.15 and 0.95 of the plasma map of matplotlib (van der Walt and Smith 2015, CC0). */
const AGES = colorRamp("2b6cff 39b8ff 8ff0e0 ffffff ffe08a ff9a3c ff3d2e");

/**
 * Draws paths over a picture: from purple in the past to yellow in the future, each with a dot where its point is now.
 *
 * Between whole frames points go straight. What lies behind the camera is left out.
 *
 * @param picture `[height, width, 3]`, sRGB, 0..255
 * @returns another one of that shape
 */
export function trackPicture(
  picture: NdArray<Uint8Array>,
  tracks: PointTracks,
  { camera, time, frames }: TrackView,
): NdArray<Uint8Array> {
  const [height, width] = picture.shape;
  const canvas = new Canvas(picture);
  const thin = 0.4 + height / 450, outline = 0.35 + height / 700;
  const paths = pixelPaths(tracks, camera, time, frames);
  canvas.fade();
  for (const path of paths) canvas.line(path, thin + outline, () => INK, 0.6);
  for (const path of paths) {
    canvas.line(path, thin, (at) => AGES((at - time) / (2 * frames) + 0.5), 1);
  }
  for (const path of paths) {
    const now = path.find((place) => place.time === time);
    if (!now) continue;
    canvas.line([now], 2 * thin + outline, () => INK, 0.9);
    canvas.line([now], 2 * thin, () => [255, 255, 255], 1);
  }
  void width;
  return canvas.picture();
}

const INK: Rgb = [10, 8, 20];

/** A point of a path on the picture. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly time: number;
}

/** The paths as a camera sees them about a time; a path is cut where it goes behind the camera. */
export function pixelPaths(
  { times, world }: PointTracks,
  camera: Camera,
  time: number,
  frames: number,
): Place[][] {
  const first = Math.max(times[0], time - frames);
  const last = Math.min(times[times.length - 1], time + frames);
  const shown = [...new Set([first, ...times, time, last])]
    .filter((at) => at >= first && at <= last)
    .sort((a, b) => a - b);
  const [points] = world.shape;
  const paths: Place[][] = [];
  for (let i = 0; i < points; i++) {
    let path: Place[] = [];
    for (const at of shown) {
      const pixel = worldToPixel(pointAt({ times, world }, i, at), camera);
      if (pixel) path.push({ x: pixel[0], y: pixel[1], time: at });
      else {
        paths.push(path);
        path = [];
      }
    }
    paths.push(path);
  }
  return paths.filter((path) => path.length > 0);
}

/** Where a point is at a time within the path's. */
function pointAt(
  { times, world }: Pick<PointTracks, "times" | "world">,
  point: number,
  time: number,
): Vector3 {
  const last = times.length - 1;
  const place = Math.min(Math.max(time - times[0], 0), last); // whole frames apart
  const before = Math.min(Math.floor(place), Math.max(last - 1, 0));
  const share = place - before;
  const at = (axis: number) => {
    const from = world.get(point, before, axis);
    return share === 0 ? from : from + share * (world.get(point, before + 1, axis) - from);
  };
  return [at(0), at(1), at(2)];
}

/** A picture that is drawn on. */
class Canvas {
  readonly #height: number;
  readonly #width: number;
  readonly #values: Float32Array;

  constructor(picture: NdArray<Uint8Array>) {
    [this.#height, this.#width] = picture.shape;
    this.#values = new Float32Array(picture.size);
    for (let i = 0; i < picture.size; i++) {
      const pixel = Math.floor(i / 3);
      this.#values[i] = picture.get(Math.floor(pixel / this.#width), pixel % this.#width, i % 3);
    }
  }

  /**
   * Draws a line through places, or a dot at the only one; edges are smooth over a pixel.
   *
   * @param color of a time
   */
  line(
    path: readonly Place[],
    radius: number,
    color: (time: number) => Rgb,
    opacity: number,
  ): void {
    const nearest = new Map<number, { distance: number; time: number }>();
    const reach = radius + 1;
    for (let i = 0; i < Math.max(1, path.length - 1); i++) {
      const a = path[i], b = path[i + 1] ?? a;
      const x0 = Math.max(0, Math.ceil(Math.min(a.x, b.x) - reach));
      const x1 = Math.min(this.#width - 1, Math.floor(Math.max(a.x, b.x) + reach));
      const y0 = Math.max(0, Math.ceil(Math.min(a.y, b.y) - reach));
      const y1 = Math.min(this.#height - 1, Math.floor(Math.max(a.y, b.y) + reach));
      const dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
      for (let y = y0; y <= y1; y++) {
        for (let x = x0; x <= x1; x++) {
          const along = square === 0 ? 0 : ((x - a.x) * dx + (y - a.y) * dy) / square;
          const share = Math.min(Math.max(along, 0), 1);
          const distance = Math.hypot(x - a.x - share * dx, y - a.y - share * dy);
          const pixel = y * this.#width + x;
          const known = nearest.get(pixel);
          if (known && known.distance <= distance) continue;
          nearest.set(pixel, { distance, time: a.time + share * (b.time - a.time) });
        }
      }
    }
    for (const [pixel, { distance, time }] of nearest) {
      const cover = opacity * Math.min(Math.max(radius + 0.5 - distance, 0), 1);
      if (cover === 0) continue;
      const ink = color(time);
      for (let c = 0; c < 3; c++) {
        this.#values[3 * pixel + c] += cover * (ink[c] - this.#values[3 * pixel + c]);
      }
    }
  }

  /** Paler and darker. */
  fade(): void {
    for (let i = 0; i < this.#values.length; i += 3) {
      const [r, g, b] = this.#values.subarray(i, i + 3);
      const grey = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      for (let c = 0; c < 3; c++) {
        this.#values[i + c] = 0.75 * (grey + 0.55 * (this.#values[i + c] - grey));
      }
    }
  }

  picture(): NdArray<Uint8Array> {
    const bytes = Uint8ClampedArray.from(this.#values); // rounds
    return ndarray(new Uint8Array(bytes.buffer), [this.#height, this.#width, 3]);
  }
}
