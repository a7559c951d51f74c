// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { flowPicture, flowRadius } from "./layer_pictures.ts";

/**
 * Inverse depth for people, `[height, width]` of 16 bits: `65535 (d − min)/(max − min)`, truncated; 0 where all is one depth.
 *
 * @param inverseDepth `[height, width]`.
 */
export function disparityPicture(inverseDepth: NdArray<Float32Array>): NdArray<Uint16Array> {
  const { data, shape } = inverseDepth;
  let least = Infinity, most = -Infinity;
  for (const value of data) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const scale = most > least ? 65535 / (most - least) : 0;
  return ndarray(Uint16Array.from(data, (value) => scale * (value - least)), shape.slice());
}

/**
 * Flow for people in the Middlebury colors, full at the longest vector of the picture: {@linkcode flowPicture} as RAFT's
 * `flow_viz` scales it.
 *
 * @param flow `[height, width, 2]`, x right then y down, pixels.
 */
export function flowWheelPicture(flow: NdArray<Float32Array>): NdArray<Uint8Array> {
  return flowPicture(flow, flowRadius([flow], 1) + 1e-5);
}
