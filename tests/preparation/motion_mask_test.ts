import { assert, assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { type RigidPose, rotationOfQuaternion } from "../../src/data/given/colmap/model.ts";
import {
  baselineWarning,
  epipolarDistance,
  motionMask,
  type NeighbourFlow,
} from "../../src/preparation/motion_mask.ts";
import { expectClose, loadCase } from "../support/goldens.ts";

Deno.test("motionMask() gives the golden distances and masks", async () => {
  const golden = await loadCase("prep/motion");
  const config = golden.config as { width: number; height: number; focal: number };
  const camera = { focalPixels: config.focal, width: config.width, height: config.height };
  const q = golden.input("epipolar/q"), t = golden.input("epipolar/t");
  const poses = Array.from({ length: q.shape[0] }, (_, i): RigidPose => ({
    rotation: rotationOfQuaternion(q.data.subarray(4 * i, 4 * i + 4))!,
    translation: Float64Array.from(t.data.subarray(3 * i, 3 * i + 3)),
  }));
  const neighbour = (frame: number, to: number, name: string): NeighbourFlow | undefined =>
    poses[to] && { pose: poses[to], flow: golden.input(`epipolar/${name}${frame}`) };
  const found: Record<string, NdArray<Float64Array | Uint8Array>> = {};
  poses.forEach((pose, i) => {
    const [next, previous] = [neighbour(i, i + 1, "fwd"), neighbour(i, i - 1, "bwd")];
    if (next) found[`frame${i}/fwd_distance`] = epipolarDistance(camera, pose, next);
    if (previous) found[`frame${i}/bwd_distance`] = epipolarDistance(camera, pose, previous);
    const { data, shape } = golden.input(`epipolar/semantic${i}`);
    const semantic = ndarray(Uint8Array.from(data), shape);
    const { moving, mask } = motionMask(camera, { pose, next, previous, semantic });
    found[`frame${i}/moving`] = moving;
    found[`frame${i}/mask`] = mask;
  });
  assertEquals(Object.keys(found).sort(), golden.keys.toSorted());
  expectClose(golden, found as Record<string, NdArray<Float64Array>>, 1);
});

const camera = { focalPixels: 50, width: 40, height: 30 };
const at = (...centre: number[]): RigidPose => ({
  rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  translation: Float64Array.from(centre, (value) => -value),
});

/** Flow of a plane at a depth when the camera moves along x, but in a square of pixels, where it is another one. */
function flowWithSquare(baseline: number, x: number, y: number): NdArray<Float32Array> {
  const flow = ndarray(new Float32Array(30 * 40 * 2), [30, 40, 2]);
  for (let row = 0; row < 30; row++) {
    for (let column = 0; column < 40; column++) {
      const inside = row >= 10 && row < 20 && column >= 10 && column < 20;
      flow.set(row, column, 0, inside ? x : -50 * baseline / 5);
      flow.set(row, column, 1, inside ? y : 0);
    }
  }
  return flow;
}

const marked = (mask: NdArray<Uint8Array>) => mask.data.reduce((sum, value) => sum + value);

Deno.test("epipolarDistance() is the distance across the line, whatever happens along it", () => {
  const sideways = { pose: at(1, 0, 0), flow: flowWithSquare(1, 7, 2.5) };
  const { data } = epipolarDistance(camera, at(0, 0, 0), sideways);
  assert(Math.abs(data[15 * 40 + 15] - 2.5) < 1e-5);
  assert(data[0] < 1e-5);
});

Deno.test("epipolarDistance() adds pixel and flow in float32, as the authors' script", () => {
  const flow = ndarray(new Float32Array(30 * 40 * 2).fill(5e-7), [30, 40, 2]);
  const distance = epipolarDistance(camera, at(0, 0, 0), { pose: at(1, 0, 0), flow });
  assertEquals(distance.get(29, 0), 0, "29.0000005 is 29");
  assert(distance.get(0, 0) > 4e-7);
});

Deno.test("motionMask() opens and widens, with thresholds in pixels or of the width", () => {
  const frame = { pose: at(0, 0, 0), next: { pose: at(1, 0, 0), flow: flowWithSquare(1, 0, 1.5) } };
  assertEquals(marked(motionMask(camera, frame).moving), 96, "the square without its corners");
  assertEquals(marked(motionMask(camera, frame).mask), 2 * (8 + 10 + 12) + 8 * 14);
  assertEquals(marked(motionMask(camera, frame, { thresholdPixels: 1.6 }).mask), 0);
  assertEquals(marked(motionMask(camera, frame, { thresholdOfWidth: 1.4 / 40 }).moving), 96);
  assertEquals(marked(motionMask(camera, frame, { thresholdOfWidth: 1.6 / 40 }).moving), 0);
});

Deno.test("motionMask() leaves flow out that is not valid, if asked to", () => {
  const valid = ndarray(new Uint8Array(30 * 40).fill(1), [30, 40]);
  for (let column = 0; column < 40; column++) valid.set(12, column, 0);
  const next = { pose: at(1, 0, 0), flow: flowWithSquare(1, 0, 1.5), valid };
  const frame = { pose: at(0, 0, 0), next };
  assertEquals(marked(motionMask(camera, frame).moving), 96);
  const without = motionMask(camera, frame, { requireValid: true });
  assertEquals(marked(without.moving), 7 * 10 - 4, "two rows above are opened away");
  assertEquals(without.distance.get(12, 15), 0);
  const previous = { pose: at(-1, 0, 0), flow: flowWithSquare(-1, 0, 1.5) };
  const both = motionMask(camera, { ...frame, previous }, { requireValid: true });
  assertEquals(marked(both.moving), 96, "the other flow sees it");
});

Deno.test("motionMask() joins the semantic mask of another size, and refuses flow of another size", () => {
  const semantic = ndarray(new Uint8Array(15 * 20), [15, 20]);
  semantic.set(0, 0, 9);
  const { moving, mask } = motionMask(camera, { pose: at(0, 0, 0), semantic });
  assertEquals([marked(moving), marked(mask)], [0, 4 + 4 + 3 + 2], "2 x 2, widened");
  const small = ndarray(new Float32Array(15 * 20 * 2), [15, 20, 2]);
  assertThrows(
    () => motionMask(camera, { pose: at(0, 0, 0), next: { pose: at(1, 0, 0), flow: small } }),
    RangeError,
    "Cannot tell motion from flow of 20 x 15: the frames are 40 x 30",
  );
});

Deno.test("baselineWarning() names frames before which the camera stood still", () => {
  const poses = [at(0, 0, 0), at(1, 0, 0), at(1, 0.009, 0), at(2, 0, 0)];
  const names = ["0.png", "1.png", "2.png", "3.png"];
  assertEquals(baselineWarning(poses, [8, 8, 8, 8], names), undefined);
  const warning = baselineWarning(poses, [10, 10, 10, 10], names);
  assert(warning?.startsWith("The camera hardly moved before 2.png:"), warning);
});
