/**
 * Cameras as kernels read them.
 *
 * @module
 */
import type { Camera } from "../data/scene/camera.ts";

/** The frames around the one that is rendered, as kernels number them; the twin is `wgsl/common/camera.wgsl`. */
export const slots = { before: 0, current: 1, after: 2 } as const;

/** One of {@link slots}. */
export type Slot = typeof slots[keyof typeof slots];

/** Numbers of one camera in `wgsl/common/camera.wgsl`. */
const recordLength = 16;

/** One camera's numbers: rows of `[R | o]`, focal, width, height in pixels, and one that says something of it. */
export function cameraRecord(camera: Camera, last: number): number[] {
  const { cameraToWorld, focalPixels, width, height } = camera;
  return [...cameraToWorld, focalPixels, width, height, last];
}

/**
 * The cameras of the frames before, at and after one, `(3, 16)`: rows of `[R | o]`, focal, width, height in pixels, and
 * whether there is such a frame. Beyond the first and last frame stands the current camera, marked as not valid.
 *
 * @throws when `frame` is none of the scene's.
 */
export function cameraRecords(cameras: readonly Camera[], frame: number): Float32Array {
  if (!cameras[frame]) {
    throw new RangeError(
      `Cannot make camera records of frame ${frame}: the scene has frames 0 to ${
        cameras.length - 1
      }`,
    );
  }
  const records = new Float32Array(3 * recordLength);
  for (const slot of Object.values(slots)) {
    const neighbour = cameras[frame + slot - slots.current];
    const camera = neighbour ?? cameras[frame];
    const valid = neighbour ? 1 : 0;
    records.set(cameraRecord(camera, valid), slot * recordLength);
  }
  return records;
}

/**
 * The records of a camera that belongs to no frame, a novel view's: itself in all three slots, all valid.
 *
 * @param after the camera after it, where that is another one
 */
export function viewRecords(camera: Camera, after: Camera = camera): Float32Array {
  return cameraRecords([camera, camera, after], 1);
}
