import { assertAlmostEquals, assertThrows } from "@std/assert";
import { anchorLoss } from "../../src/losses/anchor.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, destroyTensor } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";
import { checkLoss, runOnce } from "./support.ts";

const scenes = 2;

function inputs(rays: number, samples: number) {
  const shape = [scenes, rays, samples];
  const size = scenes * rays * samples;
  return {
    weights: { shape, data: randomArray(1, size, 0, 1 / samples) },
    z: { shape, data: randomArray(2, size, 0, 1), differentiable: false },
    depth: {
      shape: [scenes, rays],
      data: randomArray(3, scenes * rays, 0, 1),
      differentiable: false,
    },
  };
}

for (const [rays, samples] of [[1, 1], [63, 2], [65, 5], [257, 3]]) {
  Deno.test(`anchorLoss() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    await checkLoss(inputs(rays, samples), (plan, x) => anchorLoss(plan, "anchor", x));
  });
}

Deno.test("anchorLoss() is the mean distance at which light stops, and 1 where it does not", async () => {
  const [rays, samples] = [33, 7];
  const x = inputs(rays, samples);
  let sum = 0;
  for (let ray = 0; ray < scenes * rays; ray++) {
    let through = 1;
    for (let i = ray * samples; i < (ray + 1) * samples; i++) {
      sum += x.weights.data[i] * Math.abs(x.z.data[i] - x.depth.data[ray]);
      through -= x.weights.data[i];
    }
    sum += through;
  }
  const { outputs: [[term]] } = await runOnce(x, (plan, x) => [anchorLoss(plan, "anchor", x)]);
  assertAlmostEquals(term, sum / (scenes * rays), 1e-6);
});

Deno.test("anchorLoss() asks for one opaque surface: a mean depth that is right is not enough", async () => {
  const z = { shape: [1, 1, 3], data: Float32Array.of(0.2, 0.5, 0.8), differentiable: false };
  const depth = { shape: [1, 1], data: Float32Array.of(0.5), differentiable: false };
  const lossOf = async (...weights: number[]) => {
    const x = { weights: { shape: [1, 1, 3], data: Float32Array.from(weights) }, z, depth };
    return (await runOnce(x, (plan, x) => [anchorLoss(plan, "anchor", x)])).outputs[0][0];
  };
  assertAlmostEquals(await lossOf(0, 1, 0), 0, 1e-6);
  assertAlmostEquals(await lossOf(0.5, 0, 0.5), 0.3, 1e-6);
  assertAlmostEquals(await lossOf(0, 0, 0), 1, 1e-6);
});

Deno.test("anchorLoss() refuses depths of other rays", async () => {
  const gpu = await testGpu();
  const weights = createTensor(gpu, "weights", [1, 4, 3]);
  const depth = createTensor(gpu, "depth", [1, 5]);
  assertThrows(
    () => anchorLoss(new Plan(gpu, "test"), "anchor", { weights, z: weights, depth }),
    Error,
    "depth is (1, 5)",
  );
  for (const tensor of [weights, depth]) destroyTensor(gpu, tensor);
});
