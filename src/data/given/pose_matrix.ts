import type { DataError } from "../data_error.ts";
import { column, cross, dot } from "../vectors.ts";

/** How far from orthonormal a rotation may be: poses are often written with few digits. */
const ROTATION_TOLERANCE = 1e-3;

/**
 * A camera-to-world matrix out of a JSON file: 3 or 4 rows of 4 numbers, axes x right, y up, z backwards.
 *
 * @param key What the file calls it, for messages.
 * @returns Row-major 3×4.
 * @throws What `fail` makes, if it is anything else or its rotation is none.
 */
export function poseMatrix(
  value: unknown,
  key: string,
  fail: (what: string) => DataError,
): Float64Array {
  const isRow = (row: unknown): row is number[] =>
    Array.isArray(row) && row.length === 4 && row.every(isNumber);
  if (!Array.isArray(value) || ![3, 4].includes(value.length) || !value.every(isRow)) {
    throw fail(`has no ${key} of 3 or 4 rows of 4 numbers`);
  }
  if (value.length === 4 && `${value[3]}` !== "0,0,0,1") {
    throw fail(`has [${value[3]}] as the last row of ${key}, wanted [0, 0, 0, 1]`);
  }
  const matrix = value.slice(0, 3).flat();
  const [x, y, z] = [0, 1, 2].map((axis) => column(matrix, axis));
  const errors = [dot(x, x) - 1, dot(y, y) - 1, dot(x, y), ...cross(x, y).map((c, i) => c - z[i])];
  if (errors.some((error) => Math.abs(error) > ROTATION_TOLERANCE)) {
    throw fail(
      `has no rotation in ${key}: its first three columns must be x right, y up, z backwards, ` +
        "of length 1, at right angles, right-handed",
    );
  }
  return Float64Array.from(matrix);
}

/** Whether a JSON value is a finite number. */
export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
