import { assert, assertEquals } from "@std/assert";
import { randomFill } from "../../src/ops/random_fill.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { randomNormal, randomUniform, streams } from "../../src/runtime/random.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createStep, writeStep } from "../../src/runtime/step.ts";
import { destroyTensor } from "../../src/runtime/tensor.ts";
import { testGpu } from "../support/gpu.ts";

const [seed, count] = [0xfeedbeef, 5000];

/** Uniform and normal numbers of a step. */
async function draw(step: number): Promise<Float32Array[]> {
  const gpu = await testGpu();
  const values = createStep(gpu);
  const plan = new Plan(gpu, "random");
  const fill = (stream: number, distribution: "uniform" | "normal") =>
    plan.keep(randomFill(plan, distribution, [2, 2500], values, { stream, distribution }));
  const tensors = [fill(streams.jitter, "uniform"), fill(streams.density, "normal")];
  const program = await plan.build();
  writeStep(gpu, values, { seed, step, learningRate: 0 });
  program.run();
  const numbers = await readTensors(gpu, ...tensors);
  program.destroy();
  destroyTensor(gpu, values);
  return numbers;
}

Deno.test("randomFill() makes the uniform numbers of randomUniform(), bit for bit", async () => {
  const [uniform] = await draw(7);
  uniform.forEach((value, i) => assertEquals(value, randomUniform(seed, 7, streams.jitter, i)));
});

Deno.test("randomFill() makes the normal numbers of randomNormal()", async () => {
  const [, normal] = await draw(7);
  normal.forEach((value, i) => {
    const expected = randomNormal(seed, 7, streams.density, i);
    assert(Math.abs(value - expected) < 2e-3, `number ${i}: wanted ${expected}, found ${value}`);
  });
  const mean = normal.reduce((sum, x) => sum + x, 0) / count;
  const variance = normal.reduce((sum, x) => sum + x * x, 0) / count;
  assert(
    Math.abs(mean) < 0.05 && Math.abs(variance - 1) < 0.07,
    `mean ${mean}, variance ${variance}`,
  );
});

Deno.test("randomFill() makes other numbers in another step", async () => {
  const [[first], [second]] = [await draw(7), await draw(8)];
  const equal = first.filter((value, i) => value === second[i]).length;
  assert(equal < 5, `${equal} of ${count} numbers are those of the step before`);
});
