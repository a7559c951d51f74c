// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { ColmapCamera } from "../data/given/colmap/model.ts";
import { type Place, projection } from "../data/given/projection.ts";
import { DataError } from "../data/data_error.ts";

// A pixel's centre lies at index + 0.5 in the coordinates of a lens; x, y are on the plane at depth 1.

export { NOTICEABLE_SHIFT_PIXELS } from "../data/given/shared_lens.ts";
export type { Place } from "../data/given/projection.ts";

/** Steps of the grid on which {@linkcode largestShiftPixels} looks, from edge to edge. */
const SHIFT_STEPS = 32;
/** How much of its view a straight camera may lose at the most, as a factor of its focal length, and how near the least is found. */
const MOST_ZOOM = 4, ZOOM_STEPS = 24;

/**
 * The camera that all of MonoNeRF computes with in place of a lens, or of several: no distortion, the principal point in the
 * middle, one focal length in x and y. That is the first focal length of the lens (of several the mean), or where the picture
 * would then show what the lens did not film (pincushions, a principal point off the middle) the least above it that shows
 * nothing else.
 *
 * @throws {DataError} If there is none up to four times as long.
 */
export function straightCamera(...lenses: [ColmapCamera, ...ColmapCamera[]]): ColmapCamera {
  const plain = plainCamera(...lenses);
  const zoom = leastZoom(lenses, plain);
  if (zoom === 1) return plain;
  const [focal, x, y] = plain.parameters;
  return { ...plain, parameters: Float64Array.of(focal * zoom, x, y) };
}

/** The straight camera of the lens's own focal length, which may show what the lens did not film. */
function plainCamera(...lenses: [ColmapCamera, ...ColmapCamera[]]): ColmapCamera {
  const { id, width, height } = lenses[0];
  const focal = lenses.reduce((sum, { parameters }) => sum + parameters[0], 0) / lenses.length;
  const parameters = Float64Array.of(focal, width / 2, height / 2);
  return { id, model: "SIMPLE_PINHOLE", width, height, parameters };
}

/** How many times longer the focal length must be for the picture to lie in what all lenses filmed. */
function leastZoom(lenses: readonly ColmapCamera[], plain: ColmapCamera): number {
  const { width, height } = plain;
  const border: Place[] = [];
  for (let x = 0.5; x < width; x++) border.push([x, 0.5], [x, height - 0.5]);
  for (let y = 0.5; y < height; y++) border.push([0.5, y], [width - 0.5, y]);
  const places = lenses.map((camera) => lens(camera, plain));
  const isFilmed = (zoom: number) =>
    places.every((place) =>
      border.every(([x, y]) => {
        const u = width / 2 + (x - width / 2) / zoom, v = height / 2 + (y - height / 2) / zoom;
        const [lensU, lensV] = place(u, v);
        return lensU >= 0 && lensU <= width && lensV >= 0 && lensV <= height;
      })
    );
  if (isFilmed(1)) return 1;
  let [least, enough] = [1, MOST_ZOOM];
  if (!isFilmed(enough)) {
    throw new DataError(
      `Cannot straighten frames of ${width} x ${height}: by their lens (${lenses[0].model} ${
        [...lenses[0].parameters].map((value) => value.toFixed(3)).join(" ")
      }) less than a quarter of their width shows anything; pose them again, with less distortion and ` +
        `the principal point near the middle`,
    );
  }
  for (let step = 0; step < ZOOM_STEPS; step++) {
    const middle = (least + enough) / 2;
    if (isFilmed(middle)) enough = middle;
    else least = middle;
  }
  return enough;
}

/**
 * How far a lens puts a pixel from where a camera of its focal length without distortion has it, at most, in pixels; mostly in the
 * corners.
 *
 * @throws {DataError} If its camera model is one of fisheyes.
 */
export function largestShiftPixels(camera: ColmapCamera): number {
  const place = lens(camera, plainCamera(camera)), { width, height } = camera;
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
 * a linear blend would blur what the field is trained on. Poses and depths stay as they are.
 *
 * @param image `[height, width, 3]`, of the camera's size.
 * @param straight What it shall be as if taken by; by default {@linkcode straightCamera}, of which it shows no pixel that was not filmed.
 * @throws {DataError} If the frame has another size, or the camera model is one of fisheyes.
 */
export function undistortImage(
  image: NdArray<Uint8Array>,
  camera: ColmapCamera,
  straight: ColmapCamera = straightCamera(camera),
): NdArray<Uint8Array> {
  requireSize(image, camera);
  const [height, width, channels] = image.shape, { data } = image;
  const place = lens(camera, straight);
  const pixels = new Uint8ClampedArray(data.length); // rounds and clamps what is stored
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
        pixels[to] = sum;
      }
    }
  }
  return ndarray(new Uint8Array(pixels.buffer), image.shape.slice());
}

/**
 * A mask or a depth map of a frame for the frame that {@linkcode undistortImage} makes: the nearest value.
 *
 * @param mask `[height, width]`, of the camera's size.
 * @param straight As in {@linkcode undistortImage}.
 * @throws {DataError} If the mask has another size, or the camera model is one of fisheyes.
 */
export function undistortMask<D extends Uint8Array | Float32Array>(
  mask: NdArray<D>,
  camera: ColmapCamera,
  straight: ColmapCamera = straightCamera(camera),
): NdArray<D> {
  requireSize(mask, camera);
  const [height, width] = mask.shape;
  const place = lens(camera, straight);
  const values = mask.data.slice() as D;
  for (let v = 0, to = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const [lensU, lensV] = place(u + 0.5, v + 0.5);
      const row = inside(Math.floor(lensV), height), column = inside(Math.floor(lensU), width);
      values[to++] = mask.data[row * width + column];
    }
  }
  return ndarray(values, [height, width]);
}

/**
 * Where the lens puts what the straight camera has at a place.
 *
 * @throws {DataError} If the camera model is one of fisheyes.
 */
export function lens(
  camera: ColmapCamera,
  straight: ColmapCamera = straightCamera(camera),
): (u: number, v: number) => Place {
  const [straightF, middleX, middleY] = straight.parameters;
  const project = projection(camera);
  return (u, v) => project((u - middleX) / straightF, (v - middleY) / straightF);
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
