// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";

// Masks are contiguous, [height, width]: anything but 0 is in, results are 0 and 1. A disk of radius r has the places
// with dx² + dy² ≤ r²: 5 for 1 (a plus), 13 for 2 (rows of 1, 3, 5, 3, 1). What lies outside the picture never wins.

/** Takes away what is within a disk of anything out: 1 where all of the disk about a pixel is in. */
export function erode(mask: NdArray<Uint8Array>, radius: number): NdArray<Uint8Array> {
  return overDisk(mask, radius, 0);
}

/** Adds what is within a disk of anything in: 1 where any of the disk about a pixel is in. */
export function dilate(mask: NdArray<Uint8Array>, radius: number): NdArray<Uint8Array> {
  return overDisk(mask, radius, 1);
}

/** Takes away what a disk does not fit into: {@linkcode erode}, then {@linkcode dilate}. */
export function open(mask: NdArray<Uint8Array>, radius: number): NdArray<Uint8Array> {
  return dilate(erode(mask, radius), radius);
}

/** Gives each pixel `winner` where any pixel of the disk about it has that value, else the other. */
function overDisk(mask: NdArray<Uint8Array>, radius: number, winner: 0 | 1): NdArray<Uint8Array> {
  const [height, width] = mask.shape;
  const result = new Uint8Array(height * width).fill(1 - winner);
  for (let dy = -radius; dy <= radius; dy++) {
    const reach = Math.floor(Math.sqrt(radius * radius - dy * dy));
    for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++) {
      for (let x = 0; x < width; x++) {
        if ((mask.data[(y + dy) * width + x] !== 0 ? 1 : 0) !== winner) continue;
        const row = y * width;
        result.fill(winner, row + Math.max(0, x - reach), row + Math.min(width, x + reach + 1));
      }
    }
  }
  return ndarray(result, [height, width]);
}
