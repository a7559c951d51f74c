import { assertEquals, assertThrows } from "@std/assert";
import { batchNorm, type BatchNormOptions } from "../../src/ops/batch_norm.ts";
import type { FrameMaps } from "../../src/ops/frame_maps.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import {
  checkedMaps,
  evaluate,
  type HostMaps,
  mapsAmong,
  numbered,
  only,
  randomMaps,
  uploadMaps,
} from "../support/frame_maps.ts";
import { type CheckedInput, checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

const size = { height: 9, width: 29, channels: 5 }; // 261 pixels: five blocks, the last one nearly empty

for (const statistics of ["batch", "running"] as const) {
  for (const fused of ["", ", adds and rectifies", ", rectifies, adds and rectifies"]) {
    const innerRelu = fused.startsWith(", rectifies");
    Deno.test(`batchNorm() normalises with ${statistics} statistics${fused}`, async () => {
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
            ...(fused && { relu: true, innerRelu, residual: uploadMaps(gpu, residual) }),
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
          const summand = innerRelu ? Math.max(0, normal) : normal;
          return fused ? Math.max(0, summand + added[f][i]) : normal;
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

/** Every value moved away from 0, where a ReLU has its kink. */
function apart(maps: HostMaps, distance: number): HostMaps {
  const move = (value: number) => value + Math.sign(value) * distance;
  return { ...maps, values: maps.values.map((scene) => scene.map((frame) => frame.map(move))) };
}

const small = { height: 3, width: 23, channels: 5 }; // 69 pixels: a second block nearly empty
const x = apart(randomMaps(1, [2, 1], small), 0.5);
const residual = apart(randomMaps(7, [2, 1], small), 3); // larger than what it is added to
const row = (seed: number, low: number, high: number, differentiable = true): CheckedInput => ({
  shape: [5],
  data: randomArray(seed, 5, low, high),
  differentiable,
});
const inputs: Record<string, CheckedInput> = {
  ...checkedMaps("x", x),
  weight: row(11, 0.5, 1),
  bias: row(12, -0.1, 0.1),
  runningMean: row(13, -0.1, 0.1, false),
  runningVariance: row(14, 0.5, 2, false),
};
const withResidual = { ...inputs, ...checkedMaps("residual", residual) };

/** Records a batch norm of such inputs, with the residual if there is one. */
function record(
  plan: Plan,
  tensors: Record<string, Tensor>,
  options: BatchNormOptions = {},
): FrameMaps {
  const { weight, bias, runningMean, runningVariance } = tensors;
  return batchNorm(plan, "bn", mapsAmong(tensors, "x", x), {
    weight,
    bias,
    runningMean,
    runningVariance,
  }, {
    ...("residual.0.0" in tensors && { residual: mapsAmong(tensors, "residual", residual) }),
    ...options,
  });
}

for (const statistics of ["batch", "running"] as const) {
  for (const relu of [false, true]) {
    for (const checked of [inputs, withResidual]) {
      const name = [
        `${statistics} statistics`,
        ...checked === withResidual ? ["a residual"] : [],
        ...relu ? ["a ReLU"] : [],
      ].join(", ");
      Deno.test(`batchNorm() has its gradients: ${name}`, async () => {
        await checkGradients(
          checked,
          (plan, tensors) => record(plan, tensors, { statistics, relu }).frames.flat(),
        );
      });
    }
  }
}

for (const name of ["x", "residual", "weight", "bias"]) {
  Deno.test(`batchNorm() gives ${name} alone the same gradient as beside the others`, async () => {
    const seeds = numbered([0, 1, 2].map((f) => randomArray(20 + f, 69 * 5)));
    const run = async (checked: Record<string, CheckedInput>) => {
      const { gradients } = await runRecorded(
        checked,
        (plan, tensors) => numbered(record(plan, tensors, { relu: true }).frames.flat()),
        seeds,
      );
      return Object.entries(gradients).filter(([key]) => key.split(".")[0] === name);
    };
    assertEquals(await run(only(name, withResidual)), await run(withResidual));
  });
}

Deno.test("batchNorm() has its gradient where its input is its residual too", async () => {
  await checkGradients(
    inputs,
    (plan, tensors) =>
      record(plan, tensors, { relu: true, residual: mapsAmong(tensors, "x", x) }).frames.flat(),
  );
});

Deno.test("batchNorm() keeps its gradients exact beside a mean of 300 deviations, and padding out", async () => {
  const far = randomMaps(31, [3, 2], { height: 13, width: 45, channels: 5 }, 300);
  const values = far.values.flat(), points = 13 * 45 * values.length;
  const seeds = values.map((frame, f) => randomArray(40 + f, frame.length, -1, 2));
  const { gradients } = await runRecorded(
    { ...inputs, ...checkedMaps("x", far) },
    (plan, tensors) => {
      const { weight, bias, runningMean, runningVariance } = tensors;
      const parameters = { weight, bias, runningMean, runningVariance };
      const y = batchNorm(plan, "bn", mapsAmong(tensors, "x", far), parameters);
      return numbered(y.frames.flat());
    },
    numbered(seeds),
  );
  const dX = far.values.flatMap((scene, s) => scene.map((_, f) => gradients[`x.${s}.${f}`]));
  const pick = (frames: readonly Float32Array[], channel: number) =>
    frames.flatMap((frame) => [...frame].filter((_, i) => i % 5 === channel));
  const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / points;
  for (let channel = 0; channel < 5; channel++) {
    const own = pick(values, channel),
      g = pick(seeds, channel),
      weight = inputs.weight.data[channel];
    const center = mean(own);
    const deviation = Math.sqrt(mean(own.map((value) => (value - center) ** 2)) + 1e-5);
    const normal = own.map((value) => (value - center) / deviation);
    const dBias = mean(g), dWeight = mean(g.map((value, i) => value * normal[i]));
    assertClose([gradients.bias[channel]], [dBias * points], 1e-3, `d bias ${channel}`);
    const ulps = 1e-4 * Math.abs(dBias) * points; // float32 holds a mean of 300 to 3·10⁻⁵
    assertClose([gradients.weight[channel]], [dWeight * points], ulps, `d weight ${channel}`);
    assertClose(
      pick(dX, channel),
      g.map((value, i) => weight / deviation * (value - dBias - normal[i] * dWeight)),
      1e-4,
      `d x ${channel}`,
    );
  }
});

Deno.test("batchNorm() moves running statistics once where a segment is recorded again", async () => {
  const gpu = await testGpu();
  const run = async (recompute: boolean) => {
    const plan = new Plan(gpu, "segment", { recompute });
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, layout, data, differentiable }]) => [
        name,
        createTensor(gpu, name, shape, { layout, data, requiresGradient: differentiable ?? true }),
      ]),
    );
    const y = plan.segment(
      () => record(plan, tensors, { momentum: 0.1, relu: true }),
      ({ frames }) => frames.flat(),
    ).frames.flat();
    const gradient = createTensor(gpu, "seed", y[0].shape, {
      layout: "blocks",
      data: randomArray(50, 69 * 5),
    });
    plan.differentiate([{ tensor: y[0], gradient }]);
    const dX = plan.keep(plan.gradientOf(tensors["x.0.1"])!);
    const program = await plan.build();
    program.run();
    return readTensors(gpu, tensors.runningMean, tensors.runningVariance, dX);
  };
  assertEquals(await run(true), await run(false));
});

Deno.test("batchNorm() with an inner ReLU refuses gradients", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1], size));
  const row = (requiresGradient: boolean) => createTensor(gpu, "p", [5], { requiresGradient });
  assertThrows(
    () =>
      batchNorm(new Plan(gpu, "test"), "bn", x, {
        weight: row(true),
        bias: row(false),
        runningMean: row(false),
        runningVariance: row(false),
      }, { innerRelu: true }),
    Error,
    'Cannot differentiate batchNorm "bn": it is for inference only, and y requires a gradient',
  );
});
