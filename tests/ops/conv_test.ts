import { assertEquals, assertThrows } from "@std/assert";
import { conv, type ConvOptions, packConv } from "../../src/ops/conv.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, type HostMaps, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { type CheckedInput, checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

interface Case {
  /** Of the weight: outputs, channels, frames, rows, columns. */
  readonly shape: readonly [number, number, number, number, number];
  readonly height: number;
  readonly width: number;
  readonly options?: ConvOptions;
}

/** The definition, one frame of one scene at a time. */
function reference(
  x: HostMaps,
  weight: Float32Array,
  bias: Float32Array,
  { shape, options: { stride = 1, padding, groups = 1 } = {} }: Case,
): Float32Array[] {
  const [outputs, channels, frames, rows, columns] = shape;
  const [above, left] = typeof padding === "number"
    ? [padding, padding]
    : padding ?? [(rows - 1) / 2, (columns - 1) / 2];
  const height = Math.floor((x.height + 2 * above - rows) / stride) + 1;
  const width = Math.floor((x.width + 2 * left - columns) / stride) + 1;
  return x.values.flatMap((scene) =>
    scene.map((_, f) => {
      const y = new Float32Array(height * width * outputs);
      for (let i = 0; i < y.length; i++) {
        const o = i % outputs, column = Math.floor(i / outputs) % width;
        const row = Math.floor(i / outputs / width);
        const first = Math.floor(o * groups / outputs) * channels;
        let sum = bias[o];
        for (let t = 0; t < frames; t++) {
          const source = scene[f + t - (frames - 1) / 2];
          if (!source) continue;
          for (let tap = 0; tap < rows * columns; tap++) {
            const r = row * stride + Math.floor(tap / columns) - above;
            const c = column * stride + tap % columns - left;
            if (r < 0 || c < 0 || r >= x.height || c >= x.width) continue;
            for (let channel = 0; channel < channels; channel++) {
              sum += source[(r * x.width + c) * x.channels + first + channel] *
                weight[((o * channels + channel) * frames + t) * rows * columns + tap];
            }
          }
        }
        y[i] = sum;
      }
      return y;
    })
  );
}

function nameOf({ shape: [outputs, channels, ...kernel], height, width, options = {} }: Case) {
  const { stride = 1, padding, groups } = options;
  const padded = (padding === undefined ? "" : `, padding ${padding}`) +
    (groups === undefined ? "" : `, ${groups} groups`);
  return `${kernel.join("x")}, stride ${stride}${padded}, ${channels} to ${outputs} channels, ` +
    `${height}x${width} pixels`;
}

function rowsOf(seed: number, shape: readonly number[]): CheckedInput {
  const count = shape.reduce((product, length) => product * length, 1);
  return { shape: [...shape], data: randomArray(seed, count) };
}

const cases: Case[] = [
  { shape: [33, 17, 1, 3, 3], height: 9, width: 7 },
  { shape: [70, 5, 1, 3, 3], height: 13, width: 11, options: { stride: 2 } },
  { shape: [8, 3, 1, 7, 7], height: 21, width: 14, options: { stride: 2 } },
  { shape: [3, 40, 1, 1, 1], height: 5, width: 13 },
  { shape: [20, 9, 1, 1, 1], height: 8, width: 9, options: { stride: 2 } },
  { shape: [35, 18, 3, 1, 1], height: 1, width: 67 },
  { shape: [5, 4, 1, 1, 5], height: 6, width: 9 },
  { shape: [5, 3, 1, 11, 11], height: 23, width: 30, options: { stride: 4, padding: 2 } },
  { shape: [4, 6, 1, 2, 3], height: 7, width: 8, options: { stride: 3, padding: [1, 0] } },
  { shape: [256, 8, 1, 3, 3], height: 9, width: 15, options: { groups: 32 } },
  { shape: [128, 64, 1, 3, 3], height: 5, width: 13, options: { groups: 2, stride: 2 } },
  { shape: [96, 16, 1, 3, 3], height: 19, width: 17, options: { groups: 6, stride: 2 } },
  { shape: [63, 5, 1, 3, 3], height: 9, width: 7, options: { groups: 3 } },
  { shape: [65, 1, 1, 1, 1], height: 8, width: 8, options: { groups: 65 } },
  { shape: [6, 4, 3, 1, 3], height: 3, width: 5, options: { groups: 2 } },
];

for (const variant of ["registers", "tiled"] as const) {
  for (const one of cases) {
    Deno.test(`conv() is the sum over taps: ${nameOf(one)}, ${variant}`, async () => {
      const gpu = await testGpu();
      const { shape, height, width, options } = one;
      const [outputs] = shape;
      const channels = shape[1] * (options?.groups ?? 1);
      const x = randomMaps(1, [3, 1], { height, width, channels });
      const weight = rowsOf(2, shape), bias = rowsOf(3, [outputs]);
      const y = await evaluate(gpu, (plan) =>
        conv(
          plan,
          "conv",
          uploadMaps(gpu, x),
          createTensor(gpu, "weight", weight.shape, weight),
          { ...options, bias: createTensor(gpu, "bias", bias.shape, bias), variant },
        ).frames.flat());
      reference(x, weight.data, bias.data, one).forEach((expected, i) =>
        assertClose(y[i], expected, 1e-4, `frame ${i}`)
      );
    });
  }
}

for (const variant of ["registers", "tiled"] as const) {
  Deno.test(`conv() adds a residual and goes through a ReLU last, ${variant}`, async () => {
    const gpu = await testGpu();
    const cases: Case[] = [
      { shape: [20, 9, 1, 3, 3], height: 8, width: 9, options: { stride: 2 } },
      { shape: [32, 4, 3, 1, 1], height: 5, width: 7, options: { groups: 2 } },
    ];
    for (const one of cases) {
      const { shape, options: { groups = 1, stride = 1 } = {} } = one;
      const channels = shape[1] * groups;
      const x = randomMaps(1, [3, 1], { ...one, channels });
      const weight = rowsOf(2, shape), bias = rowsOf(3, [shape[0]]);
      const summed = reference(x, weight.data, bias.data, one);
      const [height, width] = [one.height, one.width].map((length) => Math.ceil(length / stride));
      const residual = randomMaps(4, [3, 1], { height, width, channels: shape[0] });
      const y = await evaluate(
        gpu,
        (plan) =>
          conv(
            plan,
            "conv",
            uploadMaps(gpu, x),
            createTensor(gpu, "weight", weight.shape, weight),
            {
              groups,
              stride,
              bias: createTensor(gpu, "bias", bias.shape, bias),
              residual: uploadMaps(gpu, residual),
              relu: true,
              variant,
            },
          ).frames.flat(),
      );
      residual.values.flat().forEach((added, i) => {
        const expected = added.map((value, at) => Math.max(0, value + summed[i][at]));
        assertClose(y[i], expected, 1e-4, `frame ${i}`);
      });
    }
  });
}

Deno.test("conv() refuses groups that do not divide, and gradients of what is for inference only", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1], { height: 4, width: 4, channels: 6 }));
  const record = (shape: number[], options: ConvOptions, requiresGradient = false) => () =>
    conv(
      new Plan(gpu, "test"),
      "conv",
      x,
      createTensor(gpu, "weight", shape, { requiresGradient }),
      options,
    );
  assertThrows(
    record([4, 2, 3, 3], { groups: 2 }),
    Error,
    'Cannot record conv "conv": weight is (4, 2, 3, 3), wanted (outputs, 6/2, frames, rows, columns)',
  );
  assertThrows(record([5, 3, 3, 3], { groups: 2 }), Error, "with groups of outputs and odd frames");
  const refused =
    'Cannot differentiate conv "conv": groups, residual and relu are for inference only';
  assertThrows(record([4, 3, 3, 3], { groups: 2 }, true), Error, refused);
  assertThrows(record([4, 6, 3, 3], { relu: true }, true), Error, refused);
  assertThrows(record([6, 6, 3, 3], { residual: x }, true), Error, refused);
});

Deno.test("conv() takes a weight that another plan packed, and refuses one of another shape", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [2], { height: 6, width: 11, channels: 7 }));
  const tensor = (shape: number[]) => createTensor(gpu, "weight", shape, rowsOf(2, shape));
  const weight = tensor([35, 7, 1, 5]);
  const packing = new Plan(gpu, "packing");
  const panels = packing.keep(packConv(packing, "conv", weight));
  const program = await packing.build();
  program.run();
  const run = (options: ConvOptions) =>
    evaluate(gpu, (plan) => conv(plan, "conv", x, weight, options).frames.flat());
  assertEquals(await run({ panels }), await run({}));
  assertThrows(
    () => conv(new Plan(gpu, "test"), "conv", x, tensor([35, 7, 3, 3]), { panels }),
    Error,
    'Cannot record conv "conv": panels is (3, 640) in rows, wanted (3, 1152) in rows',
  );
  program.destroy();
});

/** Scenes of these numbers of frames, as the inputs of an operation under test. */
function frameInputs(scenes: readonly number[], { shape: [, channels], height, width }: Case) {
  const names = scenes.map((frames, s) => Array.from({ length: frames }, (_, f) => `x.${s}.${f}`));
  const inputs = Object.fromEntries(
    names.flat().map((name, i): [string, CheckedInput] => [name, {
      ...rowsOf(10 + i, [1, height * width, channels]),
      layout: "blocks",
    }]),
  );
  const mapsOf = (tensors: Record<string, Tensor>) => ({
    frames: names.map((scene) => scene.map((name) => tensors[name])),
    height,
    width,
    channels,
  });
  return { inputs, mapsOf };
}

const gradientCases: (Case & { scenes?: readonly number[] })[] = [
  { shape: [65, 5, 1, 1, 1], height: 9, width: 15 },
  { shape: [5, 33, 1, 1, 1], height: 8, width: 9, options: { stride: 2 } },
  { shape: [33, 3, 1, 3, 3], height: 5, width: 7 },
  { shape: [3, 65, 1, 3, 3], height: 1, width: 1, scenes: [2] },
  { shape: [17, 33, 1, 3, 3], height: 9, width: 15, options: { stride: 2 } },
  { shape: [5, 3, 1, 7, 7], height: 13, width: 12, options: { stride: 2 } },
  { shape: [5, 33, 3, 1, 1], height: 3, width: 5, scenes: [3, 1] },
  { shape: [3, 5, 3, 1, 1], height: 3, width: 5, scenes: [1] },
  { shape: [5, 3, 3, 3, 5], height: 6, width: 5, scenes: [2, 3] },
  { shape: [4, 6, 1, 2, 3], height: 7, width: 8, options: { stride: 3, padding: [1, 0] } },
];

for (const variant of ["registers", "tiled"] as const) {
  for (const one of gradientCases) {
    const { shape, options, scenes = [1, 2] } = one;
    Deno.test(`conv() has its gradients: ${nameOf(one)}, ${variant}`, async () => {
      const { inputs, mapsOf } = frameInputs(scenes, one);
      await checkGradients(
        { ...inputs, weight: rowsOf(2, shape), bias: rowsOf(3, [shape[0]]) },
        (plan, { weight, bias, ...x }) =>
          conv(plan, "conv", mapsOf(x), weight, { ...options, bias, variant }).frames.flat(),
        { relative: 2e-2 },
      );
    });
  }

  Deno.test(`conv() leaves padding out of dW and db, ${variant}`, async () => {
    const one: Case = { shape: [3, 2, 1, 1, 1], height: 5, width: 13 };
    const { inputs, mapsOf } = frameInputs([1], one);
    const ones = (count: number) => new Float32Array(count).fill(1);
    inputs["x.0.0"].data.fill(1);
    const { gradients } = await runRecorded(
      { ...inputs, weight: rowsOf(2, one.shape), bias: rowsOf(3, [3]) },
      (plan, { weight, bias, ...x }) => ({
        y: conv(plan, "conv", mapsOf(x), weight, { bias, variant }).frames[0][0],
      }),
      { y: ones(65 * 3) },
    );
    assertEquals([...gradients.weight], Array(6).fill(65));
    assertEquals([...gradients.bias], Array(3).fill(65));
  });

  // several blocks, whole quads of pixels and whole sixteens of channels, no bias
  for (const kernel of [1, 3]) {
    const one: Case = { shape: [17, 32, 1, kernel, kernel], height: 9, width: 16 };
    for (const wanted of ["x", "weight"]) {
      Deno.test(`conv() has the gradient of ${wanted} alone: ${nameOf(one)}, ${variant}`, async () => {
        const { inputs, mapsOf } = frameInputs([2], one);
        const all = { ...inputs, weight: rowsOf(2, one.shape) };
        const gradients = await checkGradients(
          Object.fromEntries(
            Object.entries(all).map(([name, input]) => [name, {
              ...input,
              differentiable: name.startsWith(wanted),
            }]),
          ),
          (plan, { weight, ...x }) =>
            conv(plan, "conv", mapsOf(x), weight, { variant }).frames.flat(),
        );
        assertEquals(
          Object.keys(gradients),
          Object.keys(all).filter((name) => name.startsWith(wanted)),
        );
      });
    }
  }
}

Deno.test("conv() refuses a weight of other channels, and a kernel larger than the padded frame", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1], { height: 2, width: 2, channels: 4 }));
  const plan = new Plan(gpu, "test");
  const weight = (shape: number[]) => createTensor(gpu, "weight", shape);
  assertThrows(
    () => conv(plan, "conv1", x, weight([8, 3, 1, 1])),
    Error,
    'Cannot record conv "conv1": weight is (8, 3, 1, 1), wanted (outputs, 4, frames, rows, columns)',
  );
  assertThrows(
    () => conv(plan, "conv1", x, weight([8, 4, 5, 5]), { padding: [1, 2] }),
    Error,
    'Cannot record conv "conv1": its kernel is 5 x 5, wanted at most 4 x 6: the frame and its padding',
  );
});
