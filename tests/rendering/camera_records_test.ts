import { assertEquals, assertThrows } from "@std/assert";
import { cameraRecords, viewRecords } from "../../src/rendering/camera_records.ts";
import type { Camera } from "../../src/data/scene/camera.ts";

const cameras = [0, 1, 2].map((frame): Camera => ({
  cameraToWorld: Float32Array.from({ length: 12 }, (_, i) => 100 * frame + i),
  focalPixels: 50 + frame,
  width: 32,
  height: 18,
}));

const record = (frame: number, valid: number) => [
  ...cameras[frame].cameraToWorld,
  50 + frame,
  32,
  18,
  valid,
];

Deno.test("cameraRecords() puts the frames before, at and after one in their slots", () => {
  assertEquals([...cameraRecords(cameras, 1)], [record(0, 1), record(1, 1), record(2, 1)].flat());
});

Deno.test("cameraRecords() repeats the current camera beyond the ends, not valid", () => {
  assertEquals([...cameraRecords(cameras, 0)], [record(0, 0), record(0, 1), record(1, 1)].flat());
  assertEquals([...cameraRecords(cameras, 2)], [record(1, 1), record(2, 1), record(2, 0)].flat());
});

Deno.test("cameraRecords() refuses a frame that the scene does not have", () => {
  assertThrows(
    () => cameraRecords(cameras, 3),
    RangeError,
    "Cannot make camera records of frame 3: the scene has frames 0 to 2",
  );
});

Deno.test("viewRecords() has one camera in every slot", () => {
  assertEquals([...viewRecords(cameras[2])], [record(2, 1), record(2, 1), record(2, 1)].flat());
});
