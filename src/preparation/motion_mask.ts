// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { PinholeCamera } from "../data/scene/camera.ts";
import type { RigidPose } from "../data/given/colmap/model.ts";
import { someNames } from "../data/given/posed_frames.ts";
import { resizeNearest } from "../data/resize.ts";
import { dilate, open } from "./morphology.ts";

/** Distance from the epipolar line above which a pixel moves by itself. */
const THRESHOLD_PIXELS = 1;
/** Radii of the disks of the opening, and of the widening at the end. */
const OPENING_RADIUS = 1, WIDENING_RADIUS = 2;
/** Baseline over depth below which nothing can be told from epipolar lines. */
const LEAST_BASELINE = 1e-3;

/** A neighbouring frame, and the flow to it. */
export interface NeighbourFlow {
  /** Of the neighbour. */
  pose: RigidPose;
  /** `[height, width, 2]`, x right then y down, pixels. */
  flow: NdArray<Float32Array>;
  /** `[height, width]`: 1 where the flow can be trusted; read where {@linkcode MotionMaskOptions.requireValid} says so. */
  valid?: NdArray<Uint8Array>;
}

/** A frame with its neighbours in time; at either end one is missing. */
export interface FrameMotion {
  /** Its own. */
  pose: RigidPose;
  /** The frame before it, with the backward flow. */
  previous?: NeighbourFlow | undefined;
  /** The frame after it, with the forward flow. */
  next?: NeighbourFlow | undefined;
  /** Where objects are that count as moving, `[height, width]` of any size: anything but 0. */
  semantic?: NdArray<Uint8Array>;
}

/** How moving pixels are told. */
export interface MotionMaskOptions {
  /** Moving is farther from the epipolar line than this, pixels; default 1, as the authors' script has it at every size. */
  thresholdPixels?: number;
  /** The same as a share of the frame's width, in place of pixels: equal masks at all sizes. 1/960 is a pixel of 960. */
  thresholdOfWidth?: number;
  /** Leaves out pixels whose flow is not valid, which occlusion makes look as if they moved; default false, as released. */
  requireValid?: boolean;
}

/** What moves in a frame. */
export interface MotionMask {
  /** `[height, width]`: the larger distance from an epipolar line, pixels. */
  distance: NdArray<Float64Array>;
  /** `[height, width]`: 1 where that is above the threshold, after the opening. */
  moving: NdArray<Uint8Array>;
  /** `[height, width]`: 1 where that or the semantic mask is, widened. */
  mask: NdArray<Uint8Array>;
}

/**
 * Marks what moves against the epipolar geometry of a frame and its neighbours.
 *
 * The larger distance of the flows' ends from their epipolar lines ({@linkcode epipolarDistance}) is above the threshold;
 * opened by a disk of 1; joined with the semantic mask, resized by nearest; dilated by a disk of 2.
 *
 * @param camera Of all frames; the flows have its size.
 * @throws {RangeError} If a flow or its validity has another size.
 */
export function motionMask(
  camera: PinholeCamera,
  frame: FrameMotion,
  options: MotionMaskOptions = {},
): MotionMask {
  const { width, height } = camera;
  const { thresholdOfWidth, requireValid = false } = options;
  const threshold = thresholdOfWidth === undefined
    ? options.thresholdPixels ?? THRESHOLD_PIXELS
    : thresholdOfWidth * width;
  const distance = new Float64Array(height * width);
  for (const neighbour of [frame.next, frame.previous]) {
    if (!neighbour) continue;
    const { data } = epipolarDistance(camera, frame.pose, neighbour);
    const trusted = requireValid ? neighbour.valid?.data : undefined;
    for (let pixel = 0; pixel < distance.length; pixel++) {
      if (trusted?.[pixel] === 0) continue;
      if (data[pixel] > distance[pixel]) distance[pixel] = data[pixel];
    }
  }
  const far = Uint8Array.from(distance, (pixels) => pixels > threshold ? 1 : 0);
  const moving = open(ndarray(far, [height, width]), OPENING_RADIUS);
  const joined = moving.data.slice();
  if (frame.semantic) {
    const objects = resizeNearest(frame.semantic, width, height).data;
    for (let pixel = 0; pixel < joined.length; pixel++) if (objects[pixel]) joined[pixel] = 1;
  }
  return {
    distance: ndarray(distance, [height, width]),
    moving,
    mask: dilate(ndarray(joined, [height, width]), WIDENING_RADIUS),
  };
}

/**
 * How far each pixel's goal lies from its epipolar line, `[height, width]`, pixels.
 *
 * `l = Fm p`, `|p'ᵀ l| / (√(l_x² + l_y²) + 1e-8)`, `p' = p + flow` with whole p; `Fm = K⁻ᵀ [t]ₓ R K⁻¹`,
 * `R = R_j R_iᵀ`, `t = t_j − R t_i`. In double precision, but p + flow in float32, as the authors' script.
 *
 * @throws {RangeError} If the flow does not have the camera's size.
 */
export function epipolarDistance(
  camera: PinholeCamera,
  pose: RigidPose,
  neighbour: NeighbourFlow,
): NdArray<Float64Array> {
  const { width, height } = camera, { flow, valid } = neighbour;
  for (const { shape } of valid ? [flow, valid] : [flow]) {
    if (shape[0] === height && shape[1] === width) continue;
    throw new RangeError(
      `Cannot tell motion from flow of ${shape[1]} x ${
        shape[0]
      }: the frames are ${width} x ${height}`,
    );
  }
  const m = fundamentalMatrix(camera, pose, neighbour.pose);
  const distance = new Float64Array(height * width);
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const lineX = m[0] * x + m[1] * y + m[2];
      const lineY = m[3] * x + m[4] * y + m[5];
      const lineW = m[6] * x + m[7] * y + m[8];
      const goalX = Math.fround(x + flow.data[2 * pixel]);
      const goalY = Math.fround(y + flow.data[2 * pixel + 1]);
      const length = Math.sqrt(lineX * lineX + lineY * lineY) + 1e-8;
      distance[pixel] = Math.abs(goalX * lineX + goalY * lineY + lineW) / length;
    }
  }
  return ndarray(distance, [height, width]);
}

/**
 * Says where cameras hardly moved between neighbours, so that motion cannot be told from epipolar lines there.
 *
 * @param poses Of all frames, in order of time.
 * @param depths How far the scene is in each frame, in the units of the poses: the median, or the middle of near and far.
 * @param names Of the frames.
 * @returns A sentence, or undefined where every baseline is 1e-3 of the depth or more.
 */
export function baselineWarning(
  poses: readonly RigidPose[],
  depths: ArrayLike<number>,
  names: readonly string[],
): string | undefined {
  const still = names.slice(1).filter((_, i) => {
    const { translation } = relativePose(poses[i], poses[i + 1]);
    return Math.hypot(...translation) < LEAST_BASELINE * Math.min(depths[i], depths[i + 1]);
  });
  if (still.length === 0) return undefined;
  return `The camera hardly moved before ${
    someNames(still)
  }: what moves there cannot be told from ` +
    `epipolar lines; give masks of the moving objects.`;
}

/** From the axes of camera i to those of camera j. */
function relativePose(i: RigidPose, j: RigidPose): { rotation: number[]; translation: number[] } {
  const [a, b] = [j.rotation, i.rotation];
  const rotation = [0, 1, 2].flatMap((row) =>
    [0, 1, 2].map((column) =>
      a[row * 3] * b[column * 3] + a[row * 3 + 1] * b[column * 3 + 1] +
      a[row * 3 + 2] * b[column * 3 + 2]
    )
  );
  const [x, y, z] = i.translation;
  const translation = [0, 3, 6].map((start, row) =>
    j.translation[row] -
    (rotation[start] * x + rotation[start + 1] * y + rotation[start + 2] * z)
  );
  return { rotation, translation };
}

/** `K⁻ᵀ [t]ₓ R K⁻¹`, 3×3 row-major. */
function fundamentalMatrix(camera: PinholeCamera, i: RigidPose, j: RigidPose): number[] {
  const { rotation, translation: [tx, ty, tz] } = relativePose(i, j);
  const cross = [0, -tz, ty, tz, 0, -tx, -ty, tx, 0];
  const f = camera.focalPixels, cx = camera.width / 2, cy = camera.height / 2;
  const inverseK = [1 / f, 0, -cx / f, 0, 1 / f, -cy / f, 0, 0, 1];
  const transposed = [0, 3, 6, 1, 4, 7, 2, 5, 8].map((at) => inverseK[at]);
  return product(transposed, product(product(cross, rotation), inverseK));
}

/** Product of two 3×3 matrices. */
function product(a: number[], b: number[]): number[] {
  return a.map((_, at) => {
    const row = at - at % 3, column = at % 3;
    return a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6];
  });
}
