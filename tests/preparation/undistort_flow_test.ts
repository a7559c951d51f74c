import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import type { ColmapCamera } from "../../src/data/given/colmap/model.ts";
import { DataError } from "../../src/data/data_error.ts";
import { lens, undistortMask } from "../../src/preparation/undistort.ts";
import { distortMask, undistortFlow } from "../../src/preparation/undistort_flow.ts";

const [WIDTH, HEIGHT] = [63, 41];
/** A barrel that moves the corners by 1.9 pixels, its middle a little beside that of the picture. */
const CAMERA: ColmapCamera = {
  id: 1,
  model: "SIMPLE_RADIAL",
  width: WIDTH,
  height: HEIGHT,
  parameters: Float64Array.of(50, WIDTH / 2 + 0.3, HEIGHT / 2 - 0.2, -0.08),
};

/** Zooms in about the middle and moves right: what straight frames see. */
function goal(u: number, v: number): [number, number] {
  return [WIDTH / 2 + 1.05 * (u - WIDTH / 2) + 3.2, HEIGHT / 2 + 1.05 * (v - HEIGHT / 2) - 1.7];
}

Deno.test("undistortFlow() gives the flow of straight frames from that of frames through a lens", () => {
  // The filmed flow at a filmed pixel, found by looking for the straight place that the lens puts there.
  const toFilmed = lens(CAMERA);
  const filmed = new Float32Array(HEIGHT * WIDTH * 2);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      let [u, v] = [x + 0.5, y + 0.5];
      for (let step = 0; step < 60; step++) {
        const [filmedU, filmedV] = toFilmed(u, v);
        [u, v] = [u + (x + 0.5 - filmedU) / 2, v + (y + 0.5 - filmedV) / 2];
      }
      const [goalU, goalV] = toFilmed(...goal(u, v));
      filmed[2 * (y * WIDTH + x)] = goalU - (x + 0.5);
      filmed[2 * (y * WIDTH + x) + 1] = goalV - (y + 0.5);
    }
  }
  const straight = undistortFlow(ndarray(filmed, [HEIGHT, WIDTH, 2]), CAMERA);
  let largest = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [wantedU, wantedV] = goal(x + 0.5, y + 0.5);
      largest = Math.max(
        largest,
        Math.abs(straight.get(y, x, 0) - (wantedU - (x + 0.5))),
        Math.abs(straight.get(y, x, 1) - (wantedV - (y + 0.5))),
      );
    }
  }
  assertAlmostEquals(largest, 0, 2e-3); // the blend of neighbours
  const [u, v] = toFilmed(0.5, 0.5);
  assert(Math.hypot(u - 0.5, v - 0.5) > 1, "the lens bends");
});

Deno.test("distortMask() puts a straight mask where the lens films it, and undistortMask() back", () => {
  const disk = (centreU: number, centreV: number) =>
    Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => {
      const u = i % WIDTH + 0.5 - centreU, v = Math.floor(i / WIDTH) + 0.5 - centreV;
      return Math.hypot(u, v) < 6 ? 1 : 0;
    });
  const straight = ndarray(disk(8, 8), [HEIGHT, WIDTH]);
  const filmed = distortMask(straight, CAMERA);
  const centre = (mask: Uint8Array) => {
    const marked = [...mask.keys()].filter((i) => mask[i]);
    return [
      marked.reduce((sum, i) => sum + i % WIDTH + 0.5, 0) / marked.length,
      marked.reduce((sum, i) => sum + Math.floor(i / WIDTH) + 0.5, 0) / marked.length,
    ];
  };
  const [u, v] = lens(CAMERA)(8, 8), [foundU, foundV] = centre(filmed.data);
  assertAlmostEquals(foundU, u, 0.25);
  assertAlmostEquals(foundV, v, 0.25);
  const back = undistortMask(filmed, CAMERA);
  const differ = back.data.filter((value, i) => value !== straight.data[i]).length;
  assert(differ < 16, `${differ} pixels differ`); // of 113, at the rim
});

Deno.test("undistortFlow() and distortMask() refuse what is not of the lens's size", () => {
  const flow = ndarray(new Float32Array(12), [2, 3, 2]), mask = ndarray(new Uint8Array(6), [2, 3]);
  for (const run of [() => undistortFlow(flow, CAMERA), () => distortMask(mask, CAMERA)]) {
    assertThrows(run, DataError, "Cannot straighten a frame of 3 x 2: the camera is for 63 x 41");
  }
});
