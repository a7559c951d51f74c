import { assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import type { Camera } from "../../src/data/scene/camera.ts";
import { meanImage, nearestFrame } from "../../src/evaluation/baselines.ts";

/** A camera at x, turned to the right by `yaw` radians. */
function camera(x: number, yaw = 0): Camera {
  const c = Math.cos(yaw), s = Math.sin(yaw);
  const cameraToWorld = Float32Array.of(c, 0, -s, x, 0, 1, 0, 0, s, 0, c, 0);
  return { cameraToWorld, focalPixels: 10, width: 2, height: 1 };
}

Deno.test("nearestFrame() is the frame of the view's own camera when that is an input", () => {
  const cameras = [0, 1, 2, 3].map((x) => camera(x));
  assertEquals(nearestFrame(cameras, { time: 0, camera: 2 }), 2);
});

Deno.test("nearestFrame() takes the nearest camera centre among the input frames", () => {
  const cameras = [0, 1, 2, 4, 9].map((x) => camera(x));
  assertEquals(nearestFrame(cameras, { time: 4, camera: 3 }, [0, 1, 2, 4]), 2);
});

Deno.test("nearestFrame() breaks ties by direction, then time, then the earlier frame", () => {
  const turned = [camera(0, 0.5), camera(0, 0.1), camera(0), camera(1)];
  assertEquals(nearestFrame(turned, { time: 0, camera: 2 }, [0, 1, 3]), 1);
  const still = [0, 0, 0, 0, 0].map((x) => camera(x));
  assertEquals(nearestFrame(still, { time: 4, camera: 0 }, [0, 1, 3]), 3);
  assertEquals(nearestFrame(still, { time: 2, camera: 0 }, [3, 1]), 1);
});

Deno.test("nearestFrame() counts distances as equal that differ by rounding alone", () => {
  const cameras = [camera(-1), camera(0), camera(1 + 1e-6), camera(5)];
  assertEquals(nearestFrame(cameras, { time: 3, camera: 1 }, [0, 2, 3]), 2);
});

Deno.test("meanImage() averages the input frames and rounds half up", () => {
  const frames = Uint8Array.of(0, 10, 255, 1, 20, 255, 2, 33, 255);
  const images = ndarray(frames, [3, 1, 1, 3]);
  const all = meanImage(images);
  assertEquals(all.shape, [1, 1, 3]);
  assertEquals([...all.data], [1, 21, 255]);
  assertEquals([...meanImage(images, [0, 1]).data], [1, 15, 255]); // 0.5 becomes 1
});

Deno.test("nearestFrame() and meanImage() refuse a missing or wrong frame", () => {
  const cameras = [camera(0), camera(1)];
  assertThrows(() => nearestFrame(cameras, { time: 0, camera: 0 }, []), RangeError, "no input");
  assertThrows(() => nearestFrame(cameras, { time: 0, camera: 2 }), RangeError, "frame 2");
  const images = ndarray(new Uint8Array(6), [2, 1, 1, 3]);
  assertThrows(() => meanImage(images, [0, 2]), RangeError, "frame 2 is not one of the 2");
});
