import { assertThrows } from "@std/assert";
import { addRates } from "../../src/trajectory/add_rates.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";

for (const points of [1, 63, 65, 257]) {
  Deno.test(`addRates() has the gradient of its formula for ${points} points`, async () => {
    const gpu = await testGpu();
    const clock = createTensor(gpu, "clock", [2], { data: Float32Array.of(-0.5, 0) });
    const input = (seed: number) => ({
      shape: [2, points, 3],
      layout: "blocks" as const,
      data: randomArray(seed, 6 * points),
    });
    const factors = [0.5, -1.5, 0, 2, 0.75, 1.25, -0.5];
    await checkGradients(
      Object.fromEntries(["y", "a", "b", "c", "d", "e", "f", "g"].map((k, i) => [k, input(i)])),
      (plan, { y, ...k }) => {
        const terms = Object.values(k).map((rate, i) => ({ rate, factor: factors[i] }));
        return [
          addRates(plan, "stage", clock, y, terms.slice(0, 6)),
          addRates(plan, "increment", clock, undefined, terms),
          addRates(plan, "once", clock, k.c, [{ rate: k.c, factor: 1 }]),
        ];
      },
    );
  });
}

Deno.test("addRates() refuses more terms than a dispatch binds", async () => {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "plan");
  const [clock, y] = [createTensor(gpu, "clock", [2]), createTensor(gpu, "y", [5])];
  const terms = Array.from({ length: 6 }, () => ({ rate: y, factor: 1 }));
  assertThrows(
    () => addRates(plan, "stage", clock, y, terms),
    Error,
    'Cannot record addRates "stage": 6 terms, wanted 1 to 5',
  );
});
