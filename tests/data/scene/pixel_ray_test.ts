import type { Camera } from "../../../src/data/scene/camera.ts";
import { pixelRay } from "../../../src/data/scene/pixel_ray.ts";
import { assertClose } from "../../support/close.ts";

const camera: Camera = {
  cameraToWorld: Float32Array.of(0.8, 0, 0.6, 0.3, 0, 1, 0, -0.2, -0.6, 0, 0.8, 0.4),
  focalPixels: 20,
  width: 32,
  height: 18,
};

Deno.test("pixelRay() looks along −z through the middle of the picture", () => {
  const straight = {
    ...camera,
    cameraToWorld: Float32Array.of(1, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1, 3),
  };
  const ray = pixelRay(straight, 16, 9);
  assertClose(ray.directionWorld, [0, 0, -1], 0, "direction");
  assertClose(ray.originNdc, [20 / 16, 2 * 20 / 9, -1], 1e-12, "origin"); // x·2f/W at z = −1
  const beside = pixelRay(straight, 26, 4).directionWorld;
  assertClose(beside, [0.5, 0.25, -1], 1e-12, "right and up");
});

Deno.test("pixelRay() reaches in NDC what it reaches in the world", () => {
  const { originWorld, directionWorld, originNdc, directionNdc } = pixelRay(camera, 3, 11);
  const world = originWorld.map((value, i) => value + 7 * directionWorld[i]);
  const ndc = [-20 / 16 * world[0] / world[2], -20 / 9 * world[1] / world[2], 1 + 2 / world[2]];
  const along = (ndc[2] - originNdc[2]) / directionNdc[2];
  assertClose(originNdc.map((o, i) => o + along * directionNdc[i]), ndc, 1e-12, "point");
});
