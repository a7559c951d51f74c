import { relu, sigmoid, tanh } from "../../src/ops/activation.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate } from "../support/frame_maps.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";

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
  Deno.test(`tanh() has the gradient of its formula for ${size} numbers`, async () => {
    const data = randomArray(5, size, -3, 3);
    await checkGradients({ x: { shape: [size], data } }, (plan, { x }) => tanh(plan, "t", x));
  });
}

Deno.test("tanh() is 1 for large numbers, where drivers overflow", async () => {
  const gpu = await testGpu();
  const data = Float32Array.of(-1e30, -100, -0.5, 0, 1e-4, 2, 100, 1e30);
  const x = createTensor(gpu, "x", [8], { data });
  const [y] = await evaluate(gpu, (plan) => [tanh(plan, "t", x)]);
  assertClose(y, data.map(Math.tanh), 1e-6, "tanh");
});
