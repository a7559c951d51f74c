import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { flowLosses } from "../../src/losses/flow.ts";
import { randomArray } from "../support/gpu.ts";
import { cameraRecords, checkLoss, runOnce } from "./support.ts";

/** Measured flows of 0…1 pixels, some not valid; induced ones 0.2…1.2 pixels away on either side: no kink is near. */
function inputs(rays: number, valid: boolean[][]) {
  const scenes = valid.length;
  const sides = (seed: number) => {
    const away = randomArray(seed, scenes * rays * 2).map((x) => x + Math.sign(x) * 0.2);
    const flow = randomArray(seed + 1, scenes * rays * 3, 0, 1);
    for (let i = 2; i < flow.length; i += 3) flow[i] = flow[i] < 0.7 ? 1 : 0;
    const induced = away.map((x, i) => x + flow[Math.floor(i / 2) * 3 + i % 2]);
    return {
      induced: { shape: [scenes, rays, 2], data: induced },
      flow: { shape: [scenes, rays, 3], data: flow, differentiable: false },
    };
  };
  const backward = sides(1), forward = sides(3);
  return {
    inducedBackward: backward.induced,
    inducedForward: forward.induced,
    flowBackward: backward.flow,
    flowForward: forward.flow,
    cameras: { shape: [scenes, 3, 16], data: cameraRecords(valid), differentiable: false },
  };
}

for (const rays of [1, 7, 65, 257]) {
  Deno.test(`flowLosses() has the gradient of its formula for ${rays} rays`, async () => {
    await checkLoss(
      inputs(rays, [[true, true], [true, false], [false, true]]),
      (plan, x) => flowLosses(plan, "flow", x),
    );
  });
}

Deno.test("flowLosses() sums over scenes that have the neighbour, and forgives infinite flow where none is valid", async () => {
  const x = inputs(6, [[true, false], [true, false]]);
  const { inducedBackward: { data: induced }, flowBackward: { data: flow } } = x;
  flow[2] = 0;
  induced[0] = Infinity;
  let wanted = 0;
  for (const scene of [0, 1]) {
    let sum = 0, valid = 0;
    for (let ray = scene * 6; ray < scene * 6 + 6; ray++) {
      if (flow[3 * ray + 2] === 0) continue;
      valid++;
      for (const c of [0, 1]) sum += Math.abs(induced[2 * ray + c] - flow[3 * ray + c]);
    }
    wanted += sum / (valid + 1e-8) / 2;
  }
  const { outputs: [terms], gradients } = await runOnce(x, (plan, x) => [flowLosses(plan, "f", x)]);
  assertAlmostEquals(terms[0], wanted, 1e-6);
  assertEquals(terms[1], 0);
  assertEquals([...gradients.inducedForward], Array(24).fill(0));
  assertEquals(gradients.inducedBackward[0], 0);
  assert(gradients.inducedBackward.every(Number.isFinite));
});

Deno.test("flowLosses() is 0 where no flow is valid", async () => {
  const x = inputs(5, [[true, true]]);
  for (const { data } of [x.flowBackward, x.flowForward]) {
    for (let i = 2; i < data.length; i += 3) data[i] = 0;
  }
  const { outputs: [terms] } = await runOnce(x, (plan, x) => [flowLosses(plan, "f", x)]);
  assertEquals([...terms], [0, 0]);
});
