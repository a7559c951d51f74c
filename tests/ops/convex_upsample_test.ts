import { assertThrows } from "@std/assert";
import { convexUpsample } from "../../src/ops/convex_upsample.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate } from "../support/frame_maps.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

for (const [height, width] of [[1, 1], [7, 9], [5, 13], [3, 43]]) {
  Deno.test(`convexUpsample() is its definition, also in a window: ${height} x ${width}`, async () => {
    const gpu = await testGpu();
    const pixels = height * width;
    const logits = randomArray(1, pixels * 576, -40, 40), flow = randomArray(2, pixels * 2, -9, 9);
    const coarse = {
      logits: createTensor(gpu, "logits", [1, pixels, 576], { layout: "blocks", data: logits }),
      flow: createTensor(gpu, "flow", [1, pixels, 2], { layout: "blocks", data: flow }),
      height,
      width,
    };
    const windows = [
      { top: 0, left: 0, height: 8 * height, width: 8 * width },
      { top: 1, left: 3, height: 8 * height - 4, width: 8 * width - 5 },
    ];
    const found = await evaluate(
      gpu,
      (plan) => windows.map((window) => convexUpsample(plan, "up", coarse, window)),
    );
    windows.forEach((window, n) => {
      const expected = new Float32Array(window.height * window.width * 2).map((_, i) => {
        const row = Math.floor(i / 2 / window.width) + window.top;
        const column = (i >> 1) % window.width + window.left;
        const [y, x] = [row >> 3, column >> 3];
        const own = (y * width + x) * 576 + 8 * (row % 8) + column % 8;
        const weights = Array.from({ length: 9 }, (_, k) => Math.exp(logits[own + 64 * k] - 40));
        const sum = weights.reduce((sum, weight) => sum + weight, 0);
        return weights.reduce((value, weight, k) => {
          const [v, u] = [y + Math.floor(k / 3) - 1, x + k % 3 - 1];
          if (v < 0 || u < 0 || v >= height || u >= width) return value;
          return value + weight / sum * 8 * flow[(v * width + u) * 2 + i % 2];
        }, 0);
      });
      assertClose(found[n], expected, 1e-4, `window ${n}`);
    });
  });
}

Deno.test("convexUpsample() refuses other shapes, windows beyond the picture, and gradients", async () => {
  const gpu = await testGpu();
  const tensor = (channels: number, requiresGradient = false) =>
    createTensor(gpu, "x", [1, 6, channels], { layout: "blocks", requiresGradient });
  const record = (logits: number, top: number, requiresGradient = false) => () =>
    convexUpsample(new Plan(gpu, "test"), "up", {
      logits: tensor(logits),
      flow: tensor(2, requiresGradient),
      height: 2,
      width: 3,
    }, { top, left: 0, height: 16, width: 24 });
  assertThrows(
    record(64, 0),
    Error,
    'Cannot record convexUpsample "up": logits is (1, 6, 64) in blocks, wanted (1, 6, 576) in blocks',
  );
  assertThrows(
    record(576, 1),
    Error,
    "the window is rows 1 to 17 and columns 0 to 24, wanted within 16 x 24",
  );
  assertThrows(
    record(576, 0, true),
    Error,
    "it is for inference only, and flow requires a gradient",
  );
});
