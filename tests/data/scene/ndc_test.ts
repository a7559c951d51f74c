import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Camera } from "../../../src/data/scene/camera.ts";
import { ndcToWorld, pixelToWorld, worldToNdc, worldToPixel } from "../../../src/data/scene/ndc.ts";
import { pixelRay } from "../../../src/data/scene/pixel_ray.ts";
import type { Vector3 } from "../../../src/data/vectors.ts";

const camera: Camera = {
  cameraToWorld: Float32Array.of(0.8, 0, 0.6, 0.3, 0, 1, 0, -0.2, -0.6, 0, 0.8, 0.4),
  focalPixels: 20,
  width: 32,
  height: 18,
};

function expectNear(actual: readonly number[], wanted: readonly number[], tolerance = 1e-6): void {
  assertEquals(actual.length, wanted.length);
  wanted.forEach((value, i) => assertAlmostEquals(actual[i], value, tolerance));
}

Deno.test("worldToNdc() is the formula of the specification, and ndcToWorld() takes it back", () => {
  expectNear(worldToNdc([0.5, -0.25, -2], camera), [20 / 16 * 0.25, -20 / 9 * 0.125, 0]);
  for (const point of [[0, 0, -1], [3, -2, -4], [-70, 50, -900]] as Vector3[]) {
    const back = ndcToWorld(worldToNdc(point, camera), camera);
    back.forEach((value, i) => assertAlmostEquals(value / (point[i] || 1), point[i] ? 1 : 0, 1e-9));
  }
});

Deno.test("ndcToWorld() takes what is beyond the far plane to depth 2000, what is before the near plane to it", () => {
  expectNear(ndcToWorld([0, 0, 1], camera), [0, 0, -2000], 1e-8);
  expectNear(ndcToWorld([0, 0, -3], camera), [0, 0, -1]);
});

Deno.test("worldToNdc() refuses what lies before the near plane", () => {
  for (const z of [-0.9, 0, 4, NaN]) {
    assertThrows(() => worldToNdc([0, 0, z], camera), RangeError, "at most -1, where NDC begins");
  }
});

Deno.test("pixelToWorld() lies on the pixel's ray at the depth that pictures give, and worldToPixel() sees it there", () => {
  for (const depth of [0, 0.3, 0.85, 0.999]) {
    for (const pixel of [[0, 0], [31, 4], [16.5, 17]] as const) {
      const point = pixelToWorld(pixel, depth, camera);
      const { originNdc, directionNdc } = pixelRay(camera, pixel[0], pixel[1]);
      const sample = originNdc.map((value, i) => value + depth * directionNdc[i]);
      expectNear(worldToNdc(point, camera), sample);
      expectNear(worldToPixel(point, camera)!, pixel);
    }
  }
});

Deno.test("worldToPixel() sees nothing behind the camera", () => {
  const { originWorld, directionWorld } = pixelRay(camera, 9, 9);
  const at = (along: number) =>
    originWorld.map((value, i) => value + along * directionWorld[i]) as unknown as Vector3;
  expectNear(worldToPixel(at(0.1), camera)!, [9, 9]);
  assert(worldToPixel(at(-0.1), camera) === undefined);
  assert(worldToPixel(at(0), camera) === undefined);
});
