// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { percentile } from "../percentile.ts";

/** How a pinhole camera sees, wherever it stands. */
export interface PinholeCamera {
  /** Focal length, pixels. */
  focalPixels: number;
  /** Pixels; the principal point is (width / 2, height / 2). */
  width: number;
  /** Pixels. */
  height: number;
}

/** A pinhole camera in its place; its axes are x right, y up, z backwards (it looks along −z). */
export interface Camera extends PinholeCamera {
  /** Camera to world, row-major 3×4 `[R | o]`. */
  cameraToWorld: Float32Array;
}

/** The cameras of a scene and the depths it spans, in the scene's own units. */
export interface CameraRig {
  /** One a frame, recentred about their average. */
  cameras: Camera[];
  /** `[frames, 2]`: near and far. */
  bounds: NdArray<Float32Array>;
}

/**
 * Cameras of an LLFF file `poses_bounds.npy`.
 *
 * Columns `[down, right, back]` become `[right, up, back]`; translations and bounds are divided by
 * `percentile₅(near) · 0.9`, so that everything lies beyond distance 1; then the average pose is moved to the origin.
 *
 * @param posesBounds `[frames, 17]`: 3×5 row-major `[down, right, back, origin, (height, width, focal)]`, near, far.
 * @param image What the cameras shall have: size in pixels, and the factor that multiplies the file's focal.
 */
export function camerasFromLlff(
  posesBounds: NdArray<Float64Array>,
  image: { width: number; height: number; focalScale: number },
): CameraRig {
  const [frames, columns] = posesBounds.shape;
  const at = (frame: number, column: number) => posesBounds.data[frame * columns + column];
  const frameNumbers = Array.from({ length: frames }, (_, frame) => frame);
  const scale = 1 / (percentile(frameNumbers.map((frame) => at(frame, 15)), 5) * 0.9);
  const bounds = new Float32Array(frames * 2);
  const poses = frameNumbers.map((frame) => {
    const pose = new Float64Array(12);
    for (let row = 0; row < 3; row++) {
      pose[row * 4] = at(frame, row * 5 + 1);
      pose[row * 4 + 1] = -at(frame, row * 5);
      pose[row * 4 + 2] = at(frame, row * 5 + 2);
      pose[row * 4 + 3] = at(frame, row * 5 + 3) * scale;
    }
    bounds[frame * 2] = at(frame, 15) * scale;
    bounds[frame * 2 + 1] = at(frame, 16) * scale;
    return pose;
  });
  const toCentre = inverse(average(poses));
  const cameras = poses.map((pose, frame): Camera => ({
    cameraToWorld: Float32Array.from(compose(toCentre, pose)),
    focalPixels: at(frame, 14) * image.focalScale,
    width: image.width,
    height: image.height,
  }));
  return { cameras, bounds: ndarray(bounds, [frames, 2]) };
}

/**
 * The pose in the middle of some cameras, as 3×4: mean origin; z = normalised sum of their z axes;
 * x = up × z normalised, with up the sum of their y axes; y = z × x.
 */
export function averagePose(cameras: readonly Camera[]): Float32Array {
  return Float32Array.from(
    average(cameras.map((camera) => Float64Array.from(camera.cameraToWorld))),
  );
}

/** How far a path around a reference camera goes. */
export interface PathOptions {
  /** Cameras of the translating path; default 60. */
  views?: number;
  /** Cameras of the zooming paths; default 31. */
  zoomViews?: number;
  /** Sideways excursion, in pixels at distance 1; default 48. */
  excursionPixels?: number;
  /** Loss of focal length at the end of the dolly zoom, in pixels; default 200. */
  dollyPixels?: number;
}

/**
 * Cameras on an ellipse about a reference: `ref · T⁻¹`, where T moves by
 * `(d sin φ, 0.33 d (cos φ − 1), 0)`, φ = 2πi/views, d = 48/focal.
 */
export function translatingPath(reference: Camera, options: PathOptions = {}): Camera[] {
  const { views = 60, excursionPixels = 48 } = options;
  const distance = excursionPixels / reference.focalPixels;
  return Array.from({ length: views }, (_, i) => {
    const angle = 2 * Math.PI * i / views;
    return moved(
      reference,
      distance * Math.sin(angle),
      distance * (Math.cos(angle) - 1) * 0.33,
      0,
    );
  });
}

/** Cameras that approach: `ref · T⁻¹`, where T moves z by `5 d i / (zoomViews − 1)`, d = 48/focal. */
export function zoomingPath(reference: Camera, options: PathOptions = {}): Camera[] {
  const { zoomViews = 31, excursionPixels = 48 } = options;
  const distance = excursionPixels / reference.focalPixels;
  return Array.from(
    { length: zoomViews },
    (_, i) => moved(reference, 0, 0, distance * 5 * i / Math.max(1, zoomViews - 1)),
  );
}

/** {@linkcode zoomingPath} with the focal lowered step by step, in all by `dollyPixels`. */
export function dollyZoomPath(reference: Camera, options: PathOptions = {}): Camera[] {
  const { dollyPixels = 200 } = options;
  return zoomingPath(reference, options).map((camera, i, all) => ({
    ...camera,
    focalPixels: reference.focalPixels - dollyPixels * i / Math.max(1, all.length - 1),
  }));
}

/** `camera · T⁻¹`, with T a translation: the camera moves against it, along its own axes. */
function moved(camera: Camera, x: number, y: number, z: number): Camera {
  const back = Float64Array.of(1, 0, 0, -x, 0, 1, 0, -y, 0, 0, 1, -z);
  const pose = compose(Float64Array.from(camera.cameraToWorld), back);
  return { ...camera, cameraToWorld: Float32Array.from(pose) };
}

/** Product of two 3×4 poses, each with (0, 0, 0, 1) as its fourth row. */
function compose(a: Float64Array, b: Float64Array): Float64Array {
  const product = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 4; column++) {
      let sum = column === 3 ? a[row * 4 + 3] : 0;
      for (let k = 0; k < 3; k++) sum += a[row * 4 + k] * b[k * 4 + column];
      product[row * 4 + column] = sum;
    }
  }
  return product;
}

/** Inverse of a rigid 3×4 pose: `[Rᵀ | −Rᵀ o]`. */
function inverse(pose: Float64Array): Float64Array {
  const result = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      result[row * 4 + column] = pose[column * 4 + row];
      result[row * 4 + 3] -= pose[column * 4 + row] * pose[column * 4 + 3];
    }
  }
  return result;
}

function average(poses: Float64Array[]): Float64Array {
  const sum = new Float64Array(12);
  for (const pose of poses) pose.forEach((value, i) => sum[i] += value);
  const column = (i: number): number[] => [sum[i], sum[i + 4], sum[i + 8]];
  const z = normalized(column(2));
  const x = normalized(cross(column(1), z));
  const y = cross(z, x);
  const centre = column(3).map((value) => value / poses.length);
  return Float64Array.from([0, 1, 2].flatMap((row) => [x[row], y[row], z[row], centre[row]]));
}

function cross([ax, ay, az]: number[], [bx, by, bz]: number[]): number[] {
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

function normalized(vector: number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
