import { assertEquals, assertThrows } from "@std/assert";
import {
  correlationLookup,
  featurePyramid,
  pyramidLevels,
  pyramidPixels,
} from "../../src/ops/correlation_lookup.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate } from "../support/frame_maps.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

/** Features by pixel, and their means of 2 × 2 on three more levels, in C order. */
function pyramidOf(x: Float32Array, height: number, width: number, channels: number) {
  const levels = [{ values: x, height, width }];
  for (let l = 1; l < 4; l++) {
    const before = levels[l - 1];
    const [h, w] = [Math.floor(before.height / 2), Math.floor(before.width / 2)];
    const values = new Float32Array(h * w * channels).map((_, i) => {
      const channel = i % channels, pixel = Math.floor(i / channels);
      const corner = 2 * Math.floor(pixel / w) * before.width + 2 * (pixel % w);
      const at = (offset: number) => before.values[(corner + offset) * channels + channel];
      return (at(0) + at(1) + at(before.width) + at(before.width + 1)) / 4;
    });
    levels.push({ values, height: h, width: w });
  }
  return levels;
}

/** The definition: the whole volume, sampled one sample at a time. */
function lookupOf(
  first: Float32Array,
  second: ReturnType<typeof pyramidOf>,
  flow: Float32Array,
  width: number,
  channels: number,
): Float32Array {
  const pixels = flow.length / 2;
  return new Float32Array(pixels * 324).map((_, n) => {
    const p = Math.floor(n / 324), l = Math.floor(n % 324 / 81);
    const i = Math.floor(n % 81 / 9), j = n % 9; // 324 is a multiple of 81
    const level = second[l];
    const x = (p % width + flow[2 * p]) / 2 ** l + i - 4;
    const y = (Math.floor(p / width) + flow[2 * p + 1]) / 2 ** l + j - 4;
    let sum = 0;
    for (const [row, down] of [[Math.floor(y), 0], [Math.floor(y) + 1, 1]]) {
      for (const [column, across] of [[Math.floor(x), 0], [Math.floor(x) + 1, 1]]) {
        if (row < 0 || column < 0 || row >= level.height || column >= level.width) continue;
        let product = 0;
        for (let c = 0; c < channels; c++) {
          product += first[p * channels + c] *
            level.values[(row * level.width + column) * channels + c];
        }
        const part = [x - Math.floor(x), y - Math.floor(y)];
        sum += product / Math.sqrt(channels) *
          (across ? part[0] : 1 - part[0]) * (down ? part[1] : 1 - part[1]);
      }
    }
    return sum;
  });
}

const channels = 16;
const grids = [[1, 1], [7, 9], [13, 5], [9, 29], [17, 16]]; // 1, 63, 65, 261 and 272 pixels

for (const [height, width] of grids) {
  Deno.test(`featurePyramid() leaves odd rows and columns out: ${height} x ${width}`, async () => {
    const gpu = await testGpu();
    const data = randomArray(1, height * width * channels);
    const x = createTensor(gpu, "x", [1, height * width, channels], { layout: "blocks", data });
    const [found] = await evaluate(
      gpu,
      (plan) => [featurePyramid(plan, "pyramid", x, height, width)],
    );
    const levels = pyramidOf(data, height, width, channels);
    const expected = Float32Array.from(levels.flatMap(({ values }) => [...values]));
    assertEquals(found.length, pyramidPixels(height, width) * channels);
    assertClose(found, expected, 1e-6, "pyramid");
  });

  // near and alike (products of a tile), far apart (products one by one), off the picture
  for (const spread of [0.4, 3, 40]) {
    for (const variant of ["registers", "tiled"] as const) {
      Deno.test(`correlationLookup() samples the volume: ${height} x ${width}, flow within ${spread}, ${variant}`, async () => {
        const gpu = await testGpu();
        const pixels = height * width;
        const features = [1, 2].map((seed) => randomArray(seed, pixels * channels));
        const values = randomArray(3, 2 * pixels, -spread, spread);
        const [a, b] = features.map((data, i) =>
          createTensor(gpu, `x${i}`, [1, pixels, channels], { layout: "blocks", data })
        );
        const flow = createTensor(gpu, "flow", [1, pixels, 2], { layout: "blocks", data: values });
        const [found] = await evaluate(gpu, (plan) => {
          const [first, second] = [a, b].map((x) =>
            featurePyramid(plan, "pyramid", x, height, width)
          );
          return [
            correlationLookup(plan, "lookup", { first, second, flow, height, width }, variant),
          ];
        });
        const second = pyramidOf(features[1], height, width, channels);
        assertClose(found, lookupOf(features[0], second, values, width, channels), 1e-4, "lookup");
      });
    }
  }
}

for (const variant of ["registers", "tiled"] as const) {
  Deno.test(`correlationLookup() makes the same products pixel by pixel as for a tile, ${variant}`, async () => {
    const gpu = await testGpu();
    const height = 44, width = 48, pixels = height * width;
    const features = [1, 2].map((seed) => randomArray(seed, pixels * channels));
    // a flow that tears every tile apart: its box has more than 1024 pixels
    const values = Float32Array.from(
      { length: 2 * pixels },
      (_, i) => (Math.floor(i / 2) % 2 ? 1 : -1) * (i % 2 ? 12.25 : 16.5),
    );
    const [a, b] = features.map((data, i) =>
      createTensor(gpu, `x${i}`, [1, pixels, channels], { layout: "blocks", data })
    );
    const flow = createTensor(gpu, "flow", [1, pixels, 2], { layout: "blocks", data: values });
    const [found] = await evaluate(gpu, (plan) => {
      const [first, second] = [a, b].map((x) => featurePyramid(plan, "pyramid", x, height, width));
      return [correlationLookup(plan, "lookup", { first, second, flow, height, width }, variant)];
    });
    const second = pyramidOf(features[1], height, width, channels);
    assertClose(found, lookupOf(features[0], second, values, width, channels), 1e-4, "lookup");
  });
}

Deno.test("correlationLookup() gives zeros where a flow is not finite or leads far away", async () => {
  const gpu = await testGpu();
  const data = randomArray(1, 4 * channels);
  const x = createTensor(gpu, "x", [1, 4, channels], { layout: "blocks", data });
  const flow = createTensor(gpu, "flow", [1, 4, 2], {
    layout: "blocks",
    data: Float32Array.of(0, 0, 1e30, 0, 0, -1e30, Infinity, 0),
  });
  const [found] = await evaluate(gpu, (plan) => {
    const pyramid = featurePyramid(plan, "pyramid", x, 2, 2);
    return [
      correlationLookup(plan, "lookup", {
        first: pyramid,
        second: pyramid,
        flow,
        height: 2,
        width: 2,
      }),
    ];
  });
  assertEquals(found.subarray(324).every((value) => value === 0), true);
  assertEquals(found.subarray(0, 324).some((value) => value !== 0), true);
});

Deno.test("pyramidLevels() has empty levels for small grids", () => {
  assertEquals(pyramidLevels(5, 9), [
    { height: 5, width: 9, first: 0 },
    { height: 2, width: 4, first: 45 },
    { height: 1, width: 2, first: 53 },
    { height: 0, width: 1, first: 55 },
  ]);
  assertEquals(pyramidPixels(5, 9), 55);
});

Deno.test("correlationLookup() and featurePyramid() refuse other shapes, and gradients", async () => {
  const gpu = await testGpu();
  const tensor = (shape: number[], layout: "rows" | "blocks", requiresGradient = false) =>
    createTensor(gpu, "x", shape, { layout, requiresGradient });
  const plan = new Plan(gpu, "test");
  const flow = tensor([1, 4, 2], "blocks");
  const lookup = (first: number[], second: number[], of = flow) => () =>
    correlationLookup(plan, "corr", {
      first: tensor(first, "rows"),
      second: tensor(second, "rows"),
      flow: of,
      height: 2,
      width: 2,
    });
  assertThrows(
    lookup([4, 8], [5, 8]),
    Error,
    'Cannot record correlationLookup "corr": first is (4, 8) in rows, wanted (5, channels) in rows',
  );
  assertThrows(lookup([5, 8], [5, 4]), Error, "second is (5, 4) in rows, wanted (5, 8) in rows");
  assertThrows(
    lookup([5, 8], [5, 8], tensor([1, 4, 2], "blocks", true)),
    Error,
    'Cannot differentiate correlationLookup "corr": it is for inference only, and flow requires a gradient',
  );
  assertThrows(
    () => featurePyramid(plan, "p", tensor([1, 4, 6], "blocks"), 2, 2),
    Error,
    'Cannot record featurePyramid "p": x has 6 channels, wanted a multiple of 4',
  );
});
