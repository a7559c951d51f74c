import { assert, assertThrows } from "@std/assert";
import { type EncodedTime, positionalEncoding } from "../../src/ops/positional_encoding.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { type CheckedInput, checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

const blocks = (shape: number[], data: Float32Array): CheckedInput => ({
  shape,
  layout: "blocks",
  data,
});

/** γ in float64. */
function encode(x: number[], frequencies: number): number[] {
  const octaves = Array.from({ length: frequencies }, (_, octave) => {
    const angles = x.map((value) => value * 2 ** octave);
    return [...angles.map(Math.sin), ...angles.map(Math.cos)];
  });
  return [...x, ...octaves.flat()];
}

function expectNear(actual: ArrayLike<number>, expected: number[], tolerance: number): void {
  expected.forEach((value, i) => {
    assert(
      Math.abs(actual[i] - value) <= tolerance,
      `number ${i}: wanted ${value}, found ${actual[i]}`,
    );
  });
}

for (const points of [1, 63, 65, 257]) {
  Deno.test(`positionalEncoding() has the gradient of its formula for ${points} points`, async () => {
    const inputs = { points: blocks([2, points, 3], randomArray(1, 6 * points, -2, 2)) };
    const times = { shape: [2, 2], data: Float32Array.of(-3, 0.2, 2, 0.1) };
    const perPoint = blocks([2, points, 1], randomArray(2, 2 * points));
    const check = (
      timed: Record<string, CheckedInput>,
      frequencies: number,
      normalize: boolean,
      time?: (tensors: Record<string, Tensor>) => EncodedTime,
    ) =>
      checkGradients(
        { ...inputs, ...timed },
        (plan, tensors) =>
          positionalEncoding(plan, "encoding", tensors.points, {
            frequencies,
            normalize,
            time: time?.(tensors),
          }),
        { step: 1e-3 },
      );
    await check({}, 4, false);
    await check({ perPoint }, 4, true, ({ perPoint }) => ({ perPoint }));
    // with one octave the length depends on the point as much as the waves do
    await check({ times }, 1, true, ({ times }) => ({ times, offsetFrames: -1.5 }));
  });
}

Deno.test("positionalEncoding() holds 1e-6 for arguments up to 512 and beyond", async () => {
  const data = Float32Array.of(
    ...randomArray(1, 5000, -1, 1),
    ...randomArray(2, 5000, -128, 128),
    ...[0, -0, 1e-30, 1, -1, 127.99999, 128, Math.PI, Math.PI / 2, -Math.PI / 4, 0.5 / 256],
  );
  const { outputs } = await runRecorded(
    { points: blocks([1, data.length, 1], data) },
    (plan, { points }) => ({
      y: positionalEncoding(plan, "encoding", points, { frequencies: 10 }),
    }),
  );
  expectNear(outputs.y, Array.from(data, (x) => encode([x], 10)).flat(), 1e-6);
});

Deno.test("positionalEncoding() reads a scene's time in frames from the current one", async () => {
  const data = randomArray(1, 2 * 70 * 3);
  const { outputs } = await runRecorded(
    {
      points: blocks([2, 70, 3], data),
      times: { shape: [2, 2], data: Float32Array.of(0.25, 0.5, -1, 0.125) },
    },
    (plan, { points, times }) => ({
      y: positionalEncoding(plan, "encoding", points, {
        frequencies: 2,
        normalize: true,
        time: { times, offsetFrames: -0.5 },
      }),
    }),
  );
  const expected = Array.from({ length: 140 }, (_, point) => {
    const t = point < 70 ? 0.25 - 0.25 : -1 - 0.0625;
    const values = encode([...data.subarray(3 * point, 3 * point + 3), t], 2);
    return values.map((value) => value / Math.hypot(...values));
  });
  expectNear(outputs.y, expected.flat(), 1e-6);
});

Deno.test("positionalEncoding() refuses points of four dimensions", async () => {
  const gpu = await testGpu();
  const points = createTensor(gpu, "points", [1, 5, 4], { layout: "blocks" });
  assertThrows(
    () => positionalEncoding(new Plan(gpu, "wrong"), "encoding", points, { frequencies: 10 }),
    Error,
    'Cannot record positionalEncoding "encoding": points have 4 dimensions, wanted 1 to 3',
  );
});

Deno.test("golden rays_ndc: positionalEncoding() of points with time, points and directions", async () => {
  const golden = await loadCase("rays_ndc");
  const xyzt = golden.input("rays/xyzt").data;
  const { outputs } = await runRecorded({
    points: blocks([1, 64, 3], xyzt.filter((_, i) => i % 4 < 3)),
    perPoint: blocks([1, 64, 1], xyzt.filter((_, i) => i % 4 === 3)),
    directions: blocks([1, 64, 3], golden.input("rays/dirs").data),
  }, (plan, { points, perPoint, directions }) => ({
    enc84: positionalEncoding(plan, "enc84", points, { frequencies: 10, time: { perPoint } }),
    enc63: positionalEncoding(plan, "enc63", points, { frequencies: 10 }),
    enc27: positionalEncoding(plan, "enc27", directions, { frequencies: 4 }),
  }));
  expectClose(golden, outputs);
});
