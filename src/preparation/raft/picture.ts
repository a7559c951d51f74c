/**
 * Frames as RAFT's encoders see them.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { upsampling } from "../../ops/convex_upsample.ts";
import type { FrameMaps } from "../../ops/frame_maps.ts";
import { type Upload, uploadFrames } from "../../nets/encoder.ts";

/** A frame's size, and what is added so that its sides are multiples of 8. */
export interface PaddedSize {
  readonly height: number;
  readonly width: number;
  /** Rows above and columns to the left; the rest is added below and to the right. */
  readonly top: number;
  readonly left: number;
  readonly paddedHeight: number;
  readonly paddedWidth: number;
}

/** RAFT's padding "sintel": half of what is missing on either side, the odd pixel below or right. */
export function paddedSize(height: number, width: number): PaddedSize {
  const missing = (length: number) => (upsampling - length % upsampling) % upsampling;
  return {
    height,
    width,
    top: Math.floor(missing(height) / 2),
    left: Math.floor(missing(width) / 2),
    paddedHeight: height + missing(height),
    paddedWidth: width + missing(width),
  };
}

/**
 * A frame on the device: `2·I/255 − 1`, its edge repeated up to the padded size.
 *
 * @param frame `[height, width, 3]`, RGB in 0…255
 */
export function uploadPicture(
  upload: Upload,
  frame: NdArray<Uint8Array | Float32Array>,
  { height, width, top, left, paddedHeight, paddedWidth }: PaddedSize,
): FrameMaps {
  const values = new Float32Array(paddedHeight * paddedWidth * 3);
  const inside = (at: number, length: number) => Math.min(Math.max(at, 0), length - 1);
  for (let row = 0, i = 0; row < paddedHeight; row++) {
    for (let column = 0; column < paddedWidth; column++) {
      for (let channel = 0; channel < 3; channel++, i++) {
        values[i] = frame.get(inside(row - top, height), inside(column - left, width), channel);
      }
    }
  }
  const clip = ndarray(values, [1, paddedHeight, paddedWidth, 3]);
  return uploadFrames(upload, "raft", [clip], Array(3).fill(2 / 255), Array(3).fill(-1));
}
