import { assertAlmostEquals, assertEquals } from "@std/assert";
import { motionLosses } from "../../src/losses/motion.ts";
import { randomArray } from "../support/gpu.ts";
import { checkLoss, runOnce } from "./support.ts";

/** Flows whose entries, and whose sums with their returns, stay 0.1 away from 0: no kink is near. */
function inputs(scenes: number, points: number) {
  const count = scenes * points * 3;
  const apart = (seed: number, from = 0.1) =>
    randomArray(seed, count, -0.3, 0.3).map((x) => x + Math.sign(x) * from);
  const flow = (data: Float32Array) => (
    { shape: [scenes, points, 3], layout: "blocks" as const, data }
  );
  const before = apart(1), after = apart(2);
  return {
    backward: flow(before),
    forward: flow(after),
    beforeForward: flow(apart(3).map((x, i) => x - before[i])),
    afterBackward: flow(apart(4).map((x, i) => x - after[i])),
  };
}

for (const [rays, samples] of [[1, 1], [7, 9], [5, 13], [65, 5]]) {
  Deno.test(`motionLosses() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    await checkLoss(
      inputs(2, rays * samples),
      (plan, x) => motionLosses(plan, "m", x, { rays, staticRays: Math.ceil(rays / 2) }),
    );
  });
}

Deno.test("motionLosses() are the means that the table tells", async () => {
  const [rays, samples, staticRays] = [11, 7, 5];
  const x = inputs(2, rays * samples);
  const mean = (f: (i: number) => number, keep = (_: number) => true) => {
    const kept = Array.from({ length: 2 * rays * samples * 3 }, (_, i) => i).filter(keep);
    return kept.reduce((sum, i) => sum + f(i), 0) / kept.length;
  };
  const b = x.backward.data, f = x.forward.data;
  const bf = x.beforeForward.data, fb = x.afterBackward.data;
  const isStatic = (i: number) => Math.floor(i / 3 / samples) % rays < staticRays;
  const { outputs: [terms] } = await runOnce(
    x,
    (plan, x) => [motionLosses(plan, "m", x, { rays, staticRays })],
  );
  const wanted = [
    mean((i) => Math.abs(b[i])) + mean((i) => Math.abs(f[i])),
    mean((i) => Math.abs(f[i] + fb[i])) + mean((i) => Math.abs(b[i] + bf[i])),
    mean((i) => b[i] ** 2, isStatic) + mean((i) => f[i] ** 2, isStatic),
  ];
  wanted.forEach((value, i) => assertAlmostEquals(terms[i], value, 1e-6));
});

Deno.test("motionLosses() writes only the gradients that are asked for", async () => {
  const x = inputs(2, 65);
  const { gradients } = await runOnce(
    { ...x, forward: { ...x.forward, differentiable: false } },
    (plan, x) => [motionLosses(plan, "m", x, { rays: 13, staticRays: 13 })],
  );
  assertEquals(
    Object.keys(gradients).sort(),
    ["afterBackward", "backward", "beforeForward"],
  );
  assertAlmostEquals(Math.abs(gradients.afterBackward[7]), 1 / (2 * 65 * 3), 1e-8);
});

Deno.test("motionLosses() without static rays has no static flow", async () => {
  const { outputs: [terms] } = await runOnce(
    inputs(1, 10),
    (plan, x) => [motionLosses(plan, "m", x, { rays: 2, staticRays: 0 })],
  );
  assertEquals(terms[2], 0);
});
