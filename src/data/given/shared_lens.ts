import { shown } from "../shown.ts";
import type { ColmapCamera } from "./colmap/model.ts";
import { projection } from "./projection.ts";

/** Frames are worth straightening, and lenses are two, where a pixel moves by more than this. */
export const NOTICEABLE_SHIFT_PIXELS = 0.5;

/** Steps of the grid on which lenses are compared, from edge to edge. */
const STEPS = 8;

/**
 * The one lens that some cameras stand for: their mean, where none puts a pixel more than half a pixel from where it does.
 *
 * @returns Undefined where they differ by more.
 */
export function sharedLens(cameras: readonly ColmapCamera[]): ColmapCamera | undefined {
  const [first] = cameras, { model, width, height } = first;
  const different = cameras.filter((camera) => inWords(camera) !== inWords(first));
  if (different.length === 0) return first;
  const isOfSize = (camera: ColmapCamera) => camera.width === width && camera.height === height;
  if (!cameras.every((camera) => camera.model === model && isOfSize(camera))) return undefined;
  const parameters = first.parameters.map((_, i) =>
    cameras.reduce((sum, camera) => sum + camera.parameters[i], 0) / cameras.length
  );
  const mean = { ...first, parameters };
  return cameras.every((camera) => shiftPixels(camera, mean) <= NOTICEABLE_SHIFT_PIXELS)
    ? mean
    : undefined;
}

/** How far from each other two lenses of one size put a pixel, at most. */
function shiftPixels(one: ColmapCamera, other: ColmapCamera): number {
  const { width, height, parameters: [focal] } = other;
  const [a, b] = [projection(one), projection(other)];
  let largest = 0;
  for (let row = 0; row <= STEPS; row++) {
    for (let column = 0; column <= STEPS; column++) {
      const x = (column / STEPS - 0.5) * width / focal, y = (row / STEPS - 0.5) * height / focal;
      const [u, v] = a(x, y), [otherU, otherV] = b(x, y);
      largest = Math.max(largest, Math.hypot(u - otherU, v - otherV));
    }
  }
  return largest;
}

/** `PINHOLE 64 x 48, 60 60 32 24` */
export function inWords({ model, width, height, parameters }: ColmapCamera): string {
  return `${shown(model)} ${width} x ${height}, ${[...parameters].join(" ")}`;
}
