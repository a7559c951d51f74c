import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { maskLosses, type MaskOutputs } from "../../src/losses/mask.ts";
import { randomArray } from "../support/gpu.ts";
import { checkLoss, runOnce } from "./support.ts";

const scenes = 2;
const both = ({ terms, measures }: MaskOutputs) => [terms, measures];

function inputs(rays: number, samples: number) {
  const points = (seed: number) => ({
    shape: [scenes, rays * samples, 1],
    layout: "blocks" as const,
    data: randomArray(seed, scenes * rays * samples, 0.1, 0.9),
  });
  return {
    blending: points(1),
    blendingBefore: points(2),
    blendingAfter: points(3),
    weightsDynamic: {
      shape: [scenes, rays, samples],
      data: randomArray(4, scenes * rays * samples, 0.05, 0.5),
    },
    maps: { shape: [scenes, rays, 16], data: randomArray(5, scenes * rays * 16, 0.1, 0.9) },
    moving: {
      shape: [scenes, rays],
      data: randomArray(6, scenes * rays).map((x) => x > 0 ? 1 : 0),
      differentiable: false,
    },
  };
}

for (const [rays, samples] of [[1, 1], [7, 16], [13, 5], [65, 3]]) {
  Deno.test(`maskLosses() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    await checkLoss(
      inputs(rays, samples),
      (plan, x) => maskLosses(plan, "mask", x, Math.ceil(rays / 2)).terms,
    );
  });
}

Deno.test("maskLosses() are the means that the table tells", async () => {
  const [rays, samples, staticRays] = [9, 15, 4];
  const x = inputs(rays, samples);
  const b = x.blending.data, w = x.weightsDynamic.data, moving = x.moving.data;
  const dynamicness = x.maps.data.filter((_, i) => i % 16 === 15);
  const mean = (values: Float32Array) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const still = (values: Float32Array) =>
    values.filter((_, i) => Math.floor(i / samples) % rays < staticRays);
  const entropy = (values: Float32Array) =>
    -values.reduce((sum, v) => sum + v * Math.log(v + 1e-19), 0) / (scenes * rays);
  const { outputs } = await runOnce(
    x,
    (plan, x) => both(maskLosses(plan, "mask", x, staticRays)),
  );
  const found = outputs.flatMap((output) => [...output]);
  const wanted = [
    mean(still(b)) + mean(dynamicness.map((d, i) => Math.abs(d - moving[i]))),
    mean(still(x.blendingBefore.data)) + mean(still(x.blendingAfter.data)),
    entropy(w) + entropy(b),
    mean(dynamicness.filter((_, i) => moving[i] === 1)),
    mean(dynamicness.filter((_, i) => moving[i] === 0)),
  ];
  wanted.forEach((value, i) => assertAlmostEquals(found[i], value, 3e-6 * value, `number ${i}`));
});

Deno.test("maskLosses() stay finite for weights of 0, and without moving or static rays", async () => {
  const x = inputs(5, 7);
  x.blending.data.fill(0);
  x.weightsDynamic.data.fill(0);
  for (const moving of [0, 1]) {
    x.moving.data.fill(moving);
    const { outputs: [terms, measures], gradients } = await runOnce(
      x,
      (plan, x) => both(maskLosses(plan, "mask", x, 5 - 5 * moving)),
    );
    assert(terms.every(Number.isFinite), `${terms}`);
    assertEquals(terms[2], 0);
    assertEquals(measures[moving], 0);
    for (const gradient of Object.values(gradients)) assert(gradient.every(Number.isFinite));
  }
});
