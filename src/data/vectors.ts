/**
 * Vectors of three numbers, and affine maps and poses as 3×4 matrices, on the CPU and in float64.
 *
 * @module
 */

/** A point or direction. */
export type Vector3 = readonly [x: number, y: number, z: number];

/** Row-major 3×4 `[A | b]`, which takes x to A·x + b: a pose where A is a rotation. */
export type Affine = Float64Array;

/** `a · b` */
export function dot([ax, ay, az]: Vector3, [bx, by, bz]: Vector3): number {
  return ax * bx + ay * by + az * bz;
}

/** `a × b` */
export function cross([ax, ay, az]: Vector3, [bx, by, bz]: Vector3): Vector3 {
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

/** The same direction, of length 1. */
export function normalized([x, y, z]: Vector3): Vector3 {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

/** A column of a 3×4 matrix; column 3 is where it takes the origin. */
export function column(matrix: ArrayLike<number>, index: number): Vector3 {
  return [matrix[index], matrix[index + 4], matrix[index + 8]];
}

/** `A·x + b` */
export function applied(m: Affine, [x, y, z]: Vector3): Vector3 {
  return [
    m[0] * x + m[1] * y + m[2] * z + m[3],
    m[4] * x + m[5] * y + m[6] * z + m[7],
    m[8] * x + m[9] * y + m[10] * z + m[11],
  ];
}

/** `a ∘ b`: first b, then a. */
export function composed(a: Affine, b: Affine): Affine {
  const product = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 4; column++) {
      let sum = column === 3 ? a[row * 4 + 3] : 0;
      for (let k = 0; k < 3; k++) sum += a[row * 4 + k] * b[k * 4 + column];
      product[row * 4 + column] = sum;
    }
  }
  return product;
}

/** Inverse of a pose: `[Rᵀ | −Rᵀ o]`. */
export function inversePose(pose: Affine): Affine {
  const result = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      result[row * 4 + column] = pose[column * 4 + row];
      result[row * 4 + 3] -= pose[column * 4 + row] * pose[column * 4 + 3];
    }
  }
  return result;
}

/** Inverse of an affine map: `[A⁻¹ | −A⁻¹ b]`, by cofactors. */
export function inverseAffine(m: Affine): Affine {
  const [a, b, c, x, d, e, f, y, g, h, i, z] = m;
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const r = [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ].map((value) => value / det);
  return Float64Array.from([0, 3, 6].flatMap((k) => [
    r[k],
    r[k + 1],
    r[k + 2],
    -(r[k] * x + r[k + 1] * y + r[k + 2] * z),
  ]));
}
