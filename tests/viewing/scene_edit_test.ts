import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  blendRegion,
  flipForeground,
  freezeForegrounds,
  insertForeground,
  inversePlacement,
  moveForeground,
  placeForeground,
  type Placement,
  removeForegrounds,
  swapBackground,
  unedited,
} from "../../src/viewing/scene_edit.ts";

const plain = unedited(0, 5.5);

/** Where a placement takes a point. */
function image(m: Placement, x: number, y: number, z: number): number[] {
  return [0, 4, 8].map((row) => m[row] * x + m[row + 1] * y + m[row + 2] * z + m[row + 3]);
}

Deno.test("edits are plain values that name the background and the foregrounds", () => {
  assertEquals(plain, {
    background: { scene: 0, time: 5.5 },
    foregrounds: [{ scene: 0, time: 5.5 }],
  });
  assertEquals(swapBackground(plain, { scene: 1, time: 3 }), {
    ...plain,
    background: { scene: 1, time: 3 },
  });
  assertEquals(removeForegrounds(plain), { ...plain, foregrounds: [] });
  assertEquals(freezeForegrounds(plain, 2).foregrounds, [{ scene: 0, time: 2 }]);
  assertEquals(insertForeground(plain, { scene: 1, time: 4 }).foregrounds, [
    { scene: 0, time: 5.5 },
    { scene: 1, time: 4 },
  ]);
  const region = { min: [0, 0, -9], max: [1, 1, -1], blending: 0 } as const;
  const other = { ...region, blending: 1 };
  assertEquals(blendRegion(blendRegion(plain, region), other).regions, [region, other]);
});

Deno.test("moveForeground() and flipForeground() follow each other in the picture's world", () => {
  const [{ placement }] = moveForeground(flipForeground(plain), [1, 2, 3]).foregrounds;
  assertEquals(image(placement!, 10, 20, -30), [-9, 22, -27]);
  const [{ placement: other }] = flipForeground(moveForeground(plain, [1, 2, 3])).foregrounds;
  assertEquals(image(other!, 10, 20, -30), [-11, 22, -27]);
  const twice = flipForeground(flipForeground(plain)).foregrounds[0].placement!;
  assertEquals(image(twice, 10, 20, -30), [10, 20, -30]);
});

Deno.test("moveForeground() moves the last foreground, or the one that is named", () => {
  const two = insertForeground(plain, { scene: 1, time: 4 });
  const placed = (which?: number) =>
    moveForeground(two, [1, 0, 0], which).foregrounds.map(({ placement }) => placement?.[3]);
  assertEquals(placed(), [undefined, 1]);
  assertEquals(placed(0), [1, undefined]);
  assertThrows(() => placed(2), RangeError, "Cannot place foreground 2: the edit has 0 to 1");
  assertThrows(
    () => flipForeground(removeForegrounds(plain)),
    RangeError,
    "Cannot place a foreground: the edit has none; insert one first",
  );
});

Deno.test("inversePlacement() undoes a placement, and names one that cannot be undone", () => {
  const placement = [0, 2, 0, 1, -1, 0, 0.5, 2, 0, 0.25, 1, 3];
  const there = image(placement, 0.3, -0.7, -2);
  image(inversePlacement(placement), there[0], there[1], there[2])
    .forEach((value, i) => assertAlmostEquals(value, [0.3, -0.7, -2][i], 1e-12));
  for (const bad of [new Array(12).fill(0), [1, 0, 0], new Array(12).fill(NaN)]) {
    const { placement } = placeForeground(plain, bad).foregrounds[0];
    assertThrows(() => inversePlacement(placement!), RangeError, "wanted an invertible 3x4 matrix");
  }
});
