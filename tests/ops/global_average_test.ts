import { assertEquals } from "@std/assert";
import { globalAverage } from "../../src/ops/global_average.ts";
import { assertClose } from "../support/close.ts";
import {
  checkedMaps,
  evaluate,
  mapsAmong,
  numbered,
  only,
  randomMaps,
  uploadMaps,
} from "../support/frame_maps.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

Deno.test("globalAverage() is the mean over a scene's frames and pixels", async () => {
  const gpu = await testGpu();
  const channels = 70, x = randomMaps(1, [1, 3], { height: 5, width: 13, channels }, 2);
  const [y] = await evaluate(gpu, (plan) => [globalAverage(plan, "pooled", uploadMaps(gpu, x))]);
  const expected = x.values.flatMap((frames) => {
    const sums = new Float64Array(channels);
    for (const frame of frames) frame.forEach((value, i) => sums[i % channels] += value);
    return [...sums.map((sum) => sum / (frames.length * 65))];
  });
  assertClose(y, expected, 1e-6, "pooled");
});

Deno.test("globalAverage() shares its gradient among a scene's frames and pixels", async () => {
  const x = randomMaps(1, [1, 3], { height: 5, width: 13, channels: 3 });
  const inputs = checkedMaps("x", x);
  await checkGradients(
    inputs,
    (plan, tensors) => globalAverage(plan, "pooled", mapsAmong(tensors, "x", x)),
  );
  const seed = randomArray(2, 6);
  const { gradients } = await runRecorded(
    only("x.1", inputs),
    (plan, tensors) => numbered([globalAverage(plan, "pooled", mapsAmong(tensors, "x", x))]),
    numbered([seed]),
  );
  assertEquals(Object.keys(gradients), ["x.1.0", "x.1.1", "x.1.2"]);
  for (const [name, values] of Object.entries(gradients)) {
    assertClose(values, values.map((_, i) => seed[3 + i % 3] / (3 * 65)), 1e-9, name);
  }
});
