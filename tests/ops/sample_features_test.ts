import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { sampleFeatures, type Slot } from "../../src/ops/sample_features.ts";
import { cameraRecords } from "../../src/rendering/camera_records.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { type CheckedInput, checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

/** Cameras of a scene that look along −z, a little turned and moved from frame to frame. */
function testCameras(scene: number, frames = 3): Camera[] {
  return Array.from({ length: frames }, (_, frame) => {
    const angle = 0.05 * (frame - 1) * (scene + 1);
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    return {
      cameraToWorld: Float32Array.of(c, 0, s, 0.1 * frame, 0, 1, 0, 0.05 * scene, -s, 0, c, 0.1),
      focalPixels: 30 + scene,
      width: 32,
      height: 18,
    };
  });
}

/** A map whose channel c is `c + ax·(c+1) − ay·2` at texel (x, y): bilinear sampling is exact on it. */
function planeMap(height: number, width: number, channels: number, scale: number): Float32Array {
  return Float32Array.from({ length: height * width * channels }, (_, i) => {
    const c = i % channels, x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    return scale * (c + 0.1 * x * (c + 1) - 0.2 * y);
  });
}

const smooth = { height: 5, width: 7, channels: 8 };

/** Inputs whose samples lie inside the map, two scenes; the map is a plane, so there is no kink at its texels. */
function randomInputs(points: number, invalid: number): Record<string, CheckedInput> {
  const { height, width, channels } = smooth;
  const places = (seed: number): CheckedInput => {
    const data = randomArray(seed, 6 * points, -0.6, 0.6);
    return { shape: [2, points, 3], layout: "blocks", data };
  };
  const cameras = [0, 1].flatMap((scene) => [...cameraRecords(testCameras(scene), 1)]);
  if (invalid >= 0) cameras[48 + invalid * 16 + 15] = 0; // in scene 1
  const maps = [0, 1].flatMap((scene) =>
    [0, 1, 2].map((slot): [string, CheckedInput] => [`map${scene}${slot}`, {
      shape: [height, width, channels],
      data: planeMap(height, width, channels, 1 + 0.3 * scene - 0.2 * slot),
    }])
  );
  return {
    current: places(1),
    before: places(2),
    cameras: { shape: [2, 3, 16], data: Float32Array.from(cameras), differentiable: false },
    ...Object.fromEntries(maps),
  };
}

function record(
  plan: Plan,
  tensors: Record<string, Tensor>,
  channels?: readonly [number, number],
): Tensor {
  const { current, before, cameras } = tensors;
  return sampleFeatures(plan, "features", {
    maps: [0, 1].map((scene) => [0, 1, 2].map((slot) => tensors[`map${scene}${slot}`])),
    cameras,
    channels,
    terms: [
      { points: current, slot: 1, weight: 1 },
      { points: before, slot: 0, fallback: current, weight: 0.5 },
      { points: current, slot: 2, weight: -0.25 },
    ],
  });
}

for (const points of [1, 63, 65, 257]) {
  Deno.test(`sampleFeatures() has the gradient of its formula for ${points} points`, async () => {
    await checkGradients(randomInputs(points, points % 2 ? 0 : -1), (...of) => record(...of));
  });
}

Deno.test("sampleFeatures() has the gradient of its formula for some of the channels", async () => {
  await checkGradients(randomInputs(65, 0), (...of) => record(...of, [4, 4]));
});

Deno.test("sampleFeatures() gives the same channels in parts as at once", async () => {
  const inputs = randomInputs(65, 0);
  const channels = (c: number) => (_: number, i: number) => Math.floor(i % 8 / 4) === c;
  const seed = randomArray(5, 2 * 65 * 8);
  const whole = await runRecorded(inputs, (plan, tensors) => ({ y: record(plan, tensors) }), {
    y: seed,
  });
  const parts = await runRecorded(
    inputs,
    (plan, tensors) => ({ a: record(plan, tensors, [0, 4]), b: record(plan, tensors, [4, 4]) }),
    { a: seed.filter(channels(0)), b: seed.filter(channels(1)) },
  );
  assertEquals(parts.outputs.a, whole.outputs.y.filter(channels(0)));
  assertEquals(parts.outputs.b, whole.outputs.y.filter(channels(1)));
  // the map's contributions are rounded to a scale of their own in each part
  for (const [i, d] of parts.gradients.map11.entries()) {
    assertAlmostEquals(d, whole.gradients.map11[i], 1e-5);
  }
});

Deno.test("sampleFeatures() sums the gradients of maps the same way twice", async () => {
  const inputs = randomInputs(257, -1);
  const seeds = { y: randomArray(8, 2 * 257 * smooth.channels).map((v, i) => v * 10 ** (i % 7)) };
  const run = () => runRecorded(inputs, (plan, tensors) => ({ y: record(plan, tensors) }), seeds);
  const [first, second] = [await run(), await run()];
  assertEquals(first.gradients, second.gradients);
});

Deno.test("sampleFeatures() reads the border, with no gradient, where a point is not in the picture", async () => {
  const { height, width, channels } = smooth;
  const cameras = cameraRecords(testCameras(0), 1);
  const points = Float32Array.of(
    -5,
    0,
    0,
    5,
    0,
    0,
    0,
    9,
    0,
    0,
    -9,
    0,
    7,
    -7,
    0.5,
    0.1,
    0.1,
    2,
    7,
    7,
    0,
  );
  const map = planeMap(height, width, channels, 1);
  const { outputs, gradients } = await runRecorded({
    points: { shape: [1, 7, 3], layout: "blocks", data: points },
    cameras: { shape: [1, 3, 16], data: cameras, differentiable: false },
    map: { shape: [height, width, channels], data: map },
  }, (plan, { points, cameras, map }) => ({
    y: sampleFeatures(plan, "features", {
      maps: [[map, map, map]],
      cameras,
      terms: [{ points, slot: 1, weight: 1 }],
    }),
  }), { y: new Float32Array(7 * channels).fill(1) });
  const lastColumn = (width - 1) * channels;
  const y = (point: number) => outputs.y.subarray(point * channels, (point + 1) * channels);
  const texel = (index: number) => map.subarray(index, index + channels);
  assertEquals(y(4), texel((height - 1) * width * channels + lastColumn)); // x right, y up: the lower right corner
  assertEquals(y(6), texel(lastColumn));
  const dPoint = (point: number) => [...gradients.points.subarray(3 * point, 3 * point + 3)];
  for (const point of [0, 1]) assertEquals(dPoint(point)[0], 0);
  for (const point of [2, 3]) assertEquals(dPoint(point)[1], 0);
  assertEquals(dPoint(4), [0, 0, 0]);
  assertEquals(dPoint(5)[2], 0); // z beyond the clamp
  for (let c = 0; c < channels; c++) { // a sample's shares of its texels add up to 1
    const total = gradients.map.reduce((sum, d, i) => i % channels === c ? sum + d : sum, 0);
    assertAlmostEquals(total, 7, 1e-5);
  }
});

Deno.test("sampleFeatures() names maps that do not fit", async () => {
  const gpu = await testGpu();
  const map = (channels: number) => createTensor(gpu, "map", [2, 2, channels]);
  const points = createTensor(gpu, "points", [1, 5, 3], { layout: "blocks" });
  const cameras = createTensor(gpu, "cameras", [1, 3, 16]);
  const sampleSome = (channels: [number, number] | undefined, ...maps: Tensor[]) =>
    sampleFeatures(new Plan(gpu, "wrong"), "features", {
      maps: [maps],
      cameras,
      terms: [{ points, slot: 0, weight: 1 }, { points, slot: 1, weight: 1 }],
      channels,
    });
  const sample = (...maps: Tensor[]) => sampleSome(undefined, ...maps);
  assertThrows(
    () => sample(map(6), map(6), map(6)),
    Error,
    'Cannot record sampleFeatures "features": maps have 6 channels, wanted a multiple of 4',
  );
  assertThrows(
    () => sample(map(8), map(4), map(8)),
    Error,
    'Cannot record sampleFeatures "features": map is (2, 2, 4) in rows, wanted (height, width, 8) in rows',
  );
  assertThrows(
    () => sampleSome([4, 8], map(8), map(8), map(8)),
    Error,
    'Cannot record sampleFeatures "features": 8 channels from 4, wanted multiples of 4 within 8',
  );
});

/** z of the first half of the points from `<name>_a`, of the second from `<name>_b`; x and y from `<name>_xy`. */
function goldenPoints(golden: GoldenCase, name: string): CheckedInput {
  const xy = golden.input(`feat/${name}_xy`).data;
  const halves = ["a", "b"].map((half) => golden.input(`feat/${name}_${half}`).data);
  const data = Float32Array.from({ length: 2 * 20 * 3 }, (_, i) => {
    const [point, axis] = [Math.floor(i / 3), i % 3];
    if (axis < 2) return xy[2 * point + axis];
    const [scene, p] = [Math.floor(point / 20), point % 20];
    return halves[Math.floor(p / 10)][(scene * 10 + p % 10) * 3 + 2];
  });
  return { shape: [2, 20, 3], layout: "blocks", data };
}

/** Each scene's and frame's map, `(height, width, channels)`, of a golden `[scenes, channels, frames, height, width]`. */
function goldenMaps(golden: GoldenCase, name: string): Record<string, CheckedInput> {
  const { data, shape: [scenes, channels, frames, height, width] } = golden.input(name);
  const maps: Record<string, CheckedInput> = {};
  for (let scene = 0; scene < scenes; scene++) {
    for (let frame = 0; frame < frames; frame++) {
      const map = Float32Array.from({ length: height * width * channels }, (_, i) => {
        const [texel, c] = [Math.floor(i / channels), i % channels];
        return data[((scene * channels + c) * frames + frame) * height * width + texel];
      });
      maps[`${scene}${frame}`] = { shape: [height, width, channels], data: map };
    }
  }
  return maps;
}

/** The gradients of {@link goldenMaps} in the golden's order; untouched maps have none. */
function toGoldenOrder(
  golden: GoldenCase,
  name: string,
  gradients: Record<string, Float32Array>,
): Float32Array {
  const { data, shape: [, channels, frames, height, width] } = golden.input(name);
  return data.map((_, i) => {
    const texel = i % (height * width);
    const frame = Math.floor(i / (height * width)) % frames;
    const c = Math.floor(i / (height * width * frames)) % channels;
    const scene = Math.floor(i / (height * width * frames * channels));
    return gradients[`${scene}${frame}`]?.[texel * channels + c] ?? 0;
  });
}

for (const frames of ["01", "23", "30"]) {
  Deno.test(`golden feature_sampling: sampleFeatures() and its gradients, frames ${frames}`, async () => {
    const golden = await loadCase("feature_sampling");
    const [frame0, frame1] = [...frames].map(Number);
    const poses = golden.input("feat/c2w").data;
    const focals = golden.input("feat/focal").data;
    const records = [frame0, frame1].flatMap((frame, scene) => {
      const cameras = [0, 1, 2, 3].map((k): Camera => ({
        cameraToWorld: poses.subarray((scene * 4 + k) * 12, (scene * 4 + k + 1) * 12),
        focalPixels: focals[scene],
        width: 32,
        height: 18,
      }));
      return [...cameraRecords(cameras, frame)];
    });
    const points = Object.fromEntries(
      ["xyz", "p_minus", "p_plus"].map((name) => [name, goldenPoints(golden, name)]),
    );
    const sample = async (
      mapsName: string,
      seeds: Record<string, Float32Array>,
      terms: (tensors: Record<string, Tensor>) => Record<string, [Tensor, Slot, Tensor?]>,
    ) => {
      const { outputs, gradients } = await runRecorded(
        {
          ...points,
          ...goldenMaps(golden, mapsName),
          cameras: { shape: [2, 3, 16], data: Float32Array.from(records), differentiable: false },
        },
        (plan, tensors) => {
          const at = (scene: number, frame: number) =>
            tensors[`${scene}${frame}`] ?? tensors[`${scene}${[frame0, frame1][scene]}`];
          const maps = [frame0, frame1].map((frame, scene) =>
            [-1, 0, 1].map((slot) => at(scene, frame + slot))
          );
          return Object.fromEntries(
            Object.entries(terms(tensors)).map(([name, [points, slot, fallback]]) => [
              name,
              sampleFeatures(plan, name, {
                maps,
                cameras: tensors.cameras,
                terms: [{ points, slot, fallback, weight: 1 }],
              }),
            ]),
          );
        },
        seeds,
      );
      return { outputs, gradients, maps: toGoldenOrder(golden, mapsName, gradients) };
    };
    const ct = (name: string) => golden.input(`ct/feat/${name}`).data;
    const neighbour = (which: number) =>
      ct("temporal").filter((_, i) => Math.floor(i / 24) % 2 === which);
    const video = await sample(
      "feat/maps",
      { current: ct("current"), before: neighbour(0), after: neighbour(1) },
      ({ xyz, p_minus, p_plus }) => ({
        current: [xyz, 1],
        before: [p_minus, 0, xyz],
        after: [p_plus, 2, xyz],
      }),
    );
    const image = await sample(
      "feat/maps2d",
      { current2d: ct("current2d") },
      ({ xyz }) => ({ current2d: [xyz, 1] }),
    );
    const temporal = Float32Array.from(ct("temporal"), (_, i) => {
      const [point, which, c] = [Math.floor(i / 48), Math.floor(i / 24) % 2, i % 24];
      return (which ? video.outputs.after : video.outputs.before)[point * 24 + c];
    });
    const prefix = `frames${frames}/spec`;
    expectClose(golden, {
      [`${prefix}/current`]: video.outputs.current,
      [`${prefix}/temporal`]: temporal,
      [`${prefix}/current2d`]: image.outputs.current2d,
      [`${prefix}/grad/maps`]: video.maps,
      [`${prefix}/grad/maps2d`]: image.maps,
      [`${prefix}/grad/xyz`]: video.gradients.xyz.map((value, i) => value + image.gradients.xyz[i]),
      [`${prefix}/grad/p_minus`]: video.gradients.p_minus,
      [`${prefix}/grad/p_plus`]: video.gradients.p_plus,
    });
  });
}

Deno.test("sampleFeatures() takes more points than one dimension has workgroups for", async () => {
  const few = 64, many = 64 * (32768 + 3);
  const places = randomArray(3, 3 * few, -0.6, 0.6), seed = randomArray(4, 4 * few);
  const repeated = (data: Float32Array, count: number) =>
    Float32Array.from({ length: data.length / few * count }, (_, i) => data[i % data.length]);
  const run = async (count: number) => {
    const { outputs, gradients } = await runRecorded({
      points: { shape: [1, count, 3], layout: "blocks", data: repeated(places, count) },
      cameras: {
        shape: [1, 3, 16],
        data: Float32Array.from(cameraRecords(testCameras(0), 1)),
        differentiable: false,
      },
      map: { shape: [5, 7, 4], data: planeMap(5, 7, 4, 1), differentiable: false },
    }, (plan, { points, cameras, map }) => ({
      y: sampleFeatures(plan, "features", {
        maps: [[map, map, map]],
        cameras,
        terms: [{ points, slot: 1, weight: 1 }],
      }),
    }), { y: repeated(seed, count) });
    return { y: outputs.y, d: gradients.points };
  };
  const small = await run(few), large = await run(many);
  const differing = (found: Float32Array, wanted: Float32Array) =>
    found.findIndex((value, i) => value !== wanted[i % wanted.length]);
  assertEquals([large.y.length, differing(large.y, small.y)], [4 * many, -1]);
  assertEquals([large.d.length, differing(large.d, small.d)], [3 * many, -1]);
});
