import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { viewRecords } from "../../src/rendering/camera_records.ts";
import { hideUnseen, ndcPlacement, placePoints } from "../../src/viewing/place_points.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

const camera = (focalPixels: number): Camera => ({
  cameraToWorld: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0),
  focalPixels,
  width: 40,
  height: 24,
});
const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
/** Turned a little about y, mirrored, smaller, moved. */
const placement = [-0.76, 0.1, 0.2, 0.3, 0, 0.8, 0, -0.1, 0.2, 0, 0.76, 0.25];

/** Two scenes' points, taken by `matrices`. */
async function placed(points: Float32Array, count: number, ...matrices: Float32Array[]) {
  const { outputs } = await runRecorded(
    {
      points: { shape: [2, count, 3], layout: "blocks", data: points, differentiable: false },
      placements: {
        shape: [2, 4, 4],
        data: Float32Array.from(matrices.flatMap((matrix) => [...matrix, 0, 0, 0, 0])),
        differentiable: false,
      },
    },
    (plan, { points, placements }) => ({ placed: placePoints(plan, "place", points, placements) }),
  );
  return outputs.placed;
}

/** NDC to world and back, in the plain way. */
function viaWorld(p: Float32Array, [...a]: number[], from: Camera, to: Camera): number[] {
  const extent = ({ width, height, focalPixels: f }: Camera) => [width / (2 * f), height / (2 * f)];
  const [fx, fy] = extent(from), [tx, ty] = extent(to);
  const depth = 2 / (1 - p[2]);
  const world = [depth * fx * p[0], depth * fy * p[1], -depth];
  const [x, y, z] = [0, 4, 8].map((row) =>
    a[row] * world[0] + a[row + 1] * world[1] + a[row + 2] * world[2] + a[row + 3]
  );
  return [x / (-z * tx), y / (-z * ty), Math.max(-2, 1 + 2 / z)];
}

for (const count of [1, 65, 257]) {
  Deno.test(`placePoints() takes ${count} points through the world from one NDC to another`, async () => {
    const points = randomArray(1, 6 * count, -0.6, 0.6);
    const [from, to] = [camera(30), camera(36)];
    const found = await placed(
      points,
      count,
      ndcPlacement(placement, from, to),
      ndcPlacement(identity, from, to),
    );
    for (let i = 0; i < 2 * count; i++) {
      const p = points.subarray(3 * i, 3 * i + 3);
      const wanted = viaWorld(p, i < count ? placement : identity, from, to);
      wanted.forEach((value, c) => {
        const off = Math.abs(found[3 * i + c] - value);
        assert(off < 2e-5, `point ${i}: ${found.slice(3 * i, 3 * i + 3)}, wanted ${wanted}`);
      });
    }
  });
}

Deno.test("placePoints() leaves every bit where it is told to change nothing, to infinity", async () => {
  const points = randomArray(2, 6 * 65, -1, 1);
  points[2] = 1;
  points[5] = -1;
  const still = ndcPlacement(identity, camera(30), camera(30));
  assertEquals(await placed(points, 65, still, still), points);
});

Deno.test("placePoints() puts what comes to lie behind the cameras in front of all samples", async () => {
  // at distance 2, taken 1.5 and 3 towards the camera
  const point = Float32Array.of(0.1, 0.1, 0, 0.1, 0.1, 0);
  const towards = (by: number) =>
    ndcPlacement([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, by], camera(30), camera(30));
  const found = await placed(point, 1, towards(1.5), towards(3));
  assert(found[2] < -1.5 && found[5] < -1.5, `${found}`);
  assert(found.every(Number.isFinite));
});

Deno.test("hideUnseen() hides what lies outside of the picture, where it is told to", async () => {
  const points = randomArray(3, 6 * 65, -1.5, 1.5);
  const blending = randomArray(4, 2 * 65, 0, 1);
  const fixed = { layout: "blocks", differentiable: false } as const;
  const { outputs: { hidden } } = await runRecorded({
    points: { shape: [2, 65, 3], data: points, ...fixed },
    blending: { shape: [2, 65, 1], data: blending, ...fixed },
    placements: {
      shape: [2, 4, 4],
      data: Float32Array.from({ length: 32 }, (_, i) => i === 12 ? 1 : 0), // the first scene
      differentiable: false,
    },
    cameras: {
      shape: [2, 3, 16],
      data: Float32Array.from([...viewRecords(camera(30)), ...viewRecords(camera(30))]),
      differentiable: false,
    },
  }, (plan, { blending, points, cameras, placements }) => ({
    hidden: hideUnseen(plan, "hide", blending, points, cameras, placements),
  }));
  // the camera stands in the middle: its picture is −1 to 1 of NDC, across
  const inside = (i: number) =>
    i >= 65 || Math.max(Math.abs(points[3 * i]), Math.abs(points[3 * i + 1])) <= 1;
  assertEquals(hidden, blending.map((b, i) => inside(i) ? b : -1));
});

Deno.test("placePoints() names the tensor that does not fit", async () => {
  const gpu = await testGpu();
  const points = createTensor(gpu, "points", [1, 5, 3], { layout: "blocks" });
  const placements = createTensor(gpu, "placements", [1, 3, 4]);
  assertThrows(
    () => placePoints(new Plan(gpu, "wrong"), "place", points, placements),
    Error,
    'Cannot record placePoints "place": placements is (1, 3, 4) in rows, wanted (1, 4, 4) in rows',
  );
});

Deno.test("placePoints() and hideUnseen() refuse to be differentiated", async () => {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "refused");
  const blocks = { layout: "blocks", requiresGradient: true } as const;
  const points = createTensor(gpu, "points", [1, 5, 3], blocks);
  const blending = createTensor(gpu, "blending", [1, 5, 1], blocks);
  const placements = createTensor(gpu, "placements", [1, 4, 4]);
  const cameras = createTensor(gpu, "cameras", [1, 3, 16]);
  assertThrows(
    () => placePoints(plan, "a", points, placements),
    Error,
    'Cannot differentiate placePoints "a": it is for inference only, and points requires a gradient',
  );
  assertThrows(
    () => hideUnseen(plan, "b", blending, points, cameras, placements),
    Error,
    'Cannot differentiate hideUnseen "b": it is for inference only, and blending requires a gradient',
  );
});
