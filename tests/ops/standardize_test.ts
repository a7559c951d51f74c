import { standardizeCode, standardizeMaps } from "../../src/ops/standardize.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate } from "../support/frame_maps.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

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
    standardizeMaps(plan, "maps", maps);
    return maps;
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
    standardizeCode(plan, "code", code, 0.25);
    return [code];
  });
  const expected = [0, 70].flatMap((first) =>
    standardized([...data.slice(first, first + 70)]).map((value) => value / 4)
  );
  assertClose(y, expected, 1e-6, "code");
});
