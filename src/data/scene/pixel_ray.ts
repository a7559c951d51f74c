import type { Vector3 } from "../vectors.ts";
import type { Camera } from "./camera.ts";

/** A ray through a pixel, in the world and in NDC. */
export interface PixelRay {
  /** The camera's centre. */
  readonly originWorld: Vector3;
  /** Its z in camera axes is −1. */
  readonly directionWorld: Vector3;
  /** The same of length 1. */
  readonly viewDirection: Vector3;
  /** On the plane z = −1. */
  readonly originNdc: Vector3;
  /** Not normalised; z is 2. */
  readonly directionNdc: Vector3;
}

/** The ray through a pixel in float64: what the kernel of `cameraRays` does for many. */
export function pixelRay(camera: Camera, x: number, y: number): PixelRay {
  const { cameraToWorld: m, focalPixels, width, height } = camera;
  const right = (x - width / 2) / focalPixels, up = (height / 2 - y) / focalPixels;
  const turned = (row: number) => m[4 * row] * right + m[4 * row + 1] * up - m[4 * row + 2];
  const directionWorld = [turned(0), turned(1), turned(2)] as const;
  const originWorld = [m[3], m[7], m[11]] as const;
  const length = Math.hypot(...directionWorld);
  const [dx, dy, dz] = directionWorld;
  const travel = -(1 + originWorld[2]) / dz;
  const onPlane = [originWorld[0] + travel * dx, originWorld[1] + travel * dy];
  const scale = [2 * focalPixels / width, 2 * focalPixels / height];
  return {
    originWorld,
    directionWorld,
    viewDirection: [dx / length, dy / length, dz / length],
    originNdc: [scale[0] * onPlane[0], scale[1] * onPlane[1], -1],
    directionNdc: [-scale[0] * (dx / dz + onPlane[0]), -scale[1] * (dy / dz + onPlane[1]), 2],
  };
}
