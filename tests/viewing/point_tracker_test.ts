import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { createMonoNerf, destroyMonoNerf } from "../../src/nets/mono_nerf.ts";
import type { OdeTrajectory, Trajectory } from "../../src/recipes/recipe.ts";
import { ndcToWorld } from "../../src/data/scene/ndc.ts";
import { PointTracker, trackPoints, type TrackRequest } from "../../src/viewing/point_tracker.ts";
import type { Vector3 } from "../../src/data/vectors.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

const camera: Camera = {
  cameraToWorld: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0),
  focalPixels: 20,
  width: 32,
  height: 18,
};
const frames = [6, 9];
const sizes = { hidden: 64, globalCode: 16, globalHidden: 16, videoWidth: 4, imageWidth: 4 };

const discrete: Trajectory = { kind: "discrete", steps: 2 };
const dopri5: OdeTrajectory = {
  kind: "ode",
  solver: "dopri5",
  rtol: 1e-3,
  atol: 1e-4,
  maxSteps: 6,
  stepSize: 1,
  gradient: "backprop",
};
const trajectories: [string, Trajectory][] = [
  ["discrete steps", discrete],
  ["dopri5", dopri5],
  ["rk4, differentiated by the adjoint", { ...dopri5, solver: "rk4", gradient: "adjoint" }],
];

/** A model of random parameters whose velocities are far from 0, and two scenes of other codes and lengths. */
async function open(head?: (values: Map<string, Float32Array>) => void) {
  const gpu = await testGpu();
  const model = createMonoNerf(gpu, { sizes, seed: 3 });
  const values = await model.dynamic.read();
  values.set("mlp_dynamic.sf_linear.weight", randomArray(1, 3 * 64, -0.5, 0.5));
  head?.(values);
  model.dynamic.write(values);
  const pooled = createTensor(gpu, "pooled", [2, 1, 32 * sizes.videoWidth], {
    layout: "blocks",
    data: randomArray(2, 2 * 32 * sizes.videoWidth),
  });
  const scenes = frames.map((length) => ({ cameras: Array.from({ length }, () => camera) }));
  return { model, scenes: { scenes, pooled } };
}

function pointsNdc(count: number): Vector3[] {
  const values = randomArray(4, 3 * count, -0.9, 0.9);
  return Array.from(
    { length: count },
    (_, i) => [values[3 * i], values[3 * i + 1], values[3 * i + 2]],
  );
}

/** The points of a path at one of its times. */
function at(
  { ndc }: { ndc: { get(...i: number[]): number; shape: number[] } },
  time: number,
): Vector3[] {
  return Array.from(
    { length: ndc.shape[0] },
    (_, i) => [0, 1, 2].map((c) => ndc.get(i, time, c)) as unknown as Vector3,
  );
}

function expectNear(
  found: readonly Vector3[],
  wanted: readonly Vector3[],
  tolerance: number,
): void {
  assertEquals(found.length, wanted.length);
  found.forEach((point, i) =>
    point.forEach((x, c) => assertAlmostEquals(x, wanted[i][c], tolerance))
  );
}

Deno.test("trackPoints() goes straight where the velocity is the same everywhere", async () => {
  const velocity = [0.02, -0.03, 0.01];
  const { model, scenes } = await open((values) => {
    values.set("mlp_dynamic.sf_linear.weight", new Float32Array(3 * 64));
    values.set("mlp_dynamic.sf_linear.bias", Float32Array.from(velocity, Math.atanh));
  });
  for (const count of [1, 63, 65]) {
    const points = pointsNdc(count);
    for (const [, trajectory] of trajectories) {
      const request: TrackRequest = {
        scene: 1,
        time: 2.5,
        points,
        space: "ndc",
        before: 2,
        after: 3,
      };
      const tracks = await trackPoints(model, scenes, { trajectory }, request);
      assertEquals(tracks.times, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
      assertEquals([tracks.ndc.shape, tracks.world.shape], [[count, 6, 3], [count, 6, 3]]);
      const perFrame = trajectory.kind === "discrete" ? 1 : 1 / frames[1]; // the differential equation's span is 1/F
      tracks.times.forEach((time, i) => {
        const moved = points.map((point) =>
          point.map((x, c) => x + velocity[c] * (time - 2.5) * perFrame) as unknown as Vector3
        );
        expectNear(at(tracks, i), moved, 1e-5);
        const world = moved.map((point) => ndcToWorld(point, camera));
        world.forEach((point, p) =>
          point.forEach((x, c) => assertAlmostEquals(tracks.world.get(p, i, c) / x, 1, 2e-3))
        );
      });
    }
  }
  destroyMonoNerf(model);
});

for (const [name, trajectory] of trajectories) {
  Deno.test(`PointTracker.track() over several frames is its own path frame by frame, by ${name}`, async () => {
    const { model, scenes } = await open();
    const tracker = await PointTracker.create(model, scenes, { trajectory });
    const points = pointsNdc(65);
    const request: TrackRequest = { scene: 0, time: 2, points, space: "ndc" };
    const tracks = await tracker.track({ ...request, before: 2, after: 3 });
    expectNear(at(tracks, 2), points, 1e-7);
    for (const [direction, place] of [[1, 2], [1, 3], [1, 4], [-1, 2], [-1, 1]] as const) {
      const from = at(tracks, place);
      const step = await tracker.track({
        ...request,
        time: tracks.times[place],
        points: from,
        ...(direction > 0 ? { after: 1 } : { before: 1 }),
      });
      const found = at(step, direction > 0 ? 1 : 0);
      expectNear(found, at(tracks, place + direction), 1e-6);
      assert(found.some((point, i) => Math.hypot(...point.map((x, c) => x - from[i][c])) > 0.01));
    }
    // scenes have codes and times of their own, and paths that are asked for at once do not mix
    const [again, other] = await Promise.all([
      tracker.track({ ...request, before: 2, after: 3 }),
      tracker.track({ ...request, scene: 1, before: 2, after: 3 }),
    ]);
    assertEquals(again.ndc.data, tracks.ndc.data);
    assert(at(other, 5).some(([x], i) => Math.abs(x - at(tracks, 5)[i][0]) > 1e-3));
    tracker.destroy();
    destroyMonoNerf(model);
  });
}

Deno.test("PointTracker.track() takes points of the world as those of NDC, any number of them", async () => {
  const { model, scenes } = await open();
  const tracker = await PointTracker.create(model, scenes, { trajectory: discrete });
  const points = pointsNdc(16384 + 65); // more than are recorded together
  const request: TrackRequest = { scene: 0, time: 0, points, space: "ndc", after: 1 };
  const byNdc = await tracker.track(request);
  const world = points.map((point) => ndcToWorld(point, camera));
  const byWorld = await tracker.track({ ...request, points: world, space: undefined });
  byNdc.ndc.data.forEach((x, i) => assertAlmostEquals(byWorld.ndc.data[i], x, 1e-4));
  const last = await tracker.track({ ...request, points: points.slice(-3) });
  expectNear(at(byNdc, 1).slice(-3), at(last, 1), 1e-6);
  tracker.destroy();
  destroyMonoNerf(model);
});

Deno.test("PointTracker frees what it took", async () => {
  const { model, scenes } = await open();
  const { gpu } = model;
  const before = gpu.allocatedBytes;
  const points = pointsNdc(3);
  const request: TrackRequest = { scene: 0, time: 2, points, space: "ndc", before: 1, after: 1 };
  await trackPoints(model, scenes, { trajectory: dopri5 }, request);
  assertEquals(gpu.allocatedBytes, before);
  destroyMonoNerf(model);
});

Deno.test("PointTracker.track() names what it cannot follow", async () => {
  const { model, scenes } = await open();
  const tracker = await PointTracker.create(model, scenes, { trajectory: discrete });
  const good: TrackRequest = { scene: 0, time: 2, points: [[0, 0, -2]], after: 1 };
  const cases: [Partial<TrackRequest>, string][] = [
    [{ scene: 2 }, "scene 2: the batch has scenes 0 to 1"],
    [{ time: 5.5 }, "time 5.5 over 0 frames before and 1 after: the scene has frames 0 to 5"],
    [{ before: 3 }, "time 2 over 3 frames before and 1 after: the scene has frames 0 to 5"],
    [{ time: NaN }, "time NaN over"],
    [{ after: 0.5 }, "over 0.5 frames: wanted a whole number"],
    [{ before: -1 }, "over -1 frames: wanted a whole number"],
    [{ points: [] }, "no points: wanted at least one"],
    [{ points: [[0, Infinity, -2]] }, "the point (0, Infinity, -2): wanted three finite numbers"],
    [{ points: [[0, 0, -0.5]] }, "(0, 0, -0.5) to NDC: its z is -0.5, wanted at most -1"],
  ];
  for (const [change, message] of cases) {
    await assertRejects(() => tracker.track({ ...good, ...change }), RangeError, message);
  }
  tracker.destroy();
  const strict: Trajectory = { ...dopri5, rtol: 1e-7, atol: 1e-7, maxSteps: 1 };
  await assertRejects(
    () => trackPoints(model, scenes, { trajectory: strict }, good),
    Error,
    "Cannot follow the points: 1 trajectories were not solved in the steps allowed",
  );
  destroyMonoNerf(model);
});
