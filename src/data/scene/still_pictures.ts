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
 * `[frames, height, width, 4]`: 1 where nothing moves within two pixels, else 0; the measured absolute depth, NDC −1…1; and how
 * far it is to the nearest pixel that has a 1, right and down (0 where there is none in the frame).
 */
export function stillPictures(scene: Scene): NdArray<Float32Array> {
  const { frames, width, height, moving } = scene;
  const size = width * height;
  const depths = absoluteDepthNdc(scene).data;
  const pictures = new Float32Array(frames * size * 4);
  for (let frame = 0; frame < frames; frame++) {
    const still = stillPixels(moving.data.subarray(frame * size, (frame + 1) * size), width);
    const nearest = nearestPixels(still, width);
    for (let pixel = 0; pixel < size; pixel++) {
      const to = nearest[pixel] < 0 ? pixel : nearest[pixel];
      const right = to % width - pixel % width;
      const down = Math.floor(to / width) - Math.floor(pixel / width);
      const i = frame * size + pixel;
      pictures.set([still[pixel], 2 * depths[i] - 1, right, down], 4 * i);
    }
  }
  return ndarray(pictures, [frames, height, width, 4]);
}

/** 1 where nothing moves within {@link grown} pixels. */
function stillPixels(moving: ArrayLike<number>, width: number): Uint8Array {
  const height = moving.length / width;
  return Uint8Array.from({ length: moving.length }, (_, pixel) => {
    const x = pixel % width, y = Math.floor(pixel / width);
    for (let v = Math.max(0, y - grown); v <= Math.min(height - 1, y + grown); v++) {
      for (let u = Math.max(0, x - grown); u <= Math.min(width - 1, x + grown); u++) {
        if (moving[v * width + u] !== 0) return 0;
      }
    }
    return 1;
  });
}

/** Of each pixel the one nearest to it that is set, nearly always (by a walk over neighbours); −1 where none is. */
function nearestPixels(set: Uint8Array, width: number): Int32Array {
  const height = set.length / width;
  const nearest = Int32Array.from(set, (value, pixel) => value ? pixel : -1);
  const square = (a: number, b: number) =>
    (a % width - b % width) ** 2 + (Math.floor(a / width) - Math.floor(b / width)) ** 2;
  const take = (pixel: number, x: number, y: number) => {
    if (x < 0 || x >= width || y < 0 || y >= height) return;
    const found = nearest[y * width + x];
    if (found < 0) return;
    if (nearest[pixel] < 0 || square(pixel, found) < square(pixel, nearest[pixel])) {
      nearest[pixel] = found;
    }
  };
  // two sweeps, each of which looks at the half of the neighbours that it has passed (Danielsson 1980)
  for (const sign of [1, -1]) {
    for (let i = 0; i < set.length; i++) {
      const pixel = sign > 0 ? i : set.length - 1 - i;
      const x = pixel % width, y = Math.floor(pixel / width);
      for (const [dx, dy] of [[-1, 0], [-1, -1], [0, -1], [1, -1]]) {
        take(pixel, x + sign * dx, y + sign * dy);
      }
    }
  }
  return nearest;
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
