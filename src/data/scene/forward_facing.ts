import { DataError } from "../data_error.ts";
import type { Camera } from "./camera.ts";

/**
 * How far from the mean viewing direction a ray may lead, degrees. Rays are marched in normalised device coordinates, which divide
 * by a ray's z: they know no ray at 90 degrees or beyond, and stretch near there without end.
 */
const WIDEST_ANGLE = 84;

/**
 * Refuses cameras that do not look one way, since the method sees the world from its front.
 *
 * @param path Where the poses came from, for messages.
 * @throws {DataError} If a ray through a frame's corner leads too far aside: names the frame with the widest one.
 */
export function requireForwardFacing(cameras: readonly Camera[], path: string): void {
  const angles = cameras.map(({ cameraToWorld, focalPixels, width, height }) => {
    const x = width / 2 / focalPixels, y = height / 2 / focalPixels, length = Math.hypot(x, y, 1);
    const forward = [[x, y], [-x, y], [x, -y], [-x, -y]].map(([right, up]) =>
      (cameraToWorld[10] - cameraToWorld[8] * right - cameraToWorld[9] * up) / length
    );
    return Math.acos(Math.max(-1, Math.min(1, Math.min(...forward)))) * 180 / Math.PI;
  });
  if (angles.every((angle) => angle <= WIDEST_ANGLE)) return; // of cameras all around there is no mean, but NaN
  const widest = angles.reduce((best, angle, i) => angle > angles[best] ? i : best, 0);
  const own = Math.acos(Math.max(-1, Math.min(1, cameras[widest].cameraToWorld[10]))) * 180 /
    Math.PI;
  throw new DataError(
    `Cannot use "${path}": its cameras do not all look one way. Camera ${widest} of ${cameras.length} (from 0) looks ` +
      `${own.toFixed(0)} degrees away from the mean direction, and its corners see ${
        angles[widest].toFixed(0)
      } degrees ` +
      `aside, wanted ${WIDEST_ANGLE} at most: the method sees a scene from its front, not from all around; take a ` +
      `stretch of the video in which the camera turns less, or check the poses`,
  );
}
