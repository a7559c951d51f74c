/**
 * Points between pixels, the world and normalised device coordinates, a few at a time: what `wgsl/common/ndc.wgsl` does to many.
 *
 * @module
 */
import type { Vector3 } from "../vectors.ts";
import type { Camera } from "./camera.ts";
import { pixelRay } from "./pixel_ray.ts";

const ndcNear = -1, ndcFar = 0.999;

/** `(W, H)/(2f)`: what x and y of NDC are multiplied by at distance 1. */
export function ndcExtent({ width, height, focalPixels }: Camera): [number, number] {
  return [width / (2 * focalPixels), height / (2 * focalPixels)];
}

/**
 * NDC to world: `z = 2/(clamp(z_ndc, −1, 0.999) − 1)`, `(x, y) = −(x, y)_ndc · z · (W, H)/(2f)` (src/rendering/README.md#ndc).
 *
 * @param camera one of the scene's, which span its NDC
 */
export function ndcToWorld([x, y, z]: Vector3, camera: Camera): Vector3 {
  const [across, up] = ndcExtent(camera);
  const depth = -2 / (Math.min(Math.max(z, ndcNear), ndcFar) - 1);
  return [x * depth * across, y * depth * up, -depth];
}

/**
 * World to NDC, with near plane 1: the inverse of {@link ndcToWorld}.
 *
 * @param camera one of the scene's, which span its NDC
 * @throws {RangeError} If the point does not lie beyond the near plane z = −1.
 */
export function worldToNdc(point: Vector3, camera: Camera): Vector3 {
  const [x, y, z] = point;
  if (!(z <= -1 + 1e-6)) {
    throw new RangeError(
      `Cannot take (${
        point.join(", ")
      }) to NDC: its z is ${z}, wanted at most -1, where NDC begins`,
    );
  }
  const [across, up] = ndcExtent(camera);
  return [-x / (z * across), -y / (z * up), 1 + 2 / z];
}

/**
 * The world's point that a pixel shows at an NDC depth: where the pixel's ray meets the plane `z = −1/(1 − depth)`.
 *
 * @param pixel x and y
 * @param depthNdc as rendered depths are: 0 nearest, 1 farthest
 */
export function pixelToWorld(
  [x, y]: readonly [number, number],
  depthNdc: number,
  camera: Camera,
): Vector3 {
  const { originWorld: [ox, oy, oz], directionWorld: [dx, dy, dz] } = pixelRay(camera, x, y);
  const z = 2 / (Math.min(Math.max(2 * depthNdc - 1, ndcNear), ndcFar) - 1);
  const along = (z - oz) / dz;
  return [ox + along * dx, oy + along * dy, z];
}

/** The pixel that shows a point of the world; undefined where the point does not lie before the camera. */
export function worldToPixel(
  [x, y, z]: Vector3,
  { cameraToWorld: c, focalPixels, width, height }: Camera,
): [x: number, y: number] | undefined {
  const [dx, dy, dz] = [x - c[3], y - c[7], z - c[11]];
  const [right, up, back] = [0, 1, 2].map((axis) =>
    c[axis] * dx + c[axis + 4] * dy + c[axis + 8] * dz
  );
  if (!(back < 0)) return undefined;
  return [width / 2 - right / back * focalPixels, height / 2 + up / back * focalPixels];
}
