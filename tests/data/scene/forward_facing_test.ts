import { assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/data_error.ts";
import { camerasFromLlff } from "../../../src/data/scene/camera.ts";
import { requireForwardFacing } from "../../../src/data/scene/forward_facing.ts";

/** Cameras on an arc about the scene that all look at its middle; 53 degrees wide. */
function orbit(degrees: number, frames = 12, roll = 0) {
  const rows = Array.from({ length: frames }, (_, i) => {
    const angle = (i / (frames - 1) - 0.5) * degrees * Math.PI / 180;
    const [s, c] = [Math.sin(angle), Math.cos(angle)], [sr, cr] = [Math.sin(roll), Math.cos(roll)];
    const flatRight = [c, 0, -s], flatUp = [0, 1, 0], back = [s, 0, c];
    const right = flatRight.map((value, axis) => cr * value + sr * flatUp[axis]);
    const down = flatRight.map((value, axis) => sr * value - cr * flatUp[axis]);
    return [0, 1, 2].flatMap((
      axis,
    ) => [down[axis], right[axis], back[axis], 4 * back[axis], [144, 256, 256][axis]]).concat(2, 6);
  });
  const posesBounds = ndarray(Float64Array.from(rows.flat()), [frames, 17]);
  return camerasFromLlff(posesBounds, { width: 256, height: 144, focalScale: 1 }).cameras;
}

const isRefused = (rig: ReturnType<typeof orbit>) => {
  try {
    requireForwardFacing(rig, "poses");
    return false;
  } catch (error) {
    if (error instanceof DataError) return true;
    throw error;
  }
};

Deno.test("requireForwardFacing() takes cameras that look one way, and refuses orbits", () => {
  const arcs = [0, 30, 60, 90, 100, 120, 180, 359];
  assertEquals(arcs.map((degrees) => isRefused(orbit(degrees))), [
    ...[false, false, false, false, false],
    ...[true, true, true],
  ]);
  assertEquals([orbit(60, 12, 1), orbit(180, 12, 1)].map(isRefused), [false, true]); // held aslant
  assertThrows(
    () => requireForwardFacing(orbit(180), "poses_bounds.npy"),
    DataError,
    'Cannot use "poses_bounds.npy": its cameras do not all look one way. Camera 0 of 12 (from 0) looks 90 degrees away',
  );
});

Deno.test("requireForwardFacing() refuses a single camera that looks back", () => {
  const rig = orbit(20);
  const pose = rig[4].cameraToWorld;
  for (const i of [0, 2, 4, 6, 8, 10]) pose[i] = -pose[i];
  assertThrows(() => requireForwardFacing(rig, "poses"), DataError, "Camera 4 of 12");
});
