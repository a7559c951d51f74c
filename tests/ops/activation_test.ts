import { relu, sigmoid } from "../../src/ops/activation.ts";
import { checkGradients, randomArray } from "../support/gpu.ts";

for (const size of [1, 63, 65, 257]) {
  Deno.test(`relu() has the gradient of its formula for ${size} numbers`, async () => {
    // away from the kink: 0.1 to 1.1 in size
    const data = randomArray(3, size).map((v) => v + (v < 0 ? -0.1 : 0.1));
    await checkGradients({ x: { shape: [size], data } }, (plan, { x }) => relu(plan, "relu", x));
  });
  Deno.test(`sigmoid() has the gradient of its formula for ${size} numbers`, async () => {
    const data = randomArray(4, size, -3, 3);
    await checkGradients({ x: { shape: [size], data } }, (plan, { x }) => sigmoid(plan, "s", x));
  });
}
