// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { ColmapCamera } from "../data/given/colmap/model.ts";
import { inside, lens, type Place, requireSize, straightCamera } from "./undistort.ts";

/** Steps in which a straight place is found, each of which leaves a small share of the shift's change over the shift. */
const STEPS = 20;

/** Which lenses a flow is between. */
export interface StraightFlowOptions {
  /** The lens of the frame that the flow leads to; by default that of the frame it starts from. */
  to?: ColmapCamera;
  /** What frames shall be as if taken by; by default `straightCamera`. */
  straight?: ColmapCamera;
}

/**
 * Optical flow between frames as they were filmed for the frames that {@linkcode undistortImage} makes of them.
 *
 * With L the lens, which puts a straight place where it is filmed: `straight(p) = L⁻¹(L(p) + F(L(p))) − p`, F bilinear, its edge
 * repeated. A flow that is exact before is so after, but for that blend.
 *
 * @param flow F, `[height, width, 2]`, x right then y down, pixels; of the camera's size.
 * @throws {DataError} If the flow has another size, or the camera model is one of fisheyes.
 */
export function undistortFlow(
  flow: NdArray<Float32Array>,
  camera: ColmapCamera,
  { to = camera, straight = straightCamera(camera) }: StraightFlowOptions = {},
): NdArray<Float32Array> {
  requireSize(flow, camera);
  const [height, width] = flow.shape;
  const toFilmed = lens(camera, straight), toStraight = straightPlace(to, straight);
  const values = new Float32Array(flow.data.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 2) {
      const [u, v] = toFilmed(x + 0.5, y + 0.5);
      const [flowX, flowY] = bilinear(flow, u - 0.5, v - 0.5);
      const [goalX, goalY] = toStraight(u + flowX, v + flowY);
      values[at] = goalX - (x + 0.5);
      values[at + 1] = goalY - (y + 0.5);
    }
  }
  return ndarray(values, flow.shape.slice());
}

/**
 * A mask of a straight frame for the frame as it was filmed, the other way of `undistortMask`: the nearest value, the edge
 * repeated.
 *
 * @param mask `[height, width]`, of the camera's size.
 * @throws {DataError} If the mask has another size, or the camera model is one of fisheyes.
 */
export function distortMask(
  mask: NdArray<Uint8Array>,
  camera: ColmapCamera,
  straight: ColmapCamera = straightCamera(camera),
): NdArray<Uint8Array> {
  requireSize(mask, camera);
  const [height, width] = mask.shape;
  const toStraight = straightPlace(camera, straight);
  const filmed = new Uint8Array(mask.data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = toStraight(x + 0.5, y + 0.5);
      filmed[to++] =
        mask.data[inside(Math.floor(v), height) * width + inside(Math.floor(u), width)];
    }
  }
  return ndarray(filmed, [height, width]);
}

/** The inverse of the lens, by steps of its own miss. */
function straightPlace(
  camera: ColmapCamera,
  straight: ColmapCamera,
): (u: number, v: number) => Place {
  const toFilmed = lens(camera, straight);
  return (u, v) => {
    let straightU = u, straightV = v;
    for (let step = 0; step < STEPS; step++) {
      const [filmedU, filmedV] = toFilmed(straightU, straightV);
      const missU = u - filmedU, missV = v - filmedV;
      straightU += missU;
      straightV += missV;
      if (Math.abs(missU) + Math.abs(missV) < 1e-6) break;
    }
    return [straightU, straightV];
  };
}

function bilinear(flow: NdArray<Float32Array>, x: number, y: number): [number, number] {
  const { data, shape: [height, width] } = flow;
  const left = Math.floor(x), top = Math.floor(y), shareX = x - left, shareY = y - top;
  const column0 = inside(left, width), column1 = inside(left + 1, width);
  const row0 = inside(top, height) * width, row1 = inside(top + 1, height) * width;
  const blend = (channel: number) => {
    const at = (pixel: number) => data[2 * pixel + channel];
    const above = (1 - shareX) * at(row0 + column0) + shareX * at(row0 + column1);
    const below = (1 - shareX) * at(row1 + column0) + shareX * at(row1 + column1);
    return (1 - shareY) * above + shareY * below;
  };
  return [blend(0), blend(1)];
}
