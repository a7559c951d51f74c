import { AssertionError } from "@std/assert";

/** Fails where `|actual − expected| > tolerance` for any value, naming the worst. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  name: string,
): void {
  if (actual.length !== expected.length) {
    throw new AssertionError(`${name}: wanted ${expected.length} values, found ${actual.length}`);
  }
  let worst = 0, at = -1;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= worst)) [worst, at] = [Number.isNaN(error) ? Infinity : error, i];
  }
  if (worst > tolerance) {
    throw new AssertionError(
      `${name}[${at}]: wanted ${expected[at]}, found ${
        actual[at]
      }, off by ${worst}, allowed ${tolerance}`,
    );
  }
}
