import { globalAverage } from "../../src/ops/mean.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { testGpu } from "../support/gpu.ts";

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
