import { assertEquals, assertThrows } from "@std/assert";
import { maxPool } from "../../src/ops/max_pool.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { assertClose } from "../support/close.ts";
import {
  checkedMaps,
  evaluate,
  type HostMaps,
  mapsAmong,
  numbered,
  randomMaps,
  uploadMaps,
} from "../support/frame_maps.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

const sizes: [0 | 1, number, number][] = [
  ...[[1, 1], [7, 12], [16, 17]].map(([height, width]) =>
    [1, height, width] as [1, number, number]
  ),
  ...[[3, 3], [7, 12], [16, 17]].map(([height, width]) =>
    [0, height, width] as [0, number, number]
  ),
];

for (const [padding, height, width] of sizes) {
  Deno.test(`maxPool() takes the largest of the pixels inside the frame: ${height} x ${width}, padding ${padding}`, async () => {
    const gpu = await testGpu();
    const channels = 3;
    const x = randomMaps(1, [1, 2], { height, width, channels }, -2); // all negative: padding must lose
    const y = await evaluate(
      gpu,
      (plan) => maxPool(plan, "pool", uploadMaps(gpu, x), { padding }).frames.flat(),
    );
    const outHeight = Math.floor((height + 2 * padding - 3) / 2) + 1;
    const outWidth = Math.floor((width + 2 * padding - 3) / 2) + 1;
    x.values.flat().forEach((frame, f) => {
      const expected = new Float32Array(outHeight * outWidth * channels).map((_, i) => {
        const channel = i % channels, pixel = Math.floor(i / channels);
        const row = 2 * Math.floor(pixel / outWidth) - padding;
        const column = 2 * (pixel % outWidth) - padding;
        let largest = -Infinity;
        for (let r = Math.max(0, row); r <= Math.min(height - 1, row + 2); r++) {
          for (let c = Math.max(0, column); c <= Math.min(width - 1, column + 2); c++) {
            largest = Math.max(largest, frame[(r * width + c) * channels + channel]);
          }
        }
        return largest;
      });
      assertClose(y[f], expected, 0, `frame ${f}`);
    });
  });

  Deno.test(`maxPool() has its gradient: ${height} x ${width}, padding ${padding}`, async () => {
    const channels = 3, count = height * width * channels;
    // all values of a frame at least 0.1 apart, in an order of their own
    const shuffled = (seed: number) => {
      const order = randomArray(seed, count);
      const ranked = [...order.keys()].sort((a, b) => order[a] - order[b]);
      return Float32Array.from(order, (_, i) => ranked.indexOf(i) / 10);
    };
    const x: HostMaps = {
      height,
      width,
      channels,
      values: [[shuffled(1)], [shuffled(2), shuffled(3)]],
    };
    await checkGradients(
      checkedMaps("x", x),
      (plan, inputs) => maxPool(plan, "pool", mapsAmong(inputs, "x", x), { padding }).frames.flat(),
    );
  });
}

Deno.test("maxPool() without padding refuses a frame that no window fits into", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1], { height: 2, width: 9, channels: 1 }));
  assertThrows(
    () => maxPool(new Plan(gpu, "test"), "pool", x, { padding: 0 }),
    Error,
    'Cannot record maxPool "pool": x is 2 x 9, wanted at least 3 x 3',
  );
});

Deno.test("maxPool() gives the gradient to the first of equal pixels, to the corner in the corner", async () => {
  const x: HostMaps = {
    height: 5,
    width: 6,
    channels: 1,
    // deno-fmt-ignore
    values: [[Float32Array.of(
      0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0,
      0, 0, 0, 7, 0, 0,
      0, 0, 7, 0, 0, 9,
    )]],
  };
  const { gradients } = await runRecorded(
    checkedMaps("x", x),
    (plan, inputs) => numbered(maxPool(plan, "pool", mapsAmong(inputs, "x", x)).frames.flat()),
    numbered([Float32Array.of(1, 2, 4, 8, 16, 32, 64, 128, 256)]),
  );
  // deno-fmt-ignore
  assertEquals([...gradients["x.0.0"]], [
    1, 2, 0, 4, 0, 0,
    8, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
    64, 0, 0, 16 + 32 + 128, 0, 0,
    0, 0, 0, 0, 0, 256,
  ]);
});
