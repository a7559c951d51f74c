/**
 * Rendered layers as 8-bit pictures for people: color, depth, dynamicness, optical flow and error.
 *
 * A picture is `[height, width, 3]`, sRGB, 0..255; every layer is contiguous in C order.
 *
 * @module
 */

// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";

/** Red, green and blue, 0..255, not rounded yet. */
export type Rgb = readonly [red: number, green: number, blue: number];
const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/**
 * The inferno map of matplotlib (van der Walt and Smith 2015, CC0) at ten equal steps: perceptually
 * uniform, and its lightness rises all the way, so it reads in grey too.
 */
const INFERNO = colorRamp("000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4");

/** The viridis map of matplotlib, by the same authors, at ten equal steps. */
const VIRIDIS = colorRamp("440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725");

/** Flow above this many pixels means "unknown" in the Middlebury files. */
const UNKNOWN_FLOW_PIXELS = 1e9;

/**
 * `floor(255 x)` of each value, clamped to 0..255: the 8-bit form that the metrics are defined on.
 *
 * The product is rounded to float32 first, as NumPy does with a float32 array. NaN becomes 0.
 *
 * @param values Any shape, 0..1.
 */
export function to8bit(values: NdArray<Float32Array>): NdArray<Uint8Array> {
  const bytes = Uint8Array.from(
    flat(values),
    (x) => Math.fround(255 * Math.min(Math.max(x, 0), 1)),
  );
  return ndarray(bytes, values.shape.slice());
}

/**
 * A depth map in the inferno colors, near bright and far dark.
 *
 * @param depthNdc Depth, `[height, width]`, 0 nearest and 1 farthest.
 * @param range Depths shown brightest and darkest.
 */
export function depthPicture(
  depthNdc: NdArray<Float32Array>,
  range: readonly [near: number, far: number] = [0, 1],
): NdArray<Uint8Array> {
  const depth = flat(depthNdc);
  const [near, far] = range;
  return picture(depthNdc.shape, (pixel) => INFERNO((far - depth[pixel]) / (far - near)));
}

/**
 * Dynamicness in grey: black where the static field is seen, white where the dynamic one is.
 *
 * @param dynamicness `[height, width]`, 0..1.
 */
export function dynamicnessPicture(dynamicness: NdArray<Float32Array>): NdArray<Uint8Array> {
  const grey = to8bit(dynamicness).data;
  return picture(dynamicness.shape, (pixel) => [grey[pixel], grey[pixel], grey[pixel]]);
}

/**
 * Mean absolute difference over the channels in the viridis colors: purple where the pictures
 * agree.
 *
 * @param actual Picture, `[height, width, 3]`.
 * @param expected Picture of the same shape.
 * @param fullScale Difference shown in the brightest color, of 255.
 * @throws {RangeError} If the shapes differ.
 */
export function differencePicture(
  actual: NdArray<Uint8Array>,
  expected: NdArray<Uint8Array>,
  fullScale = 64,
): NdArray<Uint8Array> {
  if (`${actual.shape}` !== `${expected.shape}`) {
    throw new RangeError(
      `Cannot draw a difference: the pictures are (${actual.shape}) and (${expected.shape}), ` +
        `wanted one shape`,
    );
  }
  const a = flat(actual), e = flat(expected);
  return picture(actual.shape, (pixel) => {
    let sum = 0;
    for (let i = 3 * pixel; i < 3 * pixel + 3; i++) sum += Math.abs(a[i] - e[i]);
    return VIRIDIS(sum / 3 / fullScale);
  });
}

/**
 * Optical flow in the Middlebury colors (Baker et al. 2011): hue is direction, white is rest, full
 * color is `maxRadius`.
 *
 * Longer vectors are darkened; unknown ones (not finite, or above 1e9) are black.
 *
 * @param flowPixels Flow, `[height, width, 2]`, x right then y down, in pixels.
 * @param maxRadius Length in full color, in pixels; the longest known vector by default.
 */
export function flowPicture(
  flowPixels: NdArray<Float32Array>,
  maxRadius: number = flowRadius([flowPixels], 1),
): NdArray<Uint8Array> {
  const flow = flat(flowPixels);
  return picture(flowPixels.shape, (pixel) => {
    const x = flow[2 * pixel], y = flow[2 * pixel + 1];
    return isKnown(x, y) ? flowColor(x, y, maxRadius) : BLACK;
  });
}

/**
 * A length that colors several flows alike: the given quantile of the lengths of all their known
 * vectors, in pixels.
 *
 * Positive also when nothing moves, so that it can be divided by.
 *
 * @param flowsPixels Flows, each `[height, width, 2]`, in pixels.
 * @param quantile 0..1; below 1 it leaves out a few wild vectors.
 */
export function flowRadius(
  flowsPixels: readonly NdArray<Float32Array>[],
  quantile = 0.99,
): number {
  const lengths: number[] = [];
  for (const flow of flowsPixels.map(flat)) {
    for (let i = 0; i < flow.length; i += 2) {
      if (isKnown(flow[i], flow[i + 1])) lengths.push(Math.hypot(flow[i], flow[i + 1]));
    }
  }
  const sorted = Float64Array.from(lengths).sort();
  return sorted[Math.round(quantile * (sorted.length - 1))] || Number.MIN_VALUE;
}

function isKnown(x: number, y: number): boolean {
  return Math.abs(x) <= UNKNOWN_FLOW_PIXELS && Math.abs(y) <= UNKNOWN_FLOW_PIXELS;
}

/**
 * The color wheel: 55 hues, unevenly spaced because the eye tells some apart better than others.
 * On each arc one channel rises or falls in the number of steps given, by `floor(255 i/n)`.
 */
const WHEEL: Rgb[] = [
  ...arc(15, [255, 0, 0], [255, 255, 0]), // red to yellow
  ...arc(6, [255, 255, 0], [0, 255, 0]), // yellow to green
  ...arc(4, [0, 255, 0], [0, 255, 255]), // green to cyan
  ...arc(11, [0, 255, 255], [0, 0, 255]), // cyan to blue
  ...arc(13, [0, 0, 255], [255, 0, 255]), // blue to magenta
  ...arc(6, [255, 0, 255], [255, 0, 0]), // magenta to red
];

function arc(steps: number, from: Rgb, to: Rgb): Rgb[] {
  return Array.from({ length: steps }, (_, i): Rgb => {
    const step = Math.floor(255 * i / steps);
    const at = (channel: 0 | 1 | 2) =>
      from[channel] + Math.sign(to[channel] - from[channel]) * step;
    return [at(0), at(1), at(2)];
  });
}

/** Color of a vector: right is red, down yellow, left cyan-blue, up violet. */
function flowColor(x: number, y: number, maxRadius: number): Rgb {
  const radius = Math.hypot(x, y) / maxRadius;
  const place = (Math.atan2(-y, -x) / Math.PI + 1) / 2 * (WHEEL.length - 1);
  const first = Math.floor(place);
  const hue = mix(WHEEL[first], WHEEL[(first + 1) % WHEEL.length], place - first);
  const [red, green, blue] = radius <= 1 ? mix(WHITE, hue, radius) : mix(BLACK, hue, 0.75);
  return [Math.floor(red), Math.floor(green), Math.floor(blue)];
}

/**
 * A color map through `rrggbb` stops at equal steps, linear in between; what is below 0, or NaN,
 * is the first stop.
 */
export function colorRamp(stops: string): (x: number) => Rgb {
  const colors = stops.split(" ").map((stop): Rgb => {
    const rgb = parseInt(stop, 16);
    return [rgb >> 16, rgb >> 8 & 255, rgb & 255];
  });
  return (x) => {
    const place = (x > 0 ? Math.min(x, 1) : 0) * (colors.length - 1);
    const first = Math.min(Math.floor(place), colors.length - 2);
    return mix(colors[first], colors[first + 1], place - first);
  };
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const at = (channel: 0 | 1 | 2) => from[channel] + share * (to[channel] - from[channel]);
  return [at(0), at(1), at(2)];
}

/** A picture of a layer `[height, width, …]`, pixel by pixel, rounded to bytes. */
function picture(layerShape: number[], color: (pixel: number) => Rgb): NdArray<Uint8Array> {
  const [height, width] = layerShape;
  const bytes = new Uint8ClampedArray(height * width * 3); // rounds and clamps what is stored
  for (let pixel = 0; pixel < height * width; pixel++) bytes.set(color(pixel), 3 * pixel);
  return ndarray(new Uint8Array(bytes.buffer), [height, width, 3]);
}

/** The values of a contiguous array, as they lie. */
function flat<T extends Float32Array | Uint8Array>(array: NdArray<T>): T {
  return array.data.subarray(array.offset, array.offset + array.size) as T;
}
