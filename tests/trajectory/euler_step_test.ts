import { eulerStep } from "../../src/trajectory/euler_step.ts";
import { checkGradients, randomArray } from "../support/gpu.ts";

for (const points of [1, 63, 65, 257]) {
  Deno.test(`eulerStep() has the gradient of its formula for ${points} points`, async () => {
    const shape = [2, points, 3];
    await checkGradients({
      points: { shape, layout: "blocks", data: randomArray(1, 6 * points) },
      velocity: { shape, layout: "blocks", data: randomArray(2, 6 * points, -2, 2) },
    }, (plan, { points, velocity }) => eulerStep(plan, "step", points, velocity, -0.5));
  });
}
