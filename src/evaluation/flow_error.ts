/**
 * Mean end-point error of an optical flow, in pixels: the mean of `‖actual − expected‖` over valid
 * pixels.
 *
 * @param actual Flow, `[pixels, 2]`, x then y, in pixels.
 * @param expected Flow of the same shape.
 * @param valid Where `expected` is known, `[pixels]`: anything but 0.
 * @returns The error, or `undefined` where no pixel is valid.
 * @throws {RangeError} If the sizes do not agree.
 */
export function endPointError(
  actual: Float32Array,
  expected: Float32Array,
  valid: Uint8Array,
): number | undefined {
  const wanted = valid.length * 2;
  if (actual.length !== wanted || expected.length !== wanted) {
    throw new RangeError(
      `Cannot compare flows: ${actual.length} against ${expected.length} values, ` +
        `wanted 2 for each of the ${valid.length} pixels of the validity mask`,
    );
  }
  let sum = 0, pixels = 0;
  for (let pixel = 0; pixel < valid.length; pixel++) {
    if (valid[pixel] === 0) continue;
    const x = 2 * pixel, y = x + 1;
    sum += Math.hypot(actual[x] - expected[x], actual[y] - expected[y]);
    pixels++;
  }
  return pixels === 0 ? undefined : sum / pixels;
}
