// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { ColmapCamera } from "../data/given/colmap/model.ts";
import { DataError } from "../data/data_error.ts";

// A pixel's centre lies at index + 0.5 in the coordinates of a lens; x, y are on the plane at depth 1.

/** Frames are worth straightening where a pixel moves by more than this. */
export const NOTICEABLE_SHIFT_PIXELS = 0.5;

/** A place in a picture, pixels, centres at .5. */
export type Place = [u: number, v: number];

/** Steps of the grid on which {@linkcode largestShiftPixels} looks, from edge to edge. */
const SHIFT_STEPS = 32;

/**
 * The camera that all of MonoNeRF computes with in place of a lens: its first focal length in x and y, the principal point in
 * the middle, no distortion.
 */
export function straightCamera(camera: ColmapCamera): ColmapCamera {
  const { id, width, height, parameters } = camera;
  const straight = Float64Array.of(parameters[0], width / 2, height / 2);
  return { id, model: "SIMPLE_PINHOLE", width, height, parameters: straight };
}

/**
 * How far a lens puts a pixel from where {@linkcode straightCamera} has it, at most, in pixels; mostly in the corners.
 *
 * @throws {DataError} If its camera model is one of fisheyes.
 */
export function largestShiftPixels(camera: ColmapCamera): number {
  const place = lens(camera), { width, height } = camera;
  let largest = 0;
  for (let row = 0; row <= SHIFT_STEPS; row++) {
    for (let column = 0; column <= SHIFT_STEPS; column++) {
      const u = 0.5 + (width - 1) * column / SHIFT_STEPS;
      const v = 0.5 + (height - 1) * row / SHIFT_STEPS;
      const [lensU, lensV] = place(u, v);
      largest = Math.max(largest, Math.hypot(lensU - u, lensV - v));
    }
  }
  return largest;
}

/**
 * A frame as {@linkcode straightCamera} would have taken it.
 *
 * Straight pixel (u, v) is the frame at the place where the lens puts `x = (u + 0.5 − w/2)/f`, `y = (v + 0.5 − h/2)/f`; for
 * SIMPLE_RADIAL that is `f·x·(1 + k r²) + cx − 0.5`. Cubic (Catmull-Rom, a = −0.5), since most places lie between pixels, where
 * a linear blend would blur what the field is trained on; the edge is repeated. Poses, focal length and depths stay as they are.
 *
 * @param image `[height, width, 3]`, of the camera's size.
 * @throws {DataError} If the frame has another size, or the camera model is one of fisheyes.
 */
export function undistortImage(
  image: NdArray<Uint8Array>,
  camera: ColmapCamera,
): NdArray<Uint8Array> {
  requireSize(image, camera);
  const [height, width, channels] = image.shape, { data } = image;
  const place = lens(camera);
  const straight = new Uint8ClampedArray(data.length); // rounds and clamps what is stored
  const columns = new Int32Array(4), rows = new Int32Array(4);
  const weightsX = new Float64Array(4), weightsY = new Float64Array(4);
  for (let v = 0, to = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const [lensU, lensV] = place(u + 0.5, v + 0.5);
      catmullRom(lensU - 0.5, width, columns, weightsX);
      catmullRom(lensV - 0.5, height, rows, weightsY);
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = 0;
        for (let j = 0; j < 4; j++) {
          const from = rows[j] * width;
          for (let i = 0; i < 4; i++) {
            sum += weightsY[j] * weightsX[i] * data[(from + columns[i]) * channels + channel];
          }
        }
        straight[to] = sum;
      }
    }
  }
  return ndarray(new Uint8Array(straight.buffer), image.shape.slice());
}

/**
 * A mask or a depth map of a frame for the frame that {@linkcode undistortImage} makes: the nearest value.
 *
 * @param mask `[height, width]`, of the camera's size.
 * @throws {DataError} If the mask has another size, or the camera model is one of fisheyes.
 */
export function undistortMask<D extends Uint8Array | Float32Array>(
  mask: NdArray<D>,
  camera: ColmapCamera,
): NdArray<D> {
  requireSize(mask, camera);
  const [height, width] = mask.shape;
  const place = lens(camera);
  const straight = mask.data.slice() as D;
  for (let v = 0, to = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const [lensU, lensV] = place(u + 0.5, v + 0.5);
      const row = inside(Math.floor(lensV), height), column = inside(Math.floor(lensU), width);
      straight[to++] = mask.data[row * width + column];
    }
  }
  return ndarray(straight, [height, width]);
}

/**
 * Where the lens puts what the straight camera has at a place.
 *
 * @throws {DataError} If the camera model is one of fisheyes.
 */
export function lens(camera: ColmapCamera): (u: number, v: number) => Place {
  const [straightF, middleX, middleY] = straightCamera(camera).parameters;
  const project = projection(camera);
  return (u, v) => project((u - middleX) / straightF, (v - middleY) / straightF);
}

/** The lens: from the plane at depth 1 to the picture, by COLMAP's definitions. */
function projection({ model, parameters: p }: ColmapCamera): (x: number, y: number) => Place {
  switch (model) {
    case "SIMPLE_PINHOLE":
      return (x, y) => [p[0] * x + p[1], p[0] * y + p[2]];
    case "PINHOLE":
      return (x, y) => [p[0] * x + p[2], p[1] * y + p[3]];
    case "SIMPLE_RADIAL":
    case "RADIAL": {
      const [f, cx, cy, k1, k2 = 0] = p;
      return (x, y) => {
        const r2 = x * x + y * y, radial = 1 + r2 * (k1 + r2 * k2);
        return [f * x * radial + cx, f * y * radial + cy];
      };
    }
    case "OPENCV":
    case "FULL_OPENCV": {
      const [fx, fy, cx, cy, k1, k2, p1, p2, k3 = 0, k4 = 0, k5 = 0, k6 = 0] = p;
      return (x, y) => {
        const r2 = x * x + y * y;
        const radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) /
          (1 + r2 * (k4 + r2 * (k5 + r2 * k6)));
        return [
          fx * (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) + cx,
          fy * (y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y)) + cy,
        ];
      };
    }
    default:
      throw new DataError(
        `Cannot straighten frames of camera model ${model}: MonoNeRF needs pinhole views; run ` +
          `colmap image_undistorter and prepare its images, or take SIMPLE_RADIAL`,
      );
  }
}

/** The four samples about a place, indices within the picture, and their weights. */
function catmullRom(
  at: number,
  length: number,
  indices: Int32Array,
  weights: Float64Array,
): void {
  const first = Math.floor(at), f = at - first;
  for (let k = 0; k < 4; k++) indices[k] = inside(first - 1 + k, length);
  weights[0] = ((-0.5 * f + 1) * f - 0.5) * f;
  weights[1] = (1.5 * f - 2.5) * f * f + 1;
  weights[2] = ((-1.5 * f + 2) * f + 0.5) * f;
  weights[3] = (0.5 * f - 0.5) * f * f;
}

/** The index nearest to one that may lie outside: repeats the edge. */
export function inside(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

/** @throws {DataError} If a picture, mask or flow does not have the size of the lens's pictures. */
export function requireSize(
  picture: NdArray<Uint8Array | Float32Array>,
  { width, height }: ColmapCamera,
): void {
  const [foundHeight, foundWidth] = picture.shape;
  if (foundWidth === width && foundHeight === height) return;
  throw new DataError(
    `Cannot straighten a frame of ${foundWidth} x ${foundHeight}: the camera is for ` +
      `${width} x ${height}; estimate the poses for these frames`,
  );
}
