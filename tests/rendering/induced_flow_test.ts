import { assertAlmostEquals, assertThrows } from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { cameraRecords, viewRecords } from "../../src/rendering/camera_records.ts";
import { inducedFlow } from "../../src/rendering/induced_flow.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { type CheckedInput, checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

type Tensors = Record<string, Tensor>;

/** Three cameras that look along −z, a little turned and moved from one to the next. */
const cameras = [-1, 0, 1].map((frame): Camera => {
  const [c, s] = [Math.cos(0.1 * frame), Math.sin(0.1 * frame)];
  return {
    cameraToWorld: Float32Array.of(c, 0, s, 0.2 * frame, 0, 1, 0, 0.1, -s, 0, c, 0.1 * frame),
    focalPixels: 30,
    width: 32,
    height: 18,
  };
});

function randomInputs(rays: number, samples: number): Record<string, CheckedInput> {
  const records = [...cameraRecords(cameras, 1), ...cameraRecords(cameras.toReversed(), 1)];
  const count = 2 * rays * samples;
  const rows = (data: Float32Array, ...shape: number[]) => ({ shape, data });
  return {
    weights: rows(randomArray(1, count, 0.1 / samples, 2 / samples), 2, rays, samples),
    points: {
      shape: [2, rays * samples, 3],
      layout: "blocks",
      data: randomArray(2, 3 * count, -0.7, 0.7),
    },
    pixels: { ...rows(randomArray(3, 4 * rays, 0, 18), 2, rays, 2), differentiable: false },
    cameras: { ...rows(Float32Array.from(records), 2, 3, 16), differentiable: false },
  };
}

for (const [rays, samples] of [[1, 1], [21, 3], [5, 13], [257, 2]]) {
  Deno.test(`inducedFlow() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    for (const slot of [0, 2] as const) {
      await checkGradients(randomInputs(rays, samples), (plan, inputs) => {
        const { weights, points, pixels, cameras } = inputs;
        return inducedFlow(plan, "flow", { weights, points, pixels, cameras, slot });
      }, { step: 1e-3, absolute: 1e-5 });
    }
  });
}

Deno.test("inducedFlow() has no gradient for weights that are given", async () => {
  const inputs = randomInputs(5, 13);
  inputs.weights.differentiable = false;
  await checkGradients(
    inputs,
    (plan, { weights, points, pixels, cameras }) =>
      inducedFlow(plan, "flow", { weights, points, pixels, cameras, slot: 0 }),
    { step: 1e-3, absolute: 1e-5 },
  );
});

Deno.test("inducedFlow() takes points of the NDC that other cameras span", async () => {
  const inputs = randomInputs(5, 13);
  const longer = cameras.map((camera) => ({ ...camera, focalPixels: 45 }));
  const records = Float32Array.from([...cameraRecords(longer, 1), ...cameraRecords(longer, 1)]);
  inputs.ndcCameras = { shape: [2, 3, 16], data: records, differentiable: false };
  const record = (plan: Plan, { weights, points, pixels, cameras, ndcCameras }: Tensors) =>
    inducedFlow(plan, "flow", { weights, points, pixels, cameras, ndcCameras, slot: 2 });
  await checkGradients(inputs, record, { step: 1e-3, absolute: 1e-5 });

  const { outputs } = await runRecorded(
    inputs,
    (plan, tensors) => ({ flow: record(plan, tensors) }),
  );
  const { data } = inputs.points; // the same places in the NDC of the cameras' own 30 pixels
  inputs.points.data = data.map((value, i) => i % 3 < 2 ? value * 30 / 45 : value);
  const { outputs: same } = await runRecorded(inputs, (plan, { ndcCameras: _, ...tensors }) => ({
    flow: record(plan, tensors),
  }));
  same.flow.forEach((value, i) => assertAlmostEquals(value, outputs.flow[i], 1e-3));
});

Deno.test("inducedFlow() names the tensor that does not fit", async () => {
  const gpu = await testGpu();
  assertThrows(
    () =>
      inducedFlow(new Plan(gpu, "wrong"), "flow", {
        weights: createTensor(gpu, "weights", [1, 4, 8]),
        points: createTensor(gpu, "points", [1, 31, 3], { layout: "blocks" }),
        pixels: createTensor(gpu, "pixels", [1, 4, 2]),
        cameras: createTensor(gpu, "cameras", [1, 3, 16]),
        slot: 0,
      }),
    Error,
    'Cannot record inducedFlow "flow": points is (1, 31, 3) in blocks, wanted (1, 32, 3) in blocks',
  );
});

Deno.test("golden rays_ndc: inducedFlow()", async () => {
  const golden = await loadCase("rays_ndc");
  const poses = golden.input("rays/c2w").data, focals = golden.input("rays/focal").data;
  const records = [0, 1].flatMap((scene) => [
    ...viewRecords({
      cameraToWorld: poses.subarray((2 * scene + 1) * 12, (2 * scene + 2) * 12),
      focalPixels: focals[scene],
      width: 32,
      height: 18,
    }),
  ]);
  const { outputs } = await runRecorded({
    weights: { shape: [2, 8, 16], data: golden.input("rays/weights").data },
    points: { shape: [2, 128, 3], layout: "blocks", data: golden.output("pts").data },
    pixels: { shape: [2, 8, 2], data: golden.input("rays/grid_xy").data },
    cameras: { shape: [2, 3, 16], data: Float32Array.from(records) },
  }, (plan, { weights, points, pixels, cameras }) => ({
    induced_flow: inducedFlow(plan, "flow", { weights, points, pixels, cameras, slot: 1 }),
  }));
  expectClose(golden, outputs);
});
