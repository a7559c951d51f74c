import { assertEquals, assertThrows } from "@std/assert";
import { channelMoments } from "../../src/ops/channel_moments.ts";
import { standardizeCode, standardizeMaps } from "../../src/ops/standardize.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, numbered } from "../support/frame_maps.ts";
import { type CheckedInput, checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

/** `(x − mean)/√(variance + 10⁻⁵)` of one list. */
function standardized(x: number[]): number[] {
  const mean = x.reduce((a, b) => a + b) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return x.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
}

Deno.test("standardizeMaps() gives every channel mean 0 and deviation 1 over all maps", async () => {
  const gpu = await testGpu();
  const channels = 5, points = 7 * 11;
  const data = [1, 2, 3].map((seed) =>
    randomArray(seed, points * channels, 2, 4).map((value, i) => i % channels === 3 ? 0 : value)
  );
  const y = await evaluate(gpu, (plan) => {
    const maps = data.map((data) => createTensor(gpu, "map", [7, 11, channels], { data }));
    return standardizeMaps(plan, "maps", maps);
  });
  for (let channel = 0; channel < channels; channel++) {
    const pick = (maps: Float32Array[]) =>
      maps.flatMap((map) => [...map].filter((_, i) => i % channels === channel));
    const expected = channel === 3 ? pick(data) : standardized(pick(data)); // dead channels stay 0
    assertClose(pick(y), expected, 3e-6, `channel ${channel}`);
  }
});

Deno.test("standardizeCode() gives every scene's code mean 0 and the deviation asked for", async () => {
  const gpu = await testGpu();
  const data = randomArray(4, 2 * 70, 1, 5);
  const [y] = await evaluate(gpu, (plan) => {
    const code = createTensor(gpu, "code", [2, 1, 70], { layout: "blocks", data });
    return [standardizeCode(plan, "code", code, 0.25)];
  });
  const expected = [0, 70].flatMap((first) =>
    standardized([...data.slice(first, first + 70)]).map((value) => value / 4)
  );
  assertClose(y, expected, 1e-6, "code");
});

Deno.test("standardizeMaps() makes the same a few maps at a time with moments of all", async () => {
  const gpu = await testGpu();
  const maps = [1, 2, 3].map((seed) =>
    createTensor(gpu, "map", [7, 11, 5], { data: randomArray(seed, 7 * 11 * 5) })
  );
  const all = await evaluate(gpu, (plan) => standardizeMaps(plan, "maps", maps));
  const parts = await evaluate(gpu, (plan) => {
    const moments = channelMoments(plan, "moments", maps);
    return [maps.slice(0, 1), maps.slice(1)].flatMap((part) =>
      standardizeMaps(plan, "maps", part, { moments })
    );
  });
  assertEquals(parts, all);
});

Deno.test("standardizeMaps() refuses a gradient through moments made before", async () => {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "test");
  const map = plan.activation("map", [2, 3, 4]);
  const moments = plan.activation("moments", [4, 2]);
  standardizeMaps(plan, "maps", [map], { moments });
  assertThrows(
    () => standardizeMaps(plan, "maps", [{ ...map, requiresGradient: true }], { moments }),
    Error,
    'Cannot record standardizeMaps "maps": "map" requires a gradient',
  );
});

for (const [height, width] of [[1, 2], [7, 9], [13, 45]]) {
  Deno.test(`standardizeMaps() has its gradients: ${height} x ${width}`, async () => {
    const count = height * width * 5;
    const inputs = Object.fromEntries(["a", "b", "c"].map((name, i): [string, CheckedInput] => [
      name,
      { shape: [height, width, 5], data: randomArray(i, count, 2, 4) },
    ]));
    const record = (plan: Plan, { a, b, c }: Record<string, Tensor>) =>
      standardizeMaps(plan, "maps", [a, b, c]);
    const all = await checkGradients(inputs, record);
    for (const name of ["a", "c"]) {
      const alone = Object.entries(inputs).map(([key, input]) => [
        key,
        { ...input, differentiable: key === name },
      ]);
      const { gradients } = await runRecorded(
        Object.fromEntries(alone),
        (plan, tensors) => numbered(record(plan, tensors)),
        numbered([0, 1, 2].map((i) => randomArray(1000 + i, count))),
      );
      assertEquals(gradients, { [name]: all[name] });
    }
  });
}

for (const channels of [1, 63, 70]) {
  Deno.test(`standardizeCode() has its gradient: ${channels} channels`, async () => {
    await checkGradients(
      { code: { shape: [3, 1, channels], layout: "blocks", data: randomArray(4, 3 * channels) } },
      (plan, { code }) => standardizeCode(plan, "code", code, 0.25),
    );
  });
}
