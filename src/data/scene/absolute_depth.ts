/**
 * Absolute depth from relative inverse depth: what the scene's cameras, flow and bounds say of its scale.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "./camera.ts";
import type { Scene } from "./scene.ts";

/** A line that takes relative inverse depth to 1/depth along the camera's axis, in the cameras' units. */
export interface InverseDepthLine {
  /** Of 1/depth by relative inverse depth; above 0. */
  readonly slope: number;
  /** 1/depth where the relative one is 0. */
  readonly offset: number;
}

/** Median error of flow, pixels, at which the slope that flow tells counts as much as that of the bounds. */
const EVEN_PIXELS = 0.1;
/** Rounds of reweighting; the line is settled long before. */
const ROUNDS = 10;

/**
 * `[frames, height, width]`: NDC depth in 0…1 along each pixel's ray, 0 on the near plane and 1 at infinity.
 *
 * With 1/depth δ, and o and d the camera's centre and the ray's direction whose z in camera axes is −1, the point is
 * `o + d/δ`, and `t = 1 + 1/z_world = 1 + δ/(o_z δ + d_z)`. What is nearer than the near plane is put on it.
 */
export function absoluteDepthNdc(scene: Scene): NdArray<Float32Array> {
  const { frames, width, height, cameras, inverseDepth } = scene;
  const size = width * height;
  const depths = new Float32Array(frames * size);
  for (let frame = 0; frame < frames; frame++) {
    const { slope, offset } = inverseDepthLine(scene, frame);
    const { cameraToWorld: m, focalPixels } = cameras[frame];
    for (let pixel = 0; pixel < size; pixel++) {
      const [x, y] = slopes(pixel, width, height, focalPixels);
      const i = frame * size + pixel;
      const inverse = Math.max(slope * inverseDepth.data[i] + offset, 0);
      const t = 1 + inverse / (m[11] * inverse + m[8] * x + m[9] * y - m[10]);
      depths[i] = Math.min(Math.max(t, 0), 1);
    }
  }
  return ndarray(depths, [frames, height, width]);
}

/**
 * Fits the line of a frame.
 *
 * Where nothing moves, the flow to the neighbouring frames is parallax: each pixel is one or two equations in the line, linear
 * ones, which are solved for the least sum of absolute errors in pixels. What is still may lie in one plane, and then its flow
 * tells no slope: so the slope is drawn to that of the bounds, where the 95th and the 5th percentile of inverse depth are 1/near
 * and 1/far, the more the worse the flow fits. Without parallax the bounds alone decide.
 */
export function inverseDepthLine(scene: Scene, frame: number): InverseDepthLine {
  const bounds = lineOfBounds(scene, frame);
  const { a, b, d } = parallax(scene, frame);
  let line = bounds;
  for (let round = 0; round < ROUNDS; round++) {
    const errors = a.map((a, i) => Math.abs(a * (line.slope * d[i] + line.offset) - b[i]));
    const typical = median(errors);
    // Σ w (a (slope·d + offset) − b)² with w that makes it Σ|…|, about the weighted mean of d
    let weight = 0, weightD = 0, weightDd = 0, y = 0, yd = 0;
    errors.forEach((error, i) => {
      const w = 1 / Math.max(error, typical, 1e-4);
      weight += w * a[i] * a[i];
      weightD += w * a[i] * a[i] * d[i];
      weightDd += w * a[i] * a[i] * d[i] * d[i];
      y += w * a[i] * b[i];
      yd += w * a[i] * b[i] * d[i];
    });
    if (!(weight > 0)) return bounds;
    const spread = weightDd - weightD * weightD / weight;
    const told = yd - weightD * y / weight; // slope · spread
    const share = (typical / EVEN_PIXELS) ** 2;
    const slope = spread > 0
      ? Math.max((told / spread + share * bounds.slope) / (1 + share), 0)
      : bounds.slope;
    line = { slope, offset: (y - slope * weightD) / weight };
  }
  return line;
}

/** The line that takes the 95th and 5th percentile of a frame's inverse depth to 1/near and 1/far. */
function lineOfBounds({ bounds, inverseDepth }: Scene, frame: number): InverseDepthLine {
  const [near, far] = [bounds.data[2 * frame], bounds.data[2 * frame + 1]];
  const size = inverseDepth.shape[1] * inverseDepth.shape[2];
  const sorted = inverseDepth.data.slice(frame * size, (frame + 1) * size).sort();
  const [low, high] = [5, 95].map((percent) => sorted[Math.round((size - 1) * percent / 100)]);
  if (!(high > low)) return { slope: 0, offset: 2 / (near + far) };
  const slope = (1 / near - 1 / far) / (high - low);
  return { slope, offset: 1 / far - slope * low };
}

/**
 * Equations `a·δ = b` in 1/depth δ, in pixels of the neighbouring frame, and the relative inverse depth `d` of their pixel: the
 * still ones whose flow can be trusted and stays inside.
 *
 * With p = R'ᵀ(o − o') and q = R'ᵀd the point is p + q/δ in the neighbour's axes, seen at slopes g = (x/−z, y/−z): for x,
 * `f (p_x + g_x p_z) δ = −f (q_x + g_x q_z)`.
 */
function parallax(scene: Scene, frame: number): Record<"a" | "b" | "d", number[]> {
  const { width, height, cameras, moving, inverseDepth } = scene;
  const size = width * height;
  const a: number[] = [], b: number[] = [], d: number[] = [];
  const neighbours = [
    [frame - 1, scene.flowBackward, scene.flowBackwardValid],
    [frame + 1, scene.flowForward, scene.flowForwardValid],
  ] as const;
  for (const [other, flow, valid] of neighbours) {
    if (!(other in cameras)) continue;
    const here = cameras[frame], there = cameras[other];
    const focal = there.focalPixels;
    const p = toAxes(there, [3, 7, 11].map((i) => here.cameraToWorld[i] - there.cameraToWorld[i]));
    for (let pixel = 0; pixel < size; pixel++) {
      const i = frame * size + pixel;
      if (moving.data[i] !== 0 || valid.data[i] === 0) continue;
      const u = pixel % width + flow.data[2 * i];
      const v = Math.floor(pixel / width) + flow.data[2 * i + 1];
      if (u < 0 || u > width - 1 || v < 0 || v > height - 1) continue;
      const [x, y] = slopes(pixel, width, height, here.focalPixels);
      const m = here.cameraToWorld;
      const q = toAxes(
        there,
        [0, 4, 8].map((row) => m[row] * x + m[row + 1] * y - m[row + 2]),
      );
      const seen = [(u - width / 2) / focal, (height / 2 - v) / focal];
      for (const k of [0, 1]) {
        a.push(focal * (p[k] + seen[k] * p[2]));
        b.push(-focal * (q[k] + seen[k] * q[2]));
        d.push(inverseDepth.data[i]);
      }
    }
  }
  return { a, b, d };
}

/** Right and up of the ray through a pixel, per unit of depth. */
function slopes(pixel: number, width: number, height: number, focal: number): [number, number] {
  return [(pixel % width - width / 2) / focal, (height / 2 - Math.floor(pixel / width)) / focal];
}

/** A world vector in the camera's axes. */
function toAxes({ cameraToWorld: m }: Camera, [x, y, z]: readonly number[]): number[] {
  return [0, 1, 2].map((column) => m[column] * x + m[4 + column] * y + m[8 + column] * z);
}

function median(values: readonly number[]): number {
  return Float64Array.from(values).sort()[values.length >> 1] ?? 0;
}
