import { assertThrows } from "@std/assert";
import { conv } from "../../src/ops/conv.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, type HostMaps, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

/** The definition, one frame of one scene at a time; weight `(outputs, channels, frames, kernel, kernel)`. */
function reference(
  x: HostMaps,
  weight: Float32Array,
  [outputs, channels, frames, kernel]: readonly number[],
  stride: number,
): Float32Array[] {
  const height = Math.ceil(x.height / stride), width = Math.ceil(x.width / stride);
  const half = (kernel - 1) / 2;
  return x.values.flatMap((scene) =>
    scene.map((_, f) => {
      const y = new Float32Array(height * width * outputs);
      for (let i = 0; i < y.length; i++) {
        const o = i % outputs, column = Math.floor(i / outputs) % width;
        const row = Math.floor(i / outputs / width);
        let sum = 0;
        for (let t = 0; t < frames; t++) {
          const source = scene[f + t - (frames - 1) / 2];
          if (!source) continue;
          for (let tap = 0; tap < kernel * kernel; tap++) {
            const r = row * stride + Math.floor(tap / kernel) - half;
            const c = column * stride + tap % kernel - half;
            if (r < 0 || c < 0 || r >= x.height || c >= x.width) continue;
            for (let channel = 0; channel < channels; channel++) {
              sum += source[(r * x.width + c) * channels + channel] *
                weight[((o * channels + channel) * frames + t) * kernel * kernel + tap];
            }
          }
        }
        y[i] = sum;
      }
      return y;
    })
  );
}

const cases: { shape: number[]; stride: number; height: number; width: number }[] = [
  { shape: [33, 17, 1, 3], stride: 1, height: 9, width: 7 },
  { shape: [70, 5, 1, 3], stride: 2, height: 13, width: 11 },
  { shape: [8, 3, 1, 7], stride: 2, height: 21, width: 14 },
  { shape: [3, 40, 1, 1], stride: 1, height: 5, width: 13 },
  { shape: [20, 9, 1, 1], stride: 2, height: 8, width: 9 },
  { shape: [35, 18, 3, 1], stride: 1, height: 1, width: 67 },
];

for (const variant of ["registers", "tiled"] as const) {
  for (const { shape, stride, height, width } of cases) {
    const [outputs, channels, frames, kernel] = shape;
    const name =
      `${frames}x${kernel}x${kernel}, stride ${stride}, ${channels} to ${outputs} channels`;
    Deno.test(`conv() is the sum over taps: ${name}, ${variant}`, async () => {
      const gpu = await testGpu();
      const x = randomMaps(1, [3, 1], { height, width, channels });
      const data = randomArray(2, outputs * channels * frames * kernel * kernel);
      const weight = createTensor(gpu, "weight", [outputs, channels, frames, kernel, kernel], {
        data,
      });
      const y = await evaluate(
        gpu,
        (plan) => conv(plan, "conv", uploadMaps(gpu, x), weight, { stride, variant }).frames.flat(),
      );
      reference(x, data, shape, stride).forEach((expected, i) =>
        assertClose(y[i], expected, 1e-4, `frame ${i}`)
      );
    });
  }
}

Deno.test("conv() refuses a weight of other channels, and inputs that want a gradient", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1], { height: 2, width: 2, channels: 4 }));
  const plan = new Plan(gpu, "test");
  const weight = (shape: number[], requiresGradient = false) =>
    createTensor(gpu, "weight", shape, { requiresGradient });
  assertThrows(
    () => conv(plan, "conv1", x, weight([8, 3, 1, 1])),
    Error,
    'Cannot record conv "conv1": weight is (8, 3, 1, 1), wanted (outputs, 4, frames, kernel, kernel)',
  );
  assertThrows(() => conv(plan, "conv1", x, weight([8, 4, 1, 1], true)), Error, "gradient");
});
