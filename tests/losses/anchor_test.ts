import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { anchorLoss } from "../../src/losses/anchor.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, destroyTensor } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";
import { checkLoss, runOnce } from "./support.ts";

const scenes = 2;
const width = 0.1;

function inputs(rays: number, samples: number) {
  const shape = [scenes, rays, samples];
  const size = scenes * rays * samples;
  return {
    weights: { shape, data: randomArray(1, size, 0.2 / samples, 1 / samples) },
    z: { shape, data: randomArray(2, size, 0, 1), differentiable: false },
    depth: {
      shape: [scenes, rays],
      data: randomArray(3, scenes * rays, 0, 1),
      differentiable: false,
    },
    counted: {
      shape: [scenes, rays],
      data: randomArray(4, scenes * rays).map((x) => x > 0 ? 1 : 0),
      differentiable: false,
    },
  };
}

for (const [rays, samples] of [[1, 1], [63, 2], [65, 5], [257, 3]]) {
  Deno.test(`anchorLoss() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    const { counted, ...x } = inputs(rays, samples);
    await checkLoss(x, (plan, x) => anchorLoss(plan, "anchor", x, width), { step: 1e-3 });
    counted.data[0] = 1; // some ray has a gradient
    await checkLoss({ ...x, counted }, (plan, x) => anchorLoss(plan, "anchor", x, width), {
      step: 1e-3,
    });
  });
}

Deno.test("anchorLoss() is the mean log-likelihood of light that stops at the measured depth", async () => {
  const [rays, samples] = [133, 7];
  const x = inputs(rays, samples);
  const losses = Array.from({ length: scenes * rays }, (_, ray) => {
    let p = 0;
    for (let i = ray * samples; i < (ray + 1) * samples; i++) {
      p += x.weights.data[i] * Math.exp(-Math.abs(x.z.data[i] - x.depth.data[ray]) / width);
    }
    return -Math.log(p);
  });
  const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const { counted, ...all } = x;
  const { outputs: [[term], [ofCounted]] } = await runOnce(x, (plan, { counted, ...x }) => [
    anchorLoss(plan, "anchor", x, width),
    anchorLoss(plan, "counted", { ...x, counted }, width),
  ]);
  assertAlmostEquals(term, mean(losses), 1e-5);
  assertAlmostEquals(ofCounted, mean(losses.filter((_, ray) => counted.data[ray])), 1e-5);
  counted.data.fill(0);
  const none = await runOnce(
    { ...all, counted },
    (plan, x) => [anchorLoss(plan, "anchor", x, width)],
  );
  assertEquals([...none.outputs[0], ...none.gradients.weights].filter((v) => v !== 0), []);
});

Deno.test("anchorLoss() asks for one opaque surface: a mean depth that is right is not enough", async () => {
  const z = { shape: [1, 1, 3], data: Float32Array.of(0.2, 0.5, 0.8), differentiable: false };
  const depth = { shape: [1, 1], data: Float32Array.of(0.5), differentiable: false };
  const lossOf = async (...weights: number[]) => {
    const x = { weights: { shape: [1, 1, 3], data: Float32Array.from(weights) }, z, depth };
    return (await runOnce(x, (plan, x) => [anchorLoss(plan, "anchor", x, width)])).outputs[0][0];
  };
  assertAlmostEquals(await lossOf(0, 1, 0), 0, 1e-6);
  assertAlmostEquals(await lossOf(0.5, 0, 0.5), 3, 1e-5);
  assertAlmostEquals(await lossOf(0, 0, 0), -Math.log(1e-6), 1e-4);
});

Deno.test("anchorLoss() refuses depths of other rays", async () => {
  const gpu = await testGpu();
  const weights = createTensor(gpu, "weights", [1, 4, 3]);
  const depth = createTensor(gpu, "depth", [1, 5]);
  assertThrows(
    () => anchorLoss(new Plan(gpu, "test"), "anchor", { weights, z: weights, depth }, width),
    Error,
    "depth is (1, 5)",
  );
  for (const tensor of [weights, depth]) destroyTensor(gpu, tensor);
});
