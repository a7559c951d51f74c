import { assertEquals, assertThrows } from "@std/assert";
import { concatenate, writeChannels } from "../../src/ops/concatenate.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";

for (const points of [1, 63, 65, 257]) {
  Deno.test(`concatenate() hands each part its gradient for ${points} points`, async () => {
    await checkGradients({
      a: { shape: [2, points, 3], layout: "blocks", data: randomArray(1, 6 * points) },
      b: { shape: [2, points, 1], layout: "blocks", data: randomArray(2, 2 * points) },
    }, (plan, { a, b }) => concatenate(plan, "both", a, b));
  });

  Deno.test(`writeChannels() leaves other channels as they are, ${points} points`, async () => {
    const gpu = await testGpu();
    const part = randomArray(1, 2 * points * 2), whole = randomArray(2, 2 * points * 5);
    const blocks = (data: Float32Array, channels: number) =>
      createTensor(gpu, "x", [2, points, channels], { layout: "blocks", data });
    const target = blocks(whole, 5);
    const plan = new Plan(gpu, "test");
    writeChannels(plan, "write", blocks(part, 2), target, 1);
    const program = await plan.build();
    program.run();
    const [found] = await readTensors(gpu, target);
    const expected = whole.map((value, i) => {
      const channel = i % 5 - 1;
      return channel === 0 || channel === 1 ? part[Math.floor(i / 5) * 2 + channel] : value;
    });
    assertEquals(found, expected);
    program.destroy();
  });
}

Deno.test("writeChannels() refuses channels beyond the whole, and gradients", async () => {
  const gpu = await testGpu();
  const blocks = (channels: number, requiresGradient = false) =>
    createTensor(gpu, "x", [1, 3, channels], { layout: "blocks", requiresGradient });
  const plan = new Plan(gpu, "test");
  assertThrows(
    () => writeChannels(plan, "w", blocks(2), blocks(5), 4),
    Error,
    'Cannot record writeChannels "w": channels 4 to 5 of whole, wanted within 0 to 4',
  );
  assertThrows(
    () => writeChannels(plan, "w", blocks(2, true), blocks(5), 0),
    Error,
    'Cannot differentiate writeChannels "w": it is for inference only, and part requires a gradient',
  );
});
