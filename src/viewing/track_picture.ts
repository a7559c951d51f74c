/**
 * Pictures of where things go: which points of a view to follow, and their paths drawn over a view.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/scene/camera.ts";
import type { RenderedImage } from "./image_renderer.ts";
import { LineCanvas, type LinePoint } from "../pictures/line_canvas.ts";
import { pixelToWorld, worldToPixel } from "../data/scene/ndc.ts";
import { colorRamp, type Rgb } from "../pictures/layer_pictures.ts";
import type { PointTracks } from "./point_tracker.ts";
import type { Vector3 } from "../data/vectors.ts";

/** A place in a picture: x right, y down; whole numbers are the middles of pixels. */
export type Pixel = readonly [x: number, y: number];

/** Least share of the dynamic field in a pixel that moves. */
const leastDynamicness = 0.5;
/** Rows of a picture for each one that such pixels keep from the edge of what moves: depths there are mixtures. */
const rowsOfMargin = 54;

/**
 * Pixels of a view that show something moving, spread evenly: the first is the one nearest to their middle, each other one the
 * farthest from those before it.
 *
 * A pixel counts where its dynamicness, and that of all pixels nearer than a 54th of the picture's height, is 0.5 or more.
 *
 * @returns as many as wanted, fewer where fewer move
 */
export function movingPixels(
  { dynamicness, width, height }: Pick<RenderedImage, "dynamicness" | "width" | "height">,
  count: number,
): Pixel[] {
  const depth = depthInside(width, height, (x, y) => dynamicness.get(y, x) >= leastDynamicness);
  const margin = Math.max(1, Math.round(height / rowsOfMargin));
  const all: Pixel[] = [];
  depth.forEach((steps, i) => {
    if (steps > margin) all.push([i % width, Math.floor(i / width)]);
  });
  return farthestFirst(all, count);
}

/** How many steps (of eight directions) each pixel lies inside of a region; the picture's edge is one of the region's. */
function depthInside(
  width: number,
  height: number,
  isInside: (x: number, y: number) => boolean,
): Uint16Array {
  const depth = new Uint16Array(width * height);
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : depth[y * width + x];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isInside(x, y)) continue;
      depth[y * width + x] = 1 +
        Math.min(at(x - 1, y), at(x - 1, y - 1), at(x, y - 1), at(x + 1, y - 1));
    }
  }
  for (let y = height - 1; y >= 0; y--) { // and from the other sides
    for (let x = width - 1; x >= 0; x--) {
      const others = Math.min(at(x + 1, y), at(x + 1, y + 1), at(x, y + 1), at(x - 1, y + 1));
      depth[y * width + x] = Math.min(at(x, y), 1 + others);
    }
  }
  return depth;
}

/** Farthest-point sampling (Gonzalez 1985) from the middle on. */
function farthestFirst(all: readonly Pixel[], count: number): Pixel[] {
  const squaredDistance = ([x, y]: Pixel, [u, v]: Pixel) => (x - u) ** 2 + (y - v) ** 2;
  const mean = (axis: 0 | 1) => all.reduce((sum, pixel) => sum + pixel[axis], 0) / all.length;
  const middle: Pixel = [mean(0), mean(1)];
  const gaps = all.map((pixel) => -squaredDistance(pixel, middle)); // to the nearest of those chosen
  const chosen: Pixel[] = [];
  while (chosen.length < Math.min(count, all.length)) {
    const next = all[gaps.reduce((widest, gap, i) => gap > gaps[widest] ? i : widest, 0)];
    all.forEach((pixel, i) => {
      const gap = squaredDistance(pixel, next);
      if (chosen.length === 0 || gap < gaps[i]) gaps[i] = gap;
    });
    chosen.push(next);
  }
  return chosen;
}

/** The points of the world that pixels show of a view's dynamic field, at its expected depth. */
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

/** A place of a path in a picture. */
export interface PathPlace extends LinePoint {
  /** When the point is there, in frames. */
  readonly time: number;
}

/** The past, now, the future. */
const AGES = colorRamp("1f5bff 2fb4ff 8af0e4 ffffff ffd97a ff8f33 ff2f22");
const INK: Rgb = [10, 8, 20], NOW: Rgb = [255, 255, 255];

/**
 * Draws paths over a picture that is toned down: blue in the past, white now, red in the future, a dot where a point is now.
 *
 * @param picture `[height, width, 3]`, sRGB, 0..255
 * @returns another one of that shape
 */
export function trackPicture(
  picture: NdArray<Uint8Array>,
  tracks: Pick<PointTracks, "times" | "world">,
  view: TrackView,
): NdArray<Uint8Array> {
  const { time, frames } = view;
  const [height] = picture.shape;
  const core = 0.4 + height / 450, rim = 0.35 + height / 700; // pixels, to both sides
  const paths = trackPaths(tracks, view);
  const now = paths.flatMap((path) => path.filter((place) => place.time === time));
  const canvas = new LineCanvas(picture, { saturation: 0.65, brightness: 0.8 });
  for (const path of paths) canvas.draw(path, core + rim, () => INK, 0.6);
  for (const path of paths) {
    canvas.draw(path, core, (at) => AGES(0.5 + (at.time - time) / (2 * frames)));
  }
  for (const place of now) {
    canvas.draw([place], 2 * core + rim, () => INK, 0.9);
    canvas.draw([place], 2 * core, () => NOW);
  }
  return canvas.picture();
}

/**
 * Paths as a camera sees them about a time: their places at the whole frames between, at the time itself and at both ends.
 * Between whole frames points go straight. A path is cut where it leaves the side that the camera looks to.
 */
export function trackPaths(
  { times, world }: Pick<PointTracks, "times" | "world">,
  { camera, time, frames }: TrackView,
): PathPlace[][] {
  const first = Math.max(times[0], time - frames);
  const last = Math.min(times[times.length - 1], time + frames);
  const shown = [...new Set([first, ...times, time, last])]
    .filter((at) => at >= first && at <= last)
    .sort((a, b) => a - b);
  const paths: PathPlace[][] = [];
  for (let point = 0; point < world.shape[0]; point++) {
    const path: PathPlace[] = [];
    for (const at of shown) {
      const seen = worldToPixel(pointAt(world, point, at - times[0]), camera);
      if (seen) path.push({ x: seen[0], y: seen[1], time: at });
      else paths.push(path.splice(0));
    }
    paths.push(path);
  }
  return paths.filter((path) => path.length > 0);
}

/** A point between two of its places `[points, places, 3]`. */
function pointAt(world: NdArray<Float32Array>, point: number, place: number): Vector3 {
  const last = world.shape[1] - 1;
  const before = Math.min(Math.floor(place), last), after = Math.min(before + 1, last); // differences of times are rounded
  const at = (axis: number) => {
    const from = world.get(point, before, axis);
    return from + (place - before) * (world.get(point, after, axis) - from);
  };
  return [at(0), at(1), at(2)];
}
