// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../data/scene/camera.ts";

/** A picture to be predicted: frame `time` as camera number `camera` would see it. */
export interface View {
  /** Frame number, 0-based. */
  readonly time: number;
  /** Number of the camera in the scene's list: the one that took frame `camera`. */
  readonly camera: number;
}

/** Distances within this share of the largest one are equal: poses come from float32 files. */
const TIE = 1e-4;

/**
 * The input frame that a viewer would show who can only choose among the frames the model was
 * trained on.
 *
 * The frame whose camera centre is nearest to the view's; among equally near ones that which looks
 * most nearly the same way, then the nearest in time, then the earliest. In the Dynamic Scene
 * Dataset that is the frame taken by the view's own camera at another time: right wherever nothing
 * moves, and so a baseline that is hard to beat.
 *
 * @param cameras The camera of each frame: frame i was taken at time i by camera i.
 * @param view The held-out view.
 * @param inputFrames Frames to choose from; all by default.
 * @returns The chosen frame's number.
 * @throws {RangeError} If there is no frame to choose from or a number is out of range.
 */
export function nearestFrame(
  cameras: readonly Camera[],
  view: View,
  inputFrames: readonly number[] = cameras.map((_, frame) => frame),
): number {
  requireFrames(inputFrames, cameras.length);
  requireFrames([view.camera], cameras.length);
  const target = cameras[view.camera].cameraToWorld;
  const pose = (frame: number) => cameras[frame].cameraToWorld;

  let nearest = [...inputFrames].sort((a, b) => a - b);
  nearest = closest(nearest, (frame) => centreDistance(pose(frame), target));
  nearest = closest(nearest, (frame) => rotationDistance(pose(frame), target));
  nearest = closest(nearest, (frame) => Math.abs(frame - view.time));
  return nearest[0];
}

/**
 * The mean of the input frames, each value rounded to the nearest, `[height, width, 3]`.
 *
 * @param images All frames of the scene, `[frames, height, width, 3]`.
 * @param inputFrames Frames to average; all by default.
 * @throws {RangeError} If there is no frame to average or a number is out of range.
 */
export function meanImage(
  images: NdArray<Uint8Array>,
  inputFrames: readonly number[] = Array.from({ length: images.shape[0] }, (_, frame) => frame),
): NdArray<Uint8Array> {
  requireFrames(inputFrames, images.shape[0]);
  const shape = images.shape.slice(1);
  const values = shape[0] * shape[1] * shape[2];
  const sums = new Uint32Array(values);
  for (const frame of inputFrames) {
    const first = images.offset + frame * values;
    for (let i = 0; i < values; i++) sums[i] += images.data[first + i];
  }
  const mean = Uint8Array.from(sums, (sum) => Math.floor(sum / inputFrames.length + 0.5));
  return ndarray(mean, shape);
}

/** The frames of least cost, in their order. */
function closest(frames: number[], cost: (frame: number) => number): number[] {
  const costs = frames.map(cost);
  const limit = Math.min(...costs) + TIE * Math.max(...costs);
  return frames.filter((_, i) => costs[i] <= limit);
}

/** Distance of the centres o of two row-major 3×4 poses [R|o]. */
function centreDistance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(a[3] - b[3], a[7] - b[7], a[11] - b[11]);
}

/** Frobenius distance of the rotations R of two poses, `2√2 |sin(angle / 2)|`. */
function rotationDistance(a: Float32Array, b: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < 12; i++) if (i % 4 !== 3) squares += (a[i] - b[i]) ** 2;
  return Math.sqrt(squares);
}

function requireFrames(frames: readonly number[], count: number): void {
  if (frames.length === 0) throw new RangeError("Cannot make a baseline: no input frame is given");
  const wrong = frames.find((frame) => !Number.isInteger(frame) || frame < 0 || frame >= count);
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot make a baseline: frame ${wrong} is not one of the ${count} (0-based)`,
    );
  }
}
