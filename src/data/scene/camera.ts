// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { percentile } from "../percentile.ts";
import { column, composed, cross, inversePose, normalized } from "../vectors.ts";

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
  const toCentre = inversePose(average(poses));
  const cameras = poses.map((pose, frame): Camera => ({
    cameraToWorld: Float32Array.from(composed(toCentre, pose)),
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

function average(poses: Float64Array[]): Float64Array {
  const sum = new Float64Array(12);
  for (const pose of poses) pose.forEach((value, i) => sum[i] += value);
  const z = normalized(column(sum, 2));
  const x = normalized(cross(column(sum, 1), z));
  const y = cross(z, x);
  const centre = column(sum, 3).map((value) => value / poses.length);
  return Float64Array.from([0, 1, 2].flatMap((row) => [x[row], y[row], z[row], centre[row]]));
}
