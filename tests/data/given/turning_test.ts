import { assert, assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/data_error.ts";
import { type Orientation, upright } from "../../../src/data/formats/exif.ts";
import type { ColmapCamera } from "../../../src/data/given/colmap/model.ts";
import { projection } from "../../../src/data/given/projection.ts";
import {
  isForStored,
  turnedFlow,
  turnedLens,
  turnedMap,
  turnedPose,
} from "../../../src/data/given/turning.ts";
import { seeded } from "../../support/mutations.ts";

const WIDTH = 24, HEIGHT = 16;
const lens: ColmapCamera = {
  id: 1,
  model: "OPENCV",
  width: WIDTH,
  height: HEIGHT,
  parameters: Float64Array.of(20, 21, 11, 9, -0.1, 0.02, 0.03, -0.02),
};
/** Looks a little aside and down. */
const pose = (() => {
  const [c, s] = [Math.cos(0.2), Math.sin(0.2)], [d, t] = [Math.cos(-0.3), Math.sin(-0.3)];
  return Float64Array.of(c, s * t, s * d, 0.3, 0, d, -t, -0.2, -s, c * t, c * d, 0.1);
})();

/** Where a camera sees a place, pixels. */
function see(camera: ColmapCamera, pose: Float64Array, place: readonly number[]) {
  const from = place.map((value, i) => value - pose[4 * i + 3]);
  const [x, y, z] = [0, 1, 2].map((axis) =>
    from[0] * pose[axis] + from[1] * pose[4 + axis] + from[2] * pose[8 + axis]
  );
  return projection(camera)(x / -z, -y / -z);
}

for (const orientation of [1, 3, 6, 8] as const) {
  Deno.test(`turnedPose() and turnedLens() see upright what the stored picture shows, orientation ${orientation}`, () => {
    const random = seeded(orientation);
    const camera = turnedLens(lens, orientation), turned = turnedPose(pose, orientation, "a.jpg");
    let compared = 0;
    for (let i = 0; i < 200; i++) {
      const place = [6 * random() - 3, 6 * random() - 3, -3 - 3 * random()];
      const [u, v] = see(lens, pose, place).map(Math.floor);
      if (!(u >= 0 && u < WIDTH && v >= 0 && v < HEIGHT)) continue;
      const picture = ndarray(new Uint8Array(WIDTH * HEIGHT), [HEIGHT, WIDTH, 1]);
      picture.set(v, u, 0, 1);
      const [uprightU, uprightV] = see(camera, turned, place).map(Math.floor);
      assertEquals(upright(picture, orientation).get(uprightV, uprightU, 0), 1, `${place}`);
      compared++;
    }
    assert(compared > 20);
    assertEquals(turned.filter((_, i) => i % 4 > 1), pose.filter((_, i) => i % 4 > 1));
  });
}

Deno.test("turnedPose() refuses mirror images", () => {
  for (const orientation of [2, 4, 5, 7] as const) {
    assertThrows(
      () => turnedPose(pose, orientation, "selfie.jpg"),
      DataError,
      `Cannot pose "selfie.jpg": its EXIF data ask for a mirror image (orientation ${orientation})`,
    );
  }
});

for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8] as const) {
  Deno.test(`turnedFlow() leads where the turned picture has the goal, orientation ${orientation}`, () => {
    const random = seeded(orientation + 10);
    for (let i = 0; i < 20; i++) {
      const pixel = () => [Math.floor(random() * WIDTH), Math.floor(random() * HEIGHT)];
      const [[fromX, fromY], [toX, toY]] = [pixel(), pixel()];
      const one = (x: number, y: number) => {
        const map = ndarray(new Uint8Array(WIDTH * HEIGHT), [HEIGHT, WIDTH]);
        map.set(y, x, 1);
        const turned = turnedMap(map, orientation), at = turned.data.indexOf(1);
        return [at % turned.shape[1], Math.floor(at / turned.shape[1])];
      };
      const flow = ndarray(new Float32Array(WIDTH * HEIGHT * 2), [HEIGHT, WIDTH, 2]);
      flow.set(fromY, fromX, 0, toX - fromX);
      flow.set(fromY, fromX, 1, toY - fromY);
      const turned = turnedFlow(flow, orientation), [x, y] = one(fromX, fromY);
      assertEquals([x + turned.get(y, x, 0), y + turned.get(y, x, 1)], one(toX, toY));
    }
  });
}

Deno.test("isForStored() tells by the sides, by what the user says, and else asks", () => {
  const size = { width: 90, height: 160 }, stored = { width: 320, height: 180 };
  const of = (orientations: Orientation[], found: typeof size, pixels?: "stored" | "upright") =>
    isForStored("d", found, { size, orientations, ...(pixels ? { pixels } : {}) });
  assertEquals(of([1, 1], stored), false);
  assertEquals([of([6, 8], stored), of([6, 8], size)], [true, false]);
  assertEquals([of([3, 3], size, "stored"), of([3, 3], size, "upright")], [true, false]);
  const asks = "say --given-pixels stored where it was made from the pixels as they are stored";
  assertThrows(() => of([3, 3], size), DataError, asks);
  assertThrows(() => of([1, 3], size), DataError, "1 of 2 frames are turned upright");
  const square = { width: 90, height: 90 }, orientations: Orientation[] = [6];
  assertThrows(() => isForStored("d", square, { size: square, orientations }), DataError, asks);
});
