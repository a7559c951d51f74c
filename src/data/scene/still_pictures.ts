/**
 * What each frame of a scene shows of what stands still, for points to look for themselves in.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { absoluteDepthNdc } from "./absolute_depth.ts";
import type { Camera } from "./camera.ts";
import type { Scene } from "./scene.ts";

/** Pixels that moving regions grow by on each side: as far as features near them have seen them. */
const grown = 2;

/**
 * `[frames, height, width, 2]`: 1 where nothing moves within two pixels, else 0; and the measured absolute depth, NDC −1…1.
 */
export function stillPictures(scene: Scene): NdArray<Float32Array> {
  const { frames, width, height, moving } = scene;
  const depths = absoluteDepthNdc(scene).data;
  const pictures = new Float32Array(frames * height * width * 2);
  for (let frame = 0, i = 0; frame < frames; frame++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        pictures[2 * i] = isNearMoving(frame, x, y) ? 0 : 1;
        pictures[2 * i + 1] = 2 * depths[i] - 1;
      }
    }
  }
  return ndarray(pictures, [frames, height, width, 2]);

  function isNearMoving(frame: number, x: number, y: number): boolean {
    for (let v = Math.max(0, y - grown); v <= Math.min(height - 1, y + grown); v++) {
      for (let u = Math.max(0, x - grown); u <= Math.min(width - 1, x + grown); u++) {
        if (moving.data[(frame * height + v) * width + u] !== 0) return true;
      }
    }
    return false;
  }
}

/** Mean square of the distance from a camera to its nearest other one, world units; 1 where there is no other. */
export function squaredSpacing(cameras: readonly Camera[]): number {
  const squares = cameras.map((camera) =>
    Math.min(
      ...cameras.filter((other) => other !== camera).map((other) =>
        [3, 7, 11].reduce(
          (sum, i) => sum + (camera.cameraToWorld[i] - other.cameraToWorld[i]) ** 2,
          0,
        )
      ),
    )
  ).filter((square) => square > 0 && square < Infinity);
  return squares.length ? squares.reduce((sum, square) => sum + square, 0) / squares.length : 1;
}
