import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { rotationOfQuaternion } from "../../src/data/given/colmap/model.ts";
import { alignCameras, cameraCentre } from "../../src/preparation/align_cameras.ts";
import { assertClose } from "../support/close.ts";
import { seeded } from "../support/mutations.ts";

const random = seeded(7);
const points = (count: number) =>
  Array.from({ length: count }, () => [random() * 4 - 2, random() - 0.5, random() * 3]);

/** `scale · R p + t` */
function moved(p: ArrayLike<number>, scale: number, R: Float64Array, t: number[]): number[] {
  return [0, 1, 2].map((k) =>
    scale * (R[3 * k] * p[0] + R[3 * k + 1] * p[1] + R[3 * k + 2] * p[2]) + t[k]
  );
}

Deno.test("alignCameras() finds the similarity that was applied", () => {
  for (let trial = 0; trial < 20; trial++) {
    const estimated = points(3 + trial);
    const R = rotationOfQuaternion([
      random() - 0.5,
      random() - 0.5,
      random() - 0.5,
      random() - 0.5,
    ])!;
    const scale = 0.01 + 10 * random(), t = points(1)[0];
    const found = alignCameras(estimated, estimated.map((p) => moved(p, scale, R, t)));
    assertAlmostEquals(found.scale, scale, 1e-9);
    assertClose(found.rotation, R, 1e-9, "rotation");
    assertClose(found.translation, t, 1e-9, "translation");
    assert(found.largestError < 1e-9, `${found.largestError}`);
  }
});

Deno.test("alignCameras() does no mirroring, and finds no better one nearby", () => {
  const truth = points(9);
  const mirrored = alignCameras(truth.map(([x, y, z]) => [-x, y, z]), truth);
  assert(mirrored.largestError > 0.1, `${mirrored.largestError}`);
  const [a, b, c, d, e, f, g, h, i] = mirrored.rotation;
  assertAlmostEquals(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g), 1, 1e-12);

  const noisy = truth.map((p) => p.map((value) => value + 0.1 * (random() - 0.5)));
  const best = alignCameras(noisy, truth);
  const squares = (scale: number, R: Float64Array, t: Float64Array) =>
    noisy.reduce(
      (sum, p, i) =>
        sum + moved(p, scale, R, [...t]).reduce((s, value, k) => s + (value - truth[i][k]) ** 2, 0),
      0,
    );
  const least = squares(best.scale, best.rotation, best.translation);
  for (let trial = 0; trial < 50; trial++) {
    const near = () => 1e-3 * (random() - 0.5);
    const turn = rotationOfQuaternion([1, near(), near(), near()])!;
    const R = Float64Array.from(
      best.rotation,
      (_, at) =>
        [0, 1, 2].reduce(
          (sum, k) => sum + turn[3 * Math.floor(at / 3) + k] * best.rotation[3 * k + at % 3],
          0,
        ),
    );
    const t = best.translation.map((value) => value + near());
    assert(squares(best.scale * (1 + near()), R, t) >= least);
  }
});

Deno.test("alignCameras() gives errors as shares of the rig's extent", () => {
  const truth = [[0, 0, 0], [10, 0, 0], [0, 8, 0], [0, 0, 6]]; // (10, 8): 12.8 apart
  const found = alignCameras(truth, truth);
  assertAlmostEquals(found.extent, Math.hypot(10, 8), 1e-12);
  const off = alignCameras(truth.map(([x, y, z], i) => [x, y, z + (i === 3 ? 0.5 : 0)]), truth);
  assert(off.largestError > 0.002 && off.largestError < 0.5 / off.extent, `${off.largestError}`);
});

Deno.test("cameraCentre() is where the camera stands", () => {
  const rotation = rotationOfQuaternion([0.5, 0.5, 0.5, 0.5])!; // x → y → z → x
  const centre = cameraCentre({ rotation, translation: Float64Array.of(-3, -1, -2) });
  assertClose(centre, [1, 2, 3], 1e-12, "centre");
});

Deno.test("alignCameras() takes cameras on a line, and refuses those in one place", () => {
  const line = [0, 1, 3].map((x) => [x, 2 * x, 0]);
  assert(alignCameras(line, line.map(([x, y]) => [0, x, y])).largestError < 1e-9);
  const still = [[1, 1, 1], [1, 1, 1], [1, 1, 1]];
  assertThrows(() => alignCameras(still, line), RangeError, "all stand in one place");
  assertThrows(() => alignCameras(line, still), RangeError, "all stand in one place");
  assertThrows(() => alignCameras(line, line.slice(1)), RangeError, "align 3 cameras with 2");
});
