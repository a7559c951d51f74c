import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Camera } from "../../src/data/scene/camera.ts";
import { pixelToWorld } from "../../src/data/scene/ndc.ts";
import type { Vector3 } from "../../src/data/vectors.ts";
import {
  movingPixels,
  movingPoints,
  trackPaths,
  trackPicture,
} from "../../src/viewing/track_picture.ts";

const camera: Camera = {
  cameraToWorld: Float32Array.of(1, 0, 0, 0.1, 0, 1, 0, -0.05, 0, 0, 1, 0.2),
  focalPixels: 90,
  width: 96,
  height: 54,
};

/** A view in which discs of some radius move. */
function view(
  width: number,
  height: number,
  discs: readonly (readonly [number, number, number])[],
) {
  const dynamicness = ndarray(new Float32Array(width * height), [height, width]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = discs.some(([u, v, radius]) => Math.hypot(x - u, y - v) <= radius);
      dynamicness.set(y, x, inside ? 0.9 : 0.3);
    }
  }
  return { width, height, dynamicness };
}

Deno.test("movingPixels() spreads points over all that moves, away from its edge", () => {
  const discs = [[20, 20, 10], [70, 30, 14]] as const;
  const pixels = movingPixels(view(96, 54, discs), 24);
  assertEquals(pixels.length, 24);
  const depths = pixels.map(([x, y]) =>
    Math.max(...discs.map(([u, v, radius]) => radius - Math.hypot(x - u, y - v)))
  );
  assert(depths.every((depth) => depth >= 1), `${depths}`);
  const left = pixels.filter(([x]) => x < 40).length;
  assert(left > 5 && left < 12, `${left} of 24 on the smaller disc`);
  for (const [i, [x, y]] of pixels.entries()) {
    const gaps = pixels.filter((_, j) => j !== i).map(([u, v]) => Math.hypot(x - u, y - v));
    assert(Math.min(...gaps) > 4, `(${x}, ${y}) is near another one`);
  }
  assertEquals(movingPixels(view(96, 54, discs), 6), pixels.slice(0, 6)); // fewer are the first ones
});

Deno.test("movingPixels() keeps a margin in proportion to the picture, also from the picture's own edge", () => {
  const pixels = movingPixels(view(480, 270, [[0, 0, 60]]), 1000);
  for (const [x, y] of pixels) {
    assert(x >= 5 && y >= 5, `(${x}, ${y}) is at the picture's edge`);
    assert(Math.hypot(x, y) <= 60 - 5 / Math.SQRT2, `(${x}, ${y}) is at the disc's edge`);
  }
  assert(pixels.some(([x]) => x === 5) && pixels.some(([, y]) => y === 5));
});

Deno.test("movingPixels() takes as many as there are, or none", () => {
  assertEquals(movingPixels(view(96, 54, []), 8), []);
  const few = movingPixels(view(96, 54, [[40, 20, 2]]), 8);
  assertEquals(few.length, 1); // inside of a disc of 13 pixels
  assertEquals(few[0], [40, 20]); // the middle
});

/** Points that go right by so many pixels a frame at their own depth, from where they are at time 2. */
function tracksOf(pixels: readonly (readonly [number, number])[], depthNdc: number, speed: number) {
  const times = [0, 1, 2, 3, 4];
  const depthDynamic = ndarray(new Float32Array(96 * 54).fill(depthNdc), [54, 96]);
  const points = movingPoints({ depthDynamic }, camera, pixels);
  const world = ndarray(new Float32Array(pixels.length * 5 * 3), [pixels.length, 5, 3]);
  const along = (from: Vector3, time: number): Vector3 => {
    const metres = speed * (time - 2) * (0.2 - from[2]) / camera.focalPixels;
    return [from[0] + metres, from[1], from[2]];
  };
  points.forEach((from, i) =>
    times.forEach((time, k) => along(from, time).forEach((x, axis) => world.set(i, k, axis, x)))
  );
  return { times, world };
}

Deno.test("movingPoints() are where pixels show them, at the depth of the dynamic field", () => {
  const depthDynamic: NdArray<Float32Array> = ndarray(new Float32Array(96 * 54), [54, 96]);
  depthDynamic.set(7, 30, 0.4);
  const [point] = movingPoints({ depthDynamic }, camera, [[30, 7]]);
  assertEquals(point, pixelToWorld([30, 7], depthDynamic.get(7, 30), camera));
  assertAlmostEquals(point[2], -1 / 0.6, 1e-6);
});

Deno.test("trackPaths() show the frames about a time, with the time itself and both ends", () => {
  const tracks = tracksOf([[30, 20], [50, 40]], 0.3, 4);
  const [path, other] = trackPaths(tracks, { camera, time: 2.25, frames: 1 });
  assertEquals(path.map(({ time }) => time), [1.25, 2, 2.25, 3, 3.25]);
  path.forEach(({ x, y, time }) => {
    assertAlmostEquals(x, 30 + 4 * (time - 2), 1e-3);
    assertAlmostEquals(y, 20, 1e-3);
  });
  assertAlmostEquals(other[1].x, 50, 1e-3);
  const whole = trackPaths(tracks, { camera, time: 3, frames: 9 });
  assertEquals(whole[0].map(({ time }) => time), [0, 1, 2, 3, 4]);
});

Deno.test("trackPaths() have places at all times that are whole frames from any one", () => {
  const { world } = tracksOf([[30, 20]], 0.3, 4);
  for (let time = 0; time < 1; time += 0.0371) {
    const times = [-2, -1, 0, 1, 2].map((frame) => 2 + time + frame);
    const [path] = trackPaths({ times, world }, { camera, time: 2 + time, frames: 9 });
    assertEquals(path.map((place) => place.time), times);
    path.forEach(({ x }, i) => assertAlmostEquals(x, 30 + 4 * (i - 2), 1e-3));
  }
});

Deno.test("trackPaths() are cut where they go behind the camera", () => {
  const tracks = tracksOf([[30, 20]], 0.3, 4);
  tracks.world.set(0, 2, 2, 5);
  const paths = trackPaths(tracks, { camera, time: 1, frames: 9 });
  assertEquals(paths.map((path) => path.map(({ time }) => time)), [[0, 1], [3, 4]]);
});

Deno.test("trackPicture() is blue in the past, white now and red in the future, on a picture toned down", () => {
  const picture = ndarray(new Uint8Array(96 * 54 * 3).fill(120), [54, 96, 3]);
  const tracks = tracksOf([[48, 27]], 0.3, 10);
  const drawn = trackPicture(picture, tracks, { camera, time: 2, frames: 2 });
  const at = (x: number, y = 27) => [0, 1, 2].map((channel) => drawn.get(y, x, channel));
  assertEquals(at(5, 5), [96, 96, 96]); // 0.8 · 120
  const [past, now, future] = [at(30), at(48), at(66)];
  assert(past[2] > 180 && past[0] < 90, `past ${past}`);
  assert(now.every((value) => value > 230), `now ${now}`);
  assert(future[0] > 180 && future[2] < 90, `future ${future}`);
  assert(at(58, 28).every((value) => value < 90), `rim ${at(58, 28)}`);
  assertEquals(new Set(picture.data), new Set([120]));
});

Deno.test("trackPicture() has no dot where its paths do not reach the time", () => {
  const picture = ndarray(new Uint8Array(96 * 54 * 3).fill(120), [54, 96, 3]);
  const { times, world } = tracksOf([[48, 27]], 0.3, 10);
  const later = { times: times.map((time) => time + 1), world };
  const { data } = trackPicture(picture, later, { camera, time: 0, frames: 2 });
  const white = Array.from(
    { length: 96 * 54 },
    (_, i) => Math.min(...data.slice(3 * i, 3 * i + 3)),
  );
  assert(Math.max(...white) < 200);
  assert(data.some((value) => value > 250)); // the path itself
});
