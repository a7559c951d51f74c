import { batchNorm } from "../../src/ops/batch_norm.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

const size = { height: 9, width: 29, channels: 5 }; // 261 pixels: five blocks, the last one nearly empty

for (const statistics of ["batch", "running"] as const) {
  for (const fused of [false, true]) {
    Deno.test(`batchNorm() normalises with ${statistics} statistics${fused ? ", adds and rectifies" : ""}`, async () => {
      const gpu = await testGpu();
      const x = randomMaps(1, [2, 3], size, 4), residual = randomMaps(7, [2, 3], size);
      const host = {
        weight: randomArray(11, 5),
        bias: randomArray(12, 5),
        runningMean: randomArray(13, 5),
        runningVariance: randomArray(14, 5, 0.5, 2),
      };
      const row = (data: Float32Array) => createTensor(gpu, "parameter", [5], { data });
      const parameters = {
        weight: row(host.weight),
        bias: row(host.bias),
        runningMean: row(host.runningMean),
        runningVariance: row(host.runningVariance),
      };
      const y = await evaluate(
        gpu,
        (plan) =>
          batchNorm(plan, "bn", uploadMaps(gpu, x), parameters, {
            statistics,
            momentum: 0.1,
            ...(fused && { relu: true, residual: uploadMaps(gpu, residual) }),
          }).frames.flat(),
      );

      const all = x.values.flat(), added = residual.values.flat();
      const points = all.length * size.height * size.width;
      const batch = [0, 1, 2, 3, 4].map((channel) => {
        const own = all.flatMap((frame) => [...frame].filter((_, i) => i % 5 === channel));
        const mean = own.reduce((a, b) => a + b) / points;
        return {
          mean,
          variance: own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / points,
        };
      });
      all.forEach((frame, f) => {
        const expected = frame.map((value, i) => {
          const c = i % 5;
          const { mean, variance } = statistics === "batch"
            ? batch[c]
            : { mean: host.runningMean[c], variance: host.runningVariance[c] };
          const normal = (value - mean) / Math.sqrt(variance + 1e-5) * host.weight[c] +
            host.bias[c];
          return fused ? Math.max(0, normal + added[f][i]) : normal;
        });
        assertClose(y[f], expected, 1e-5, `frame ${f}`);
      });
      const moved = statistics === "batch" ? 0.1 : 0;
      const [mean, variance] = await readTensors(
        gpu,
        parameters.runningMean,
        parameters.runningVariance,
      );
      assertClose(
        mean,
        host.runningMean.map((old, c) => old + moved * (batch[c].mean - old)),
        1e-6,
        "running mean",
      );
      assertClose(
        variance,
        host.runningVariance.map((old, c) =>
          old + moved * (batch[c].variance * points / (points - 1) - old)
        ),
        1e-6,
        "running variance",
      );
    });
  }
}
