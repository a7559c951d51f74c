// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { PinholeCamera } from "../data/scene/camera.ts";
import {
  COLMAP_CAMERA_MODELS,
  type ColmapModel,
  type RigidPose,
} from "../data/given/colmap/model.ts";
import { colmapPoses } from "../data/given/colmap/poses.ts";
import { DataError } from "../data/data_error.ts";
import { type PosedFrames, requireOneLens } from "../data/given/posed_frames.ts";
import { NOTICEABLE_SHIFT_PIXELS } from "./undistort.ts";

/** Numbers in a row: 3×5 pose, near, far. */
const COLUMNS = 17;

/**
 * The file `poses_bounds.npy` of a COLMAP model: {@linkcode posesBoundsOf} of {@linkcode colmapPoses}.
 *
 * @param frameNames The frames, `000.png`; an image may be called `000.jpg` for it.
 * @returns `[frames, 17]`.
 * @throws {DataError} As they do.
 */
export function posesBounds(
  model: ColmapModel,
  frameNames: readonly string[],
): NdArray<Float64Array> {
  return posesBoundsOf(colmapPoses(model, frameNames));
}

/**
 * The LLFF file `poses_bounds.npy`: a row a frame, the 3×5 matrix `[down, right, back, origin, (height, width, focal)]` row by
 * row, then near and far; nothing scaled or recentred.
 *
 * The format knows one focal length, a principal point in the middle and no distortion: what the lens has of these is lost.
 *
 * @returns `[frames, 17]`.
 * @throws {DataError} If the lens has another focal length in y, by half a pixel or more at the edge, or the frames have several.
 */
export function posesBoundsOf(
  posed: PosedFrames,
): NdArray<Float64Array> {
  requireOneLens(posed);
  const { camera, frames } = posed, { width, height, parameters: [focalPixels] } = camera;
  const hasFocalY = COLMAP_CAMERA_MODELS[camera.model][1] === "fy";
  const focalY = hasFocalY ? camera.parameters[1] : focalPixels;
  if (Math.abs(focalY / focalPixels - 1) * height / 2 > NOTICEABLE_SHIFT_PIXELS) {
    throw new DataError(
      `Cannot write poses_bounds.npy: the focal length is ${focalPixels} pixels in x and ${focalY} in ` +
        `y, and the file knows one; straighten the frames first`,
    );
  }
  const rows = new Float64Array(frames.length * COLUMNS);
  frames.forEach(({ cameraToWorld, near, far }, frame) => {
    const start = frame * COLUMNS;
    for (let row = 0; row < 3; row++) {
      const [right, up, back, origin] = cameraToWorld.subarray(row * 4, row * 4 + 4);
      rows.set([-up, right, back, origin, [height, width, focalPixels][row]], start + row * 5);
    }
    rows.set([near, far], start + 15);
  });
  return ndarray(rows, [frames.length, COLUMNS]);
}

/**
 * The camera and the poses, world to camera, that a file `poses_bounds.npy` stands for: the inverse of
 * {@linkcode posesBoundsOf}.
 *
 * @param posesBounds `[frames, 17]`; the camera is that of the first row.
 */
export function posesOf(
  posesBounds: NdArray<Float64Array>,
): { camera: PinholeCamera; poses: RigidPose[] } {
  const [frames] = posesBounds.shape;
  const [height, width, focalPixels] = [4, 9, 14].map((column) => posesBounds.data[column]);
  const poses = Array.from({ length: frames }, (_, frame): RigidPose => {
    const row = posesBounds.data.subarray(frame * COLUMNS, (frame + 1) * COLUMNS);
    const column = (i: number) => [row[i], row[5 + i], row[10 + i]];
    const [down, right, back, origin] = [0, 1, 2, 3].map(column);
    const rotation = Float64Array.of(...right, ...down, ...back.map((value) => -value));
    const translation = Float64Array.from(
      [0, 3, 6],
      (start) =>
        -(rotation[start] * origin[0] + rotation[start + 1] * origin[1] +
          rotation[start + 2] * origin[2]),
    );
    return { rotation, translation };
  });
  return { camera: { focalPixels, width, height }, poses };
}
