import { assertEquals, assertThrows } from "@std/assert";
import { gruReset, gruUpdate } from "../../src/ops/gru.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

for (const points of [1, 63, 65, 257]) {
  Deno.test(`gruReset() and gruUpdate() are their formulas for ${points} points`, async () => {
    const gpu = await testGpu();
    const channels = 5, wide = 8;
    const values = (seed: number, count: number, size = 3) =>
      randomArray(seed, points * count, -size, size);
    const data = {
      gates: values(1, 2 * channels),
      share: values(2, 3 * channels),
      hidden: values(3, channels, 1),
      candidate: values(4, channels, 300), // tanh must not overflow
      seen: values(5, wide),
      next: values(6, wide),
    };
    const tensors = Object.fromEntries(
      Object.entries(data).map(([name, values]) => [
        name,
        createTensor(gpu, name, [1, points, values.length / points], {
          layout: "blocks",
          data: values,
        }),
      ]),
    );
    const { gates, share, hidden, candidate, seen, next } = tensors;
    const plan = new Plan(gpu, "test");
    gruReset(plan, "reset", { gates, share, hidden }, seen);
    gruUpdate(plan, "update", { gates, share, hidden, candidate }, next);
    const program = await plan.build();
    program.run();
    const [newHidden, newSeen, newNext] = await readTensors(gpu, hidden, seen, next);
    program.destroy();

    const at = (i: number) => ({ point: Math.floor(i / channels), channel: i % channels });
    const gate = (i: number, which: number) => {
      const { point, channel } = at(i);
      return sigmoid(
        data.gates[point * 2 * channels + which * channels + channel] +
          data.share[point * 3 * channels + which * channels + channel],
      );
    };
    const expected = data.hidden.map((value, i) => {
      const { point, channel } = at(i), z = gate(i, 0);
      const q = Math.tanh(data.candidate[i] + data.share[(point * 3 + 2) * channels + channel]);
      return (1 - z) * value + z * q;
    });
    assertClose(newHidden, expected, 1e-6, "hidden");
    const within = (old: Float32Array, first: (i: number) => number) =>
      old.map((value, i) => {
        const point = Math.floor(i / wide), channel = i % wide;
        return channel < channels ? first(point * channels + channel) : value;
      });
    assertClose(newSeen, within(data.seen, (i) => gate(i, 1) * data.hidden[i]), 1e-6, "reset");
    assertClose(newNext, within(data.next, (i) => expected[i]), 1e-6, "copy");
  });
}

Deno.test("gruReset() and gruUpdate() refuse other shapes, and gradients", async () => {
  const gpu = await testGpu();
  const tensor = (channels: number, requiresGradient = false) =>
    createTensor(gpu, "x", [1, 3, channels], { layout: "blocks", requiresGradient });
  const unit = { gates: tensor(8), share: tensor(12), hidden: tensor(4) };
  const plan = new Plan(gpu, "test");
  assertThrows(
    () => gruReset(plan, "r", { ...unit, share: tensor(8) }, tensor(4)),
    Error,
    'Cannot record gruReset "r": share is (1, 3, 8) in blocks, wanted (1, 3, 12) in blocks',
  );
  assertThrows(
    () => gruReset(plan, "r", unit, tensor(3)),
    Error,
    'Cannot record gruReset "r": into has 3 channels, wanted 4 or more',
  );
  assertThrows(
    () => gruUpdate(plan, "u", { ...unit, candidate: tensor(4, true) }, tensor(4)),
    Error,
    'Cannot differentiate gruUpdate "u": it is for inference only, and candidate requires a gradient',
  );
  assertEquals(plan.gpu, gpu);
});
