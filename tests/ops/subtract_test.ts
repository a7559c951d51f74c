import { assertEquals, assertThrows } from "@std/assert";
import { subtract } from "../../src/ops/subtract.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

for (const points of [1, 63, 65, 257]) {
  Deno.test(`subtract() has the gradient of its formula for ${points} points`, async () => {
    const shape = [2, points, 3];
    await checkGradients({
      a: { shape, layout: "blocks", data: randomArray(1, 6 * points) },
      b: { shape, layout: "blocks", data: randomArray(2, 6 * points) },
    }, (plan, { a, b }) => subtract(plan, "difference", a, b));
  });
}

Deno.test("subtract() gives a chain of differences its gradients: (a − b) − a", async () => {
  const shape = [5];
  const { outputs, gradients } = await runRecorded({
    a: { shape, data: Float32Array.of(1, 2, 3, 4, 5) },
    b: { shape, data: Float32Array.of(5, 0, 0, 0, 1) },
  }, (plan, { a, b }) => {
    const between = subtract(plan, "between", a, b);
    return { between, y: subtract(plan, "y", between, a) };
  }, { y: new Float32Array(5).fill(2) });
  assertEquals([...outputs.y], [-5, 0, 0, 0, -1]);
  assertEquals([...gradients.a], [0, 0, 0, 0, 0]);
  assertEquals([...gradients.b], [-2, -2, -2, -2, -2]);
});

Deno.test("subtract() names the shape that does not fit", async () => {
  const gpu = await testGpu();
  const a = createTensor(gpu, "a", [2, 3]), b = createTensor(gpu, "b", [3, 2]);
  assertThrows(
    () => subtract(new Plan(gpu, "wrong"), "difference", a, b),
    Error,
    'Cannot record subtract "difference": b is (3, 2) in rows, wanted (2, 3) in rows',
  );
});
