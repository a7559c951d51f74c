/**
 * How well two depth maps agree on what is in front of what: Spearman's rank correlation, −1..1.
 *
 * The correlation of the values' ranks, equal values sharing the mean of their ranks. It does not
 * change when a map is stretched by any rising function, so maps of unknown scale compare; one that
 * rises with nearness (inverse depth) scores with the opposite sign. 0 where a map is constant: it
 * orders nothing.
 *
 * @param actual Depths, `[pixels]`, any unit.
 * @param expected Depths, `[pixels]`, any unit.
 * @param mask Pixels to compare, `[pixels]`: anything but 0; all of them by default.
 * @returns The correlation, or `undefined` with fewer than two pixels.
 * @throws {RangeError} If the lengths differ or a compared depth is NaN.
 */
export function depthOrder(
  actual: Float32Array,
  expected: Float32Array,
  mask?: Uint8Array,
): number | undefined {
  if (actual.length !== expected.length || (mask && mask.length !== actual.length)) {
    throw new RangeError(
      `Cannot compare depths: ${actual.length} against ${expected.length} pixels` +
        (mask ? ` and a mask of ${mask.length}` : "") + `; wanted maps of one size`,
    );
  }
  const pixels = mask
    ? Uint32Array.from(mask.keys().filter((pixel) => mask[pixel] !== 0))
    : Uint32Array.from(actual.keys());
  if (pixels.length < 2) return undefined;
  return correlation(ranks(actual, pixels), ranks(expected, pixels));
}

/** Ranks 0..n−1 of the chosen values, ties averaged. */
function ranks(values: Float32Array, chosen: Uint32Array): Float64Array {
  const nan = chosen.find((pixel) => Number.isNaN(values[pixel]));
  if (nan !== undefined) {
    throw new RangeError(`Cannot compare depths: pixel ${nan} is NaN; mask it out`);
  }
  const value = (i: number) => values[chosen[i]];
  const order = Uint32Array.from(chosen.keys()).sort((i, j) => value(i) - value(j) || 0);
  const ranked = new Float64Array(chosen.length);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && value(order[end]) === value(order[start])) end++;
    for (let i = start; i < end; i++) ranked[order[i]] = (start + end - 1) / 2;
  }
  return ranked;
}

/** Pearson's correlation of two lists of ranks 0..n−1, whose mean is known. */
function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (a.length - 1) / 2;
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) ** 2;
    bb += (b[i] - mean) ** 2;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
