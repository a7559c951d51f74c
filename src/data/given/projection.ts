import { DataError } from "../data_error.ts";
import type { ColmapCamera } from "./colmap/model.ts";

/** A place in a picture, pixels, centres at .5. */
export type Place = [u: number, v: number];

/**
 * The lens: from the plane at depth 1 to the picture, x right, y down, by COLMAP's definitions.
 *
 * @throws {DataError} If its camera model is one of fisheyes.
 */
export function projection(
  { model, parameters: p }: ColmapCamera,
): (x: number, y: number) => Place {
  switch (model) {
    case "SIMPLE_PINHOLE":
      return (x, y) => [p[0] * x + p[1], p[0] * y + p[2]];
    case "PINHOLE":
      return (x, y) => [p[0] * x + p[2], p[1] * y + p[3]];
    case "SIMPLE_RADIAL":
    case "RADIAL": {
      const [f, cx, cy, k1, k2 = 0] = p;
      return (x, y) => {
        const r2 = x * x + y * y, radial = 1 + r2 * (k1 + r2 * k2);
        return [f * x * radial + cx, f * y * radial + cy];
      };
    }
    case "OPENCV":
    case "FULL_OPENCV": {
      const [fx, fy, cx, cy, k1, k2, p1, p2, k3 = 0, k4 = 0, k5 = 0, k6 = 0] = p;
      return (x, y) => {
        const r2 = x * x + y * y;
        const radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) /
          (1 + r2 * (k4 + r2 * (k5 + r2 * k6)));
        return [
          fx * (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) + cx,
          fy * (y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y)) + cy,
        ];
      };
    }
    default:
      throw new DataError(
        `Cannot straighten frames of camera model ${model}: MonoNeRF needs pinhole views; run ` +
          `colmap image_undistorter and prepare its images, or take SIMPLE_RADIAL`,
      );
  }
}
