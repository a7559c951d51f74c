import { type RigidPose, rotationOfQuaternion } from "../data/given/colmap/model.ts";

/** How well some cameras lie on others. */
export interface CameraAlignment {
  /** `truth ≈ scale · R estimated + translation`. */
  scale: number;
  /** 3×3 row-major. */
  rotation: Float64Array;
  /** In the units of the truth. */
  translation: Float64Array;
  /** The largest distance between two true centres. */
  extent: number;
  /** Distance of each centre from its true one, as a share of the extent. */
  errors: Float64Array;
  /** The largest of them. */
  largestError: number;
}

/** Centre of a camera in the world: `−Rᵀ t`. */
export function cameraCentre({ rotation: R, translation: t }: RigidPose): Float64Array {
  return Float64Array.from([0, 1, 2], (k) => -(R[k] * t[0] + R[3 + k] * t[1] + R[6 + k] * t[2]));
}

/**
 * Lays estimated camera centres on true ones by the similarity with the least squared distances (Umeyama 1991; the rotation by
 * Horn's quaternion, 1987): how far poses are right that have an origin, axes and a scale of their own.
 *
 * @param estimated Centres, x, y, z each.
 * @param truth The same cameras' true centres.
 * @throws {RangeError} If the counts differ, there are fewer than three, or all centres are one.
 */
export function alignCameras(
  estimated: readonly ArrayLike<number>[],
  truth: readonly ArrayLike<number>[],
): CameraAlignment {
  const count = truth.length;
  if (estimated.length !== count || count < 3) {
    throw new RangeError(
      `Cannot align ${estimated.length} cameras with ${count}, wanted three or more of each`,
    );
  }
  const from = centred(estimated), to = centred(truth);
  // S[3 a + b] = Σ from_a to_b
  const S = new Float64Array(9);
  let squares = 0;
  for (let i = 0; i < count; i++) {
    for (let a = 0; a < 3; a++) {
      squares += from.points[i][a] ** 2;
      for (let b = 0; b < 3; b++) S[3 * a + b] += from.points[i][a] * to.points[i][b];
    }
  }
  let extent = 0;
  for (const p of truth) for (const q of truth) extent = Math.max(extent, distance(p, q));
  if (!(squares > 0 && extent > 0)) {
    throw new RangeError("Cannot align cameras that all stand in one place");
  }
  const rotation = bestRotation(S);
  let along = 0;
  for (let a = 0; a < 3; a++) {
    for (let b = 0; b < 3; b++) along += rotation[3 * b + a] * S[3 * a + b];
  }
  const scale = along / squares;
  const moved = (p: ArrayLike<number>) =>
    [0, 3, 6].map((row) =>
      scale * (rotation[row] * p[0] + rotation[row + 1] * p[1] + rotation[row + 2] * p[2])
    );
  const turned = moved(from.centre);
  const translation = Float64Array.from(to.centre, (value, k) => value - turned[k]);
  const errors = Float64Array.from(estimated, (p, i) => {
    const place = moved(p).map((value, k) => value + translation[k]);
    return distance(place, truth[i]) / extent;
  });
  return { scale, rotation, translation, extent, errors, largestError: Math.max(...errors) };
}

function centred(points: readonly ArrayLike<number>[]): { centre: number[]; points: number[][] } {
  const centre = [0, 1, 2].map((k) =>
    points.reduce((sum, point) => sum + point[k], 0) / points.length
  );
  return { centre, points: points.map((point) => centre.map((value, k) => point[k] - value)) };
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** The rotation that turns the first points of `S[3 a + b] = Σ p_a q_b` nearest to the second: of the quaternion with `qᵀ N q` largest. */
function bestRotation([xx, xy, xz, yx, yy, yz, zx, zy, zz]: Float64Array): Float64Array {
  const [w, x, y, z] = largestEigenvector([
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ]);
  return rotationOfQuaternion([w, x, y, z])!;
}

/** Eigenvector of the largest eigenvalue of a symmetric matrix, by Jacobi's rotations. */
function largestEigenvector(matrix: number[][]): number[] {
  const n = matrix.length, a = matrix.map((row) => row.slice());
  const vectors = matrix.map((_, i) => matrix.map((_, j) => i === j ? 1 : 0));
  for (let sweep = 0; sweep < 30; sweep++) { // it converges quadratically: 30 are plenty
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const angle = Math.atan2(2 * a[p][q], a[q][q] - a[p][p]) / 2;
        const c = Math.cos(angle), s = Math.sin(angle);
        const turn = (x: number, y: number) => [c * x - s * y, s * x + c * y];
        for (const row of [...a, ...vectors]) [row[p], row[q]] = turn(row[p], row[q]);
        for (let k = 0; k < n; k++) [a[p][k], a[q][k]] = turn(a[p][k], a[q][k]);
      }
    }
  }
  const largest = a.reduce((best, row, i) => row[i] > a[best][best] ? i : best, 0);
  return vectors.map((row) => row[largest]);
}
