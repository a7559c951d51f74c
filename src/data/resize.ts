// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";

// All functions take a contiguous picture [height, width] or [height, width, channels] and return a new one. A
// pixel's centre lies at index + 0.5.

type Samples = Float32Array | Float64Array | Uint8Array;

/** The input samples that make one output sample: `first`, `first + 1`, …, each with its weight. */
interface Taps {
  first: number;
  weights: number[];
}

/** Resizes by picking samples: output i is input `floor(i · old / new)`, as OpenCV's nearest. */
export function resizeNearest<D extends Float32Array | Uint8Array>(
  picture: NdArray<D>,
  width: number,
  height: number,
): NdArray<D> {
  const [oldHeight, oldWidth, channels = 1] = picture.shape;
  const size = height * width * channels;
  const data = picture.data instanceof Uint8Array ? new Uint8Array(size) : new Float32Array(size);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y * oldHeight / height) * oldWidth;
    for (let x = 0; x < width; x++) {
      const from = (row + Math.floor(x * oldWidth / width)) * channels;
      for (let channel = 0; channel < channels; channel++) {
        data[to++] = picture.data[from + channel];
      }
    }
  }
  return ndarray(data as D, [height, width, ...picture.shape.slice(2)]);
}

/**
 * Resizes by linear interpolation between pixel centres, clamped at the edges, without smoothing first (as
 * OpenCV's linear and PyTorch's `align_corners=False`).
 */
export function resizeBilinear(
  picture: NdArray<Float32Array | Uint8Array>,
  width: number,
  height: number,
): NdArray<Float32Array> {
  const [oldHeight, oldWidth] = picture.shape;
  const resized = resample(picture, linearTaps(oldHeight, height), linearTaps(oldWidth, width));
  return ndarray(Float32Array.from(resized.data), resized.shape);
}

/** Resizes flow `[height, width, 2]` bilinearly; its x is scaled by new/old width, its y by new/old height. */
export function resizeFlow(
  flow: NdArray<Float32Array>,
  width: number,
  height: number,
): NdArray<Float32Array> {
  const [oldHeight, oldWidth] = flow.shape;
  const resized = resizeBilinear(flow, width, height);
  for (let i = 0; i < resized.data.length; i += 2) {
    resized.data[i] *= width / oldWidth;
    resized.data[i + 1] *= height / oldHeight;
  }
  return resized;
}

/**
 * Resizes by cubic interpolation between pixel centres (a = −0.75), edges repeated, without smoothing first (as OpenCV's
 * cubic and PyTorch's bicubic with `align_corners=False`). Values can leave the range of the old ones.
 */
export function resizeCubic(
  picture: NdArray<Float32Array | Uint8Array>,
  width: number,
  height: number,
): NdArray<Float32Array> {
  const [oldHeight, oldWidth] = picture.shape;
  const resized = resample(picture, cubicTaps(oldHeight, height), cubicTaps(oldWidth, width));
  return ndarray(Float32Array.from(resized.data), resized.shape);
}

/**
 * Resizes with a Lanczos filter of 3 lobes, stretched when shrinking so that it smooths, on the stored (gamma)
 * values: ImageMagick's `-resize`, to within 1 of 255.
 */
export function resizeLanczos(
  image: NdArray<Uint8Array>,
  width: number,
  height: number,
): NdArray<Uint8Array> {
  const [oldHeight, oldWidth] = image.shape;
  return rounded(resample(image, lanczosTaps(oldHeight, height), lanczosTaps(oldWidth, width)));
}

/**
 * Shrinks by averaging the area that each output pixel covers, rounded half up; to half size that is the mean
 * of 2 × 2 pixels, OpenCV's linear resizing of 8-bit images to half.
 */
export function resizeArea(
  image: NdArray<Uint8Array>,
  width: number,
  height: number,
): NdArray<Uint8Array> {
  const [oldHeight, oldWidth] = image.shape;
  return rounded(resample(image, areaTaps(oldHeight, height), areaTaps(oldWidth, width)));
}

function linearTaps(oldLength: number, newLength: number): Taps[] {
  return Array.from({ length: newLength }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * oldLength / newLength - 0.5, 0), oldLength - 1);
    const first = Math.min(Math.floor(at), Math.max(oldLength - 2, 0));
    return { first, weights: oldLength === 1 ? [1] : [1 - (at - first), at - first] };
  });
}

function cubicTaps(oldLength: number, newLength: number): Taps[] {
  const a = -0.75;
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1; // |d| ≤ 1
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; // 1 < |d| ≤ 2
  const inside = (i: number) => Math.min(Math.max(i, 0), oldLength - 1);
  return Array.from({ length: newLength }, (_, i) => {
    const at = (i + 0.5) * oldLength / newLength - 0.5, base = Math.floor(at), share = at - base;
    const first = inside(base - 1);
    const weights = new Array<number>(inside(base + 2) - first + 1).fill(0);
    [far(1 + share), near(share), near(1 - share), far(2 - share)].forEach((weight, k) =>
      weights[inside(base - 1 + k) - first] += weight
    );
    return { first, weights };
  });
}

function areaTaps(oldLength: number, newLength: number): Taps[] {
  const scale = oldLength / newLength;
  return Array.from({ length: newLength }, (_, i) => {
    const from = i * scale, to = Math.min((i + 1) * scale, oldLength);
    const first = Math.floor(from);
    const weights = Array.from(
      { length: Math.ceil(to) - first },
      (_, k) => (Math.min(first + k + 1, to) - Math.max(first + k, from)) / scale,
    );
    return { first, weights };
  });
}

function lanczosTaps(oldLength: number, newLength: number): Taps[] {
  const scale = Math.max(oldLength / newLength, 1), lobes = 3;
  return Array.from({ length: newLength }, (_, i) => {
    const centre = (i + 0.5) * oldLength / newLength;
    const first = Math.floor(Math.max(centre - lobes * scale + 0.5, 0));
    const end = Math.floor(Math.min(centre + lobes * scale + 0.5, oldLength));
    const weights = Array.from({ length: end - first }, (_, k) => {
      const distance = (first + k + 0.5 - centre) / scale;
      return sinc(distance) * sinc(distance / lobes);
    });
    const sum = weights.reduce((sum, weight) => sum + weight);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Applies a filter along the rows, then one along the columns. */
function resample(picture: NdArray<Samples>, rows: Taps[], columns: Taps[]): NdArray<Float64Array> {
  const [oldHeight, oldWidth, channels = 1] = picture.shape;
  const height = rows.length, width = columns.length;
  const narrow = new Float64Array(oldHeight * width * channels);
  for (let y = 0, to = 0; y < oldHeight; y++) {
    for (const { first, weights } of columns) {
      for (let channel = 0; channel < channels; channel++, to++) {
        let from = (y * oldWidth + first) * channels + channel;
        for (const weight of weights) {
          narrow[to] += weight * picture.data[from];
          from += channels;
        }
      }
    }
  }
  const rowLength = width * channels;
  const resized = new Float64Array(height * rowLength);
  rows.forEach(({ first, weights }, y) => {
    weights.forEach((weight, k) => {
      const to = y * rowLength, from = (first + k) * rowLength;
      for (let i = 0; i < rowLength; i++) resized[to + i] += weight * narrow[from + i];
    });
  });
  return ndarray(resized, [height, width, ...picture.shape.slice(2)]);
}

function rounded(picture: NdArray<Float64Array>): NdArray<Uint8Array> {
  const bytes = Uint8Array.from(
    picture.data,
    (value) => Math.min(Math.max(Math.floor(value + 0.5), 0), 255),
  );
  return ndarray(bytes, picture.shape);
}
