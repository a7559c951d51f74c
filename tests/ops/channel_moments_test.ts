import { channelMoments } from "../../src/ops/channel_moments.ts";
import { createTensor, type Layout } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate } from "../support/frame_maps.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

// A mean of 300 deviations: sums of squares would lose every digit of the variance.
for (const layout of ["blocks", "rows"] satisfies Layout[]) {
  for (const sizes of [[1], [63, 65], [2049, 4097, 5]]) {
    Deno.test(`channelMoments() keeps a small variance beside a large mean: ${layout}, ${sizes} points`, async () => {
      const gpu = await testGpu();
      const channels = 67;
      const data = sizes.map((points, i) => randomArray(i, points * channels, 300, 302));
      const [moments] = await evaluate(gpu, (plan) => [
        channelMoments(
          plan,
          "moments",
          sizes.map((points, i) =>
            createTensor(gpu, "x", [1, points, channels], { layout, data: data[i] })
          ),
        ),
      ]);
      const count = sizes.reduce((a, b) => a + b);
      for (let channel = 0; channel < channels; channel++) {
        const own = data.flatMap((part) => [...part].filter((_, i) => i % channels === channel));
        const mean = own.reduce((a, b) => a + b) / count;
        const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
        assertClose(moments.slice(2 * channel, 2 * channel + 1), [mean], 1e-4, `mean ${channel}`);
        assertClose(moments.slice(2 * channel + 1, 2 * channel + 2), [variance], 2e-6, "variance");
      }
    });
  }
}
