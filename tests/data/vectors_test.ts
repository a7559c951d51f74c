import { assertEquals } from "@std/assert";
import {
  type Affine,
  applied,
  column,
  composed,
  cross,
  dot,
  inverseAffine,
  inversePose,
  normalized,
  type Vector3,
} from "../../src/data/vectors.ts";
import { assertClose } from "../support/close.ts";

const pose: Affine = Float64Array.of(0.8, 0, 0.6, 0.3, 0, 1, 0, -0.2, -0.6, 0, 0.8, 0.4);
const map: Affine = Float64Array.of(2, 1, 0, 3, 0, -1, 0.5, -2, 1, 0, 4, 0.25);
const point: Vector3 = [3, -5, 7];

Deno.test("cross() is at right angles to both, right-handed; normalized() has length 1", () => {
  assertEquals(cross([1, 0, 0], [0, 1, 0]), [0, 0, 1]);
  const other: Vector3 = [1, 2, -4], product = cross(point, other);
  assertEquals([dot(product, point), dot(product, other)], [0, 0]);
  assertClose([Math.hypot(...normalized(point))], [1], 1e-15, "length");
});

Deno.test("composed() maps as one after the other, and column(3) is where the origin goes", () => {
  const wanted = applied(pose, applied(map, point));
  assertClose(applied(composed(pose, map), point), wanted, 1e-12, "point");
  assertEquals(column(map, 3), applied(map, [0, 0, 0]));
});

Deno.test("inverseAffine() and inversePose() lead back", () => {
  assertClose(applied(inverseAffine(map), applied(map, point)), point, 1e-12, "point");
  assertClose(inversePose(pose), inverseAffine(pose), 1e-12, "inverse");
});
