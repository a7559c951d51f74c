import { assertGreater, assertLess } from "@std/assert";
import { differenceOf, oscillatorGradients } from "../../tasks/bench/trajectory_gradients.ts";
import { testGpu } from "../support/gpu.ts";

// along a network's field: tests/trajectory/trajectory_test.ts

Deno.test("solveWithAdjoint() and backpropagation agree the better the tighter dopri5's tolerances, within 1e-3 and less", async () => {
  const gpu = await testGpu();
  for (const rtol of [1e-4, 1e-5]) {
    const options = { rtol, atol: rtol / 10, maxSteps: 16 };
    const backprop = await oscillatorGradients(gpu, options, "backprop");
    const adjoint = await oscillatorGradients(gpu, options, "adjoint");
    assertLess(differenceOf(backprop, adjoint).worst, 5 * rtol);
  }
});

Deno.test("solveWithAdjoint() takes memory that does not grow with attempts at steps, but for their control numbers", async () => {
  const gpu = await testGpu();
  const bytes = async (gradient: "backprop" | "adjoint", maxSteps: number) =>
    (await oscillatorGradients(gpu, { rtol: 1e-5, atol: 1e-6, maxSteps }, gradient)).bytes;
  const [few, many] = [await bytes("backprop", 12), await bytes("backprop", 48)];
  const [fewByAdjoint, manyByAdjoint] = [await bytes("adjoint", 12), await bytes("adjoint", 48)];
  assertGreater(many, 2.5 * few);
  assertLess(manyByAdjoint - fewByAdjoint, 36 * 5 * 256); // those forward and four times as many backward
});
