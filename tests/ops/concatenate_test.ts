import { concatenate } from "../../src/ops/concatenate.ts";
import { checkGradients, randomArray } from "../support/gpu.ts";

for (const points of [1, 63, 65, 257]) {
  Deno.test(`concatenate() hands each part its gradient for ${points} points`, async () => {
    await checkGradients({
      a: { shape: [2, points, 3], layout: "blocks", data: randomArray(1, 6 * points) },
      b: { shape: [2, points, 1], layout: "blocks", data: randomArray(2, 2 * points) },
    }, (plan, { a, b }) => concatenate(plan, "both", a, b));
  });
}
