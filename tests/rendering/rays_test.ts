import { assert } from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { pixelRay } from "../../src/data/scene/pixel_ray.ts";
import { cameraRecords, viewRecords } from "../../src/rendering/camera_records.ts";
import { cameraRays, samplePoints } from "../../src/rendering/rays.ts";
import type { Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { randomArray } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";
import { stratified } from "../support/stratified.ts";

function expectNear(actual: ArrayLike<number>, expected: readonly number[], tolerance: number) {
  expected.forEach((value, i) => {
    assert(
      Math.abs(actual[i] - value) <= tolerance,
      `number ${i}: wanted ${value}, found ${actual[i]}`,
    );
  });
}

const camera: Camera = {
  cameraToWorld: Float32Array.of(0.8, 0, 0.6, 0.3, 0, 1, 0, -0.2, -0.6, 0, 0.8, 0.4),
  focalPixels: 20,
  width: 32,
  height: 18,
};

Deno.test("cameraRays() gives the rays of pixelRay(), of each scene's current camera", async () => {
  const rays = 67;
  const other = { ...camera, focalPixels: 31 };
  const [first, second] = [[camera, other, camera], [camera, camera, other]];
  const pixels = randomArray(1, 4 * rays, 0, 18).map(Math.floor);
  const { outputs } = await runRecorded({
    pixels: { shape: [2, rays, 2], data: pixels },
    cameras: {
      shape: [2, 3, 16],
      data: Float32Array.of(...cameraRecords(first, 1), ...cameraRecords(second, 1)),
    },
  }, (plan, { pixels, cameras }) => ({ ...cameraRays(plan, "rays", pixels, cameras) }));
  for (let i = 0; i < 2 * rays; i++) {
    const ray = pixelRay(i < rays ? other : camera, pixels[2 * i], pixels[2 * i + 1]);
    expectNear(outputs.origins.subarray(3 * i), ray.originNdc, 2e-6);
    expectNear(outputs.directions.subarray(3 * i), ray.directionNdc, 2e-6);
    expectNear(outputs.viewDirections.subarray(3 * i), ray.viewDirection, 5e-7);
  }
});

Deno.test("cameraRays() keeps the scene's NDC for a view of another focal length", async () => {
  const zoomed = { ...camera, focalPixels: 45 };
  const { outputs } = await runRecorded({
    pixels: { shape: [1, 1, 2], data: Float32Array.of(30, 2) },
    cameras: { shape: [1, 3, 16], data: viewRecords(zoomed) },
    ndcCameras: { shape: [1, 3, 16], data: viewRecords(camera) },
  }, (plan, { pixels, cameras, ndcCameras }) => ({
    ...cameraRays(plan, "rays", pixels, cameras, { ndcCameras }),
  }));
  // the same ray as that of the scene's camera through the pixel that sees this direction
  const [x, y] = [16 + (30 - 16) * 20 / 45, 9 + (2 - 9) * 20 / 45];
  const ray = pixelRay(camera, x, y);
  expectNear(outputs.origins, ray.originNdc, 2e-6);
  expectNear(outputs.directions, ray.directionNdc, 2e-6);
});

Deno.test("samplePoints() puts a lone sample at near, and jittered ones between midpoints", async () => {
  const [rays, samples] = [5, 27];
  const origins = randomArray(1, 6 * rays), directions = randomArray(2, 6 * rays);
  const jitter = randomArray(3, 2 * rays * samples, 0, 1);
  const { outputs } = await runRecorded({
    origins: { shape: [2, rays, 3], data: origins },
    directions: { shape: [2, rays, 3], data: directions },
    jitter: { shape: [2, rays, samples], data: jitter },
  }, (plan, { origins, directions, jitter }) => {
    const lone = samplePoints(plan, "lone", origins, directions, {
      samples: 1,
      near: 0.5,
      far: 0.5,
    });
    const many = samplePoints(plan, "many", origins, directions, {
      samples,
      near: 0.2,
      far: 1.2,
      jitter,
    });
    return { loneZ: lone.z, lone: lone.points, z: many.z, points: many.points };
  });
  expectNear(outputs.loneZ, Array(2 * rays).fill(0.5), 0);
  expectNear(outputs.lone, [...origins.map((o, i) => o + 0.5 * directions[i])], 1e-6);
  expectNear(outputs.z, Array.from(stratified(jitter, samples), (z) => 0.2 + z), 1e-6);
  const points = Array.from(outputs.points, (_, i) => {
    const sample = Math.floor(i / 3), at = 3 * Math.floor(sample / samples) + i % 3;
    return origins[at] + outputs.z[sample] * directions[at];
  });
  expectNear(outputs.points, points, 1e-6);
});

const [scenes, height, width] = [2, 18, 32];

/** Cameras of a frame of the golden scenes. */
function goldenCameras(golden: GoldenCase, frame: number): Camera[] {
  const poses = golden.input("rays/c2w").data, focals = golden.input("rays/focal").data;
  return [0, 1].map((scene) => ({
    cameraToWorld: poses.subarray((2 * scene + frame) * 12, (2 * scene + frame + 1) * 12),
    focalPixels: focals[scene],
    width,
    height,
  }));
}

Deno.test("golden rays_ndc: rays of whole pictures and samples along some", async () => {
  const golden = await loadCase("rays_ndc");
  const cameras = goldenCameras(golden, 0);
  const count = height * width;
  const pixels = Float32Array.from({ length: scenes * count * 2 }, (_, i) => {
    const pixel = Math.floor(i / 2) % count;
    return i % 2 ? Math.floor(pixel / width) : pixel % width;
  });
  const records = Float32Array.from(cameras.flatMap((camera) => [...viewRecords(camera)]));
  const some = (pixels: Float32Array) =>
    pixels.filter((_, i) => { // pixels 40…47 of each scene
      const pixel = Math.floor(i / 2) % count;
      return pixel >= 40 && pixel < 48;
    });
  const constant = (shape: number[], data: Float32Array) => ({
    ...{ shape, data },
    differentiable: false,
  });
  const { outputs } = await runRecorded({
    pixels: constant([scenes, count, 2], pixels),
    few: constant([scenes, 8, 2], some(pixels)),
    cameras: constant([scenes, 3, 16], records),
    jitter: constant([scenes, 8, 16], golden.input("rays/t_rand").data),
  }, (plan, { pixels, few, cameras, jitter }) => {
    const all = cameraRays(plan, "all", pixels, cameras);
    const rays = cameraRays(plan, "few", few, cameras);
    const along = { samples: 16, near: 0, far: 1 };
    const sample = (label: string, jitter?: Tensor) =>
      samplePoints(plan, label, rays.origins, rays.directions, { ...along, jitter });
    const random = sample("random", jitter);
    return {
      ndc_o: all.origins,
      ndc_d: all.directions,
      viewdirs: all.viewDirections,
      z_vals: random.z,
      pts: random.points,
      z_vals_uniform: sample("uniform").z,
    };
  });
  const rays = cameras.flatMap((camera) =>
    Array.from({ length: count }, (_, i) => pixelRay(camera, i % width, Math.floor(i / width)))
  );
  expectClose(golden, {
    ...outputs,
    rays_o: rays.flatMap((ray) => ray.originWorld),
    rays_d: rays.flatMap((ray) => ray.directionWorld),
  });
});
