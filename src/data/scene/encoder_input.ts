// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { resizeBilinear } from "../resize.ts";

/** ImageNet's mean and standard deviation of 0..255 RGB. */
const MEAN = [123.675, 116.28, 103.53], STD = [58.395, 57.12, 57.375];

/**
 * The video encoder's input: frames resized bilinearly, minus ImageNet's mean, over its standard deviation.
 *
 * @param images Frames `[frames, height, width, 3]`, RGB 0..255.
 * @param size What the encoder sees; the official code squeezes frames to 270 wide × 480 high.
 * @returns `[frames, size.height, size.width, 3]`.
 */
export function encoderInput(
  images: NdArray<Uint8Array>,
  size: { width: number; height: number } = { width: 270, height: 480 },
): NdArray<Float32Array> {
  const [frames, height, width] = images.shape;
  const { width: newWidth, height: newHeight } = size;
  const input = new Float32Array(frames * newHeight * newWidth * 3);
  for (let frame = 0; frame < frames; frame++) {
    const bytes = images.data.subarray(
      frame * height * width * 3,
      (frame + 1) * height * width * 3,
    );
    const resized = resizeBilinear(ndarray(bytes, [height, width, 3]), newWidth, newHeight).data;
    const start = frame * resized.length;
    for (let i = 0; i < resized.length; i++) {
      input[start + i] = (resized[i] - MEAN[i % 3]) / STD[i % 3];
    }
  }
  return ndarray(input, [frames, newHeight, newWidth, 3]);
}

/**
 * Frames enlarged for the image encoder, whose maps are a quarter of what it sees.
 *
 * @param images Frames `[frames, height, width, 3]`, RGB 0..255.
 * @param scale A whole number; 1 gives the frames themselves.
 */
export function enlargedFrames(images: NdArray<Uint8Array>, scale: number): NdArray<Uint8Array> {
  if (scale === 1) return images;
  const [frames, height, width] = images.shape;
  const size = height * width * 3;
  const enlarged = new Uint8Array(frames * size * scale ** 2);
  for (let frame = 0; frame < frames; frame++) {
    const bytes = images.data.subarray(frame * size, (frame + 1) * size);
    const resized = resizeBilinear(
      ndarray(bytes, [height, width, 3]),
      width * scale,
      height * scale,
    );
    enlarged.set(resized.data.map(Math.round), frame * size * scale ** 2);
  }
  return ndarray(enlarged, [frames, height * scale, width * scale, 3]);
}
