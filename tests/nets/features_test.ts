import { assertAlmostEquals } from "@std/assert";
import { addTerms, pointFeatures, rayFeatures } from "../../src/nets/features.ts";
import { concatenate } from "../../src/ops/concatenate.ts";
import { checkGradients, randomArray } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

const blocks = (channels: number, points: number, seed: number) => ({
  shape: [2, points, channels],
  layout: "blocks" as const,
  data: randomArray(seed, 2 * points * channels),
});

Deno.test("addTerms() takes features in parts, of points and of rays, with their gradients", async () => {
  const points = 66, rays = 6;
  await checkGradients({
    x: blocks(5, points, 1),
    near: blocks(8, points, 2),
    far: blocks(3, points, 3),
    ray: blocks(7, rays, 4),
    rest: blocks(4, rays, 5),
    pointWeight: { shape: [5, 11], data: randomArray(6, 55) },
    rayWeight: { shape: [5, 11], data: randomArray(7, 55) },
    bias: { shape: [5], data: randomArray(8, 5) },
  }, (plan, { x, near, far, ray, rest, pointWeight, rayWeight, bias }) => {
    const ofPoints = pointFeatures(near, far);
    const ofRays = rayFeatures(ray, rest);
    return addTerms(
      plan,
      "sum",
      x,
      ofPoints(plan, "points", () => ({ weight: pointWeight, bias })),
      ofRays(plan, "rays", () => ({ weight: rayWeight, bias })),
    );
  });
});

Deno.test("addTerms() gives the same for features in parts as for all at once", async () => {
  const { outputs } = await runRecorded({
    x: blocks(5, 65, 1),
    near: blocks(8, 65, 2),
    far: blocks(3, 65, 3),
    weight: { shape: [5, 11], data: randomArray(6, 55) },
  }, (plan, { x, near, far, weight }) => {
    const sum = (...parts: typeof near[]) =>
      addTerms(plan, "sum", x, pointFeatures(...parts)(plan, "points", () => ({ weight })));
    return { parts: sum(near, far), whole: sum(concatenate(plan, "all", near, far)) };
  });
  for (const [i, y] of outputs.parts.entries()) assertAlmostEquals(y, outputs.whole[i], 1e-5);
});
