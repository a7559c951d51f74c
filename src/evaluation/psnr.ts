/**
 * Peak signal-to-noise ratio of 8-bit images, in decibels.
 *
 * `psnr = 20 log10(255 / (rmse + ε))`, the root mean square error taken over all pixels and
 * channels and ε = 2⁻⁵², as `cv2.PSNR` computes it: equal images score 361.2 dB, not infinity.
 *
 * @param actual Image, 0..255, any layout.
 * @param expected Image of the same layout.
 * @throws {RangeError} If the images differ in length or are empty.
 */
export function psnr(actual: Uint8Array, expected: Uint8Array): number {
  requireEqualLength(actual, expected);
  let squares = 0;
  for (let i = 0; i < actual.length; i++) squares += (actual[i] - expected[i]) ** 2;
  return decibels(squares / actual.length);
}

/**
 * {@linkcode psnr} of the pixels that `mask` marks; `undefined` where it marks none.
 *
 * @param actual Image, 0..255, `[pixels, channels]`.
 * @param expected Image of the same shape.
 * @param mask Region, `[pixels]`: anything but 0 is inside.
 * @throws {RangeError} If the sizes do not agree.
 */
export function maskedPsnr(
  actual: Uint8Array,
  expected: Uint8Array,
  mask: Uint8Array,
): number | undefined {
  requireEqualLength(actual, expected);
  const channels = actual.length / mask.length;
  if (!Number.isInteger(channels)) {
    throw new RangeError(
      `Cannot compare images in a region: the mask has ${mask.length} pixels, ` +
        `the images have ${actual.length} values; wanted a whole number of channels a pixel`,
    );
  }
  let squares = 0, pixels = 0;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (mask[pixel] === 0) continue;
    pixels++;
    for (let i = pixel * channels; i < (pixel + 1) * channels; i++) {
      squares += (actual[i] - expected[i]) ** 2;
    }
  }
  return pixels === 0 ? undefined : decibels(squares / (pixels * channels));
}

function decibels(meanSquare: number): number {
  return 20 * Math.log10(255 / (Math.sqrt(meanSquare) + Number.EPSILON));
}

function requireEqualLength(actual: Uint8Array, expected: Uint8Array): void {
  if (actual.length === expected.length && actual.length > 0) return;
  throw new RangeError(
    `Cannot compare images: the first has ${actual.length} values, the second ${expected.length}; ` +
      `wanted two images of one size`,
  );
}
