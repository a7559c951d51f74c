import type { Camera } from "../../src/data/scene/camera.ts";
import { ndcToWorld, worldToPixel } from "../../src/data/scene/ndc.ts";
import { cameraRecord, viewRecords } from "../../src/rendering/camera_records.ts";
import { type CheckedInput, randomArray } from "./gpu.ts";

/** A rig of cameras that look along −z, each a little turned. */
export function rig(frames: number, seed: number): Camera[] {
  return Array.from({ length: frames }, (_, f) => {
    const angle = 0.04 * (f - frames / 2);
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    return {
      cameraToWorld: Float32Array.of(
        ...[c, 0, s, 0.11 * f + 0.02 * seed],
        ...[0, 1, 0, 0.05 * (f % 3)],
        ...[-s, 0, c, 0.03 * seed],
      ),
      focalPixels: 24,
      width: 32,
      height: 18,
    };
  });
}

/** Points, views, cameras and pictures of two scenes with 4 and 7 frames. */
export function seenInputs(points: number): Record<string, CheckedInput> {
  const fixed = (shape: number[], data: Float32Array): CheckedInput => {
    return { shape, data, differentiable: false };
  };
  const rigs = rigsOf();
  return {
    points: {
      ...fixed([2, points, 3], randomArray(11, 6 * points, -0.95, 0.95)),
      layout: "blocks",
    },
    views: fixed(
      [2, 3, 16],
      Float32Array.from(rigs.flatMap((cameras) => [...viewRecords(cameras[1])])),
    ),
    ...Object.fromEntries(rigs.flatMap((cameras, s) => {
      const pictures = randomArray(20 + s, cameras.length * 18 * 32 * 4);
      return [
        [
          `cameras${s}`,
          fixed(
            [cameras.length, 16],
            Float32Array.from(cameras.flatMap((camera) => cameraRecord(camera, 1 / spacing))),
          ),
        ],
        [
          `pictures${s}`,
          fixed(
            [cameras.length, 18, 32, 4],
            pictures.map((value, i) =>
              i % 4 === 0 ? Number(value > -0.4) : i % 4 === 1 ? value : Math.round(2 * value)
            ),
          ),
        ],
      ];
    })),
  };
}

/** Square of the rigs' spacing. */
export const spacing = 0.0121;

export const rigsOf = (): Camera[][] => [rig(4, 0), rig(7, 1)];

/** Where a frame's camera sees an NDC point, and whether it lies before it. */
export function seenAt(
  p: readonly [number, number, number],
  cameras: readonly Camera[],
  frame: number,
): [number, number] | undefined {
  return worldToPixel(ndcToWorld(p, cameras[0]), cameras[frame]);
}
