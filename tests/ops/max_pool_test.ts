import { maxPool } from "../../src/ops/max_pool.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { testGpu } from "../support/gpu.ts";

for (const [height, width] of [[1, 1], [7, 12], [16, 17]]) {
  Deno.test(`maxPool() takes the largest of the pixels inside the frame: ${height} x ${width}`, async () => {
    const gpu = await testGpu();
    const channels = 3;
    const x = randomMaps(1, [1, 2], { height, width, channels }, -2); // all negative: padding must lose
    const y = await evaluate(
      gpu,
      (plan) => maxPool(plan, "pool", uploadMaps(gpu, x)).frames.flat(),
    );
    const outHeight = Math.ceil(height / 2), outWidth = Math.ceil(width / 2);
    x.values.flat().forEach((frame, f) => {
      const expected = new Float32Array(outHeight * outWidth * channels).map((_, i) => {
        const channel = i % channels, pixel = Math.floor(i / channels);
        const row = 2 * Math.floor(pixel / outWidth), column = 2 * (pixel % outWidth);
        let largest = -Infinity;
        for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r++) {
          for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c++) {
            largest = Math.max(largest, frame[(r * width + c) * channels + channel]);
          }
        }
        return largest;
      });
      assertClose(y[f], expected, 0, `frame ${f}`);
    });
  });
}
