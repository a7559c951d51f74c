import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  compositeBoth,
  compositeSingle,
  compositeSingleWithWeights,
  rayMaps,
  singleMaps,
} from "../../src/rendering/composite.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { type CheckedInput, checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";
import { stratified } from "../support/stratified.ts";

/** Inputs for `rays` rays of `samples` samples in two scenes, densities away from the kink at 0. */
function randomInputs(rays: number, samples: number) {
  const points = rays * samples;
  const raw = (seed: number) =>
    randomArray(seed, 8 * points, -3, 3).map((value, i) =>
      i % 4 === 3 ? (value < 0 ? value - 0.5 : value + 0.5) : value
    );
  const blocks = (data: Float32Array, channels: number) => ({
    shape: [2, points, channels],
    layout: "blocks" as const,
    data,
  });
  const rows = (data: Float32Array, ...shape: number[]) => ({ shape, data, differentiable: false });
  const jitter = randomArray(5, 2 * points, 0.1, 0.9);
  return {
    rawStatic: blocks(raw(1), 4),
    rawDynamic: blocks(raw(2), 4),
    blending: blocks(randomArray(3, 2 * points, 0.05, 0.95), 1),
    z: rows(jitter.map((value, i) => (i % samples + value) / samples), 2, rays, samples),
    directions: rows(randomArray(4, 6 * rays, 0.5, 1.5), 2, rays, 3),
    noise: rows(randomArray(6, 2 * points, -0.2, 0.2), 2, rays, samples),
  };
}

for (const [rays, samples] of [[1, 1], [3, 21], [13, 5], [257, 2]]) {
  Deno.test(`compositeBoth() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    await checkGradients(randomInputs(rays, samples), (plan, inputs) => {
      const { rawStatic, rawDynamic, blending, z, directions, noise } = inputs;
      const { maps, weights } = compositeBoth(plan, "both", {
        rawStatic,
        rawDynamic,
        blending,
        z,
        directions,
        noise,
        forGoldens: { allWeights: true },
      });
      return [maps, weights];
    });
  });

  Deno.test(`compositeSingle() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    const { rawDynamic: raw, z, directions, noise } = randomInputs(rays, samples);
    await checkGradients(
      { raw, z, directions, noise },
      (plan, { raw, z, directions, noise }) =>
        compositeSingle(plan, "single", { raw, z, directions, noise }),
    );
    await checkGradients({ raw, z, directions }, (plan, { raw, z, directions }) => {
      const { maps, weights } = compositeSingleWithWeights(plan, "single", { raw, z, directions });
      return [maps, weights];
    });
  });
}

Deno.test("compositeBoth() has no gradient for a frozen static field", async () => {
  const inputs: Record<string, CheckedInput> = randomInputs(5, 7);
  inputs.rawStatic.differentiable = false;
  await checkGradients(inputs, (plan, { rawStatic, rawDynamic, blending, z, directions }) => {
    const composite = compositeBoth(plan, "both", {
      rawStatic,
      rawDynamic,
      blending,
      z,
      directions,
    });
    return [composite.maps, composite.weights];
  });
});

Deno.test("compositeBoth() gives finite gradients where opaque samples hide the rest", async () => {
  const [rays, samples] = [4, 16];
  const inputs = randomInputs(rays, samples);
  for (const raw of [inputs.rawStatic, inputs.rawDynamic]) {
    raw.data = raw.data.map((value, i) => i % 4 === 3 ? 1e4 : 30 * value);
  }
  inputs.blending.data = inputs.blending.data.map((_, i) => [0, 1, 1 - 2 ** -24, 0.5][i % 4]);
  const { outputs, gradients } = await runRecorded(
    inputs,
    (plan, { rawStatic, rawDynamic, blending, z, directions }) => {
      const { maps, weights } = compositeBoth(plan, "both", {
        rawStatic,
        rawDynamic,
        blending,
        z,
        directions,
      });
      return { maps, weights };
    },
    { maps: randomArray(9, 2 * rays * 16), weights: randomArray(10, 2 * rays * samples) },
  );
  for (const values of [...Object.values(outputs), ...Object.values(gradients)]) {
    assert(values.every((value) => Math.abs(value) < 100), `a value is ${Math.max(...values)}`);
  }
  outputs.weights.forEach((weight, i) => {
    assert(Math.abs(weight - (i % samples === 0 ? 1 : 0)) < 1e-6, `weight ${i} is ${weight}`);
  });
});

Deno.test("compositeSingle() sees the first opaque sample and nothing behind it", async () => {
  const samples = 70; // a ray across blocks of 64 points
  const raw = new Float32Array(2 * samples * 4);
  for (let i = 0; i < 2 * samples; i++) {
    raw.set([i % samples, -2, 3, i % samples < 60 ? -1 : 1e5], 4 * i);
  }
  const z = Float32Array.from({ length: 2 * samples }, (_, i) => (i % samples) / samples);
  const { outputs } = await runRecorded({
    raw: { shape: [1, 2 * samples, 4], layout: "blocks", data: raw },
    z: { shape: [1, 2, samples], data: z },
    directions: { shape: [1, 2, 3], data: Float32Array.of(0, 0, 2, 1, 0, 2) },
  }, (plan, { raw, z, directions }) => {
    return { ...compositeSingleWithWeights(plan, "single", { raw, z, directions }) };
  });
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  for (let ray = 0; ray < 2; ray++) {
    const expected = [sigmoid(60), sigmoid(-2), sigmoid(3), 60 / samples, 1];
    expected.forEach((value, c) => {
      assert(Math.abs(outputs.maps[5 * ray + c] - value) < 1e-6, `channel ${c} of ray ${ray}`);
    });
    assertEquals(outputs.weights.subarray(ray * samples).indexOf(1), 60);
  }
});

Deno.test("compositeBoth() names the tensor that does not fit", async () => {
  const gpu = await testGpu();
  const tensor = (shape: number[], layout: "rows" | "blocks") =>
    createTensor(gpu, "t", shape, { layout });
  assertThrows(
    () =>
      compositeBoth(new Plan(gpu, "wrong"), "both", {
        rawStatic: tensor([1, 12, 4], "blocks"),
        rawDynamic: tensor([1, 12, 4], "blocks"),
        blending: tensor([1, 11, 1], "blocks"),
        z: tensor([1, 3, 4], "rows"),
        directions: tensor([1, 3, 3], "rows"),
      }),
    Error,
    'Cannot record compositeBoth "both": blending is (1, 11, 1) in blocks, wanted (1, 12, 1) in blocks',
  );
});

const [scenes, rays, samples] = [2, 8, 16];
const points = rays * samples;

/** Channels `first …` of rows of `width` numbers. */
function columns(values: Float32Array, width: number, first: number, count: number): Float32Array {
  return values.filter((_, i) => i % width >= first && i % width < first + count);
}

function goldenInputs(golden: GoldenCase, mode: string) {
  const rows = (name: string) => ({ ...shaped(golden, name), differentiable: false });
  return {
    rawStatic: { ...shaped(golden, "comp/raw_s", [scenes, points, 4]), layout: "blocks" as const },
    rawDynamic: { ...shaped(golden, "comp/raw_d", [scenes, points, 4]), layout: "blocks" as const },
    blending: {
      ...shaped(golden, "comp/blending", [scenes, points, 1]),
      layout: "blocks" as const,
    },
    z: {
      shape: [scenes, rays, samples],
      data: stratified(golden.input("comp/t_rand").data, samples),
      differentiable: false,
    },
    directions: rows("comp/rays_d"),
    ...(mode === "noise" ? { noise: rows("comp/noise") } : {}),
  };
}

function shaped(golden: GoldenCase, name: string, shape?: number[]) {
  const input = golden.input(name);
  return { shape: shape ?? input.shape, data: input.data };
}

for (const mode of ["clean", "noise"]) {
  Deno.test(`golden compositing: compositeBoth() and its gradients, ${mode}`, async () => {
    const golden = await loadCase("compositing");
    const inputs = goldenInputs(golden, mode);
    const record = (plan: Plan, tensors: Record<string, Tensor>) => {
      const { rawStatic, rawDynamic, blending, z, directions, noise } = tensors;
      return {
        ...compositeBoth(plan, "both", {
          rawStatic,
          rawDynamic,
          blending,
          z,
          directions,
          noise,
          forGoldens: { allWeights: true },
        }),
      };
    };
    const ct = (name: string) => golden.input(`ct/both/${name}`).data;
    const parts: [string, number, number][] = [
      ["rgb_map_full", rayMaps.colorFull, 3],
      ["depth_map_full", rayMaps.depthFull, 1],
      ["acc_map_full", rayMaps.accFull, 1],
      ["rgb_map_s", rayMaps.colorStatic, 3],
      ["depth_map_s", rayMaps.depthStatic, 1],
      ["acc_map_s", rayMaps.accStatic, 1],
      ["rgb_map_d", rayMaps.colorDynamic, 3],
      ["depth_map_d", rayMaps.depthDynamic, 1],
      ["acc_map_d", rayMaps.accDynamic, 1],
      ["dynamicness_map", rayMaps.dynamicness, 1],
    ];
    const dMaps = new Float32Array(scenes * rays * 16);
    for (const [name, first, count] of parts) {
      ct(name).forEach((value, i) => dMaps[Math.floor(i / count) * 16 + first + i % count] = value);
    }

    // Two outputs follow from the weights and the inputs: blending_map = z·b, and rgb_map_dyreg_d = Σ w_d b c_d, whose
    // gradient at the weights goes back through the operation.
    const b = inputs.blending.data;
    const color = columns(inputs.rawDynamic.data, 4, 0, 3).map((x) => 1 / (1 + Math.exp(-x)));
    const seen = (i: number) => { // color · d(rgb_map_dyreg_d)
      const at = 3 * Math.floor(i / samples);
      return [0, 1, 2].reduce(
        (sum, c) => sum + color[3 * i + c] * ct("rgb_map_dyreg_d")[at + c],
        0,
      );
    };
    const dWeights = Float32Array.of(
      ...ct("weights_d").map((value, i) => value + b[i] * seen(i)),
      ...ct("weights_s"),
      ...ct("weights_full"),
    );
    const { outputs, gradients } = await runRecorded(inputs, record, {
      maps: dMaps,
      weights: dWeights,
    });
    const [weightsDynamic, weightsStatic, weightsFull] = [0, 1, 2].map((set) =>
      outputs.weights.subarray(set * scenes * points, (set + 1) * scenes * points)
    );
    const region = new Float32Array(scenes * rays * 3);
    color.forEach((value, i) => {
      const sample = Math.floor(i / 3);
      region[3 * Math.floor(sample / samples) + i % 3] += weightsDynamic[sample] * b[sample] *
        value;
    });
    gradients.blending.forEach((_, i) =>
      gradients.blending[i] += inputs.z.data[i] * ct("blending_map")[i] +
        weightsDynamic[i] * seen(i)
    );
    color.forEach((value, i) => {
      const sample = Math.floor(i / 3);
      gradients.rawDynamic[4 * sample + i % 3] += weightsDynamic[sample] * b[sample] * value *
        (1 - value) * ct("rgb_map_dyreg_d")[3 * Math.floor(sample / samples) + i % 3];
    });
    expectClose(golden, {
      ...Object.fromEntries(parts.map(([name, first, count]) => [
        `both_${mode}/${name}`,
        columns(outputs.maps, 16, first, count),
      ])),
      [`both_${mode}/weights_full`]: weightsFull,
      [`both_${mode}/weights_s`]: weightsStatic,
      [`both_${mode}/weights_d`]: weightsDynamic,
      [`both_${mode}/blending_map`]: inputs.z.data.map((z, i) => z * b[i]),
      [`both_${mode}/rgb_map_dyreg_d`]: region,
      [`both_${mode}/grad/raw_s`]: gradients.rawStatic,
      [`both_${mode}/grad/raw_d`]: gradients.rawDynamic,
      [`both_${mode}/grad/blending`]: gradients.blending,
    });
  });

  Deno.test(`golden compositing: compositeSingle() and its gradients, ${mode}`, async () => {
    const golden = await loadCase("compositing");
    const { rawDynamic: raw, z, directions, noise } = goldenInputs(golden, mode);
    const ct = (name: string) => golden.input(`ct/single/${name}`).data;
    const record = (plan: Plan, tensors: Record<string, Tensor>) => {
      const { raw, z, directions, noise } = tensors;
      return { ...compositeSingleWithWeights(plan, "single", { raw, z, directions, noise }) };
    };
    const dMaps = new Float32Array(scenes * rays * 5); // depth and accumulation have no seed
    ct("rgb_map").forEach((value, i) => dMaps[Math.floor(i / 3) * 5 + i % 3] = value);
    const { outputs, gradients } = await runRecorded(
      { raw, z, directions, ...(noise ? { noise } : {}) },
      record,
      { maps: dMaps, weights: ct("weights") },
    );

    // A sample by itself, its opacity and color, is a ray of two samples with nothing at the second, and an opaque one.
    const opacity = await everySample(golden, mode, record, (rgb, sigma) => [...rgb, sigma], {
      weights: ct("alpha"),
    });
    const color = await everySample(golden, mode, record, (rgb) => [...rgb, 1e6], {
      color: ct("rgb"),
    });
    gradients.raw.forEach((_, i) => {
      gradients.raw[i] += i % 4 === 3 ? opacity.gradient[i] : color.gradient[i];
    });
    expectClose(golden, {
      [`single_${mode}/rgb_map`]: columns(outputs.maps, 5, singleMaps.color, 3),
      [`single_${mode}/depth_map`]: columns(outputs.maps, 5, singleMaps.depth, 1),
      [`single_${mode}/acc_map`]: columns(outputs.maps, 5, singleMaps.acc, 1),
      [`single_${mode}/weights`]: outputs.weights,
      [`single_${mode}/alpha`]: opacity.weights,
      [`single_${mode}/rgb`]: color.color,
      [`single_${mode}/grad/raw_d`]: gradients.raw,
    });
  });
}

/** Composites each sample of the golden rays as a ray of its own, changed by `change`. */
async function everySample(
  golden: GoldenCase,
  mode: string,
  record: (plan: Plan, tensors: Record<string, Tensor>) => Record<string, Tensor>,
  change: (rgb: Float32Array, sigma: number) => number[],
  seeds: { weights?: Float32Array; color?: Float32Array },
) {
  const { rawDynamic, z, directions, noise } = goldenInputs(golden, mode);
  const count = scenes * points;
  const raw = new Float32Array(8 * count);
  const depths = new Float32Array(2 * count);
  const ways = new Float32Array(3 * count);
  const dMaps = new Float32Array(5 * count);
  const dWeights = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const epsilon = noise?.data[i] ?? 0;
    const rgb = rawDynamic.data.subarray(4 * i, 4 * i + 3);
    raw.set([...change(rgb, rawDynamic.data[4 * i + 3] + epsilon), 0, 0, 0, -1], 8 * i);
    depths.set([z.data[i], i % samples === samples - 1 ? 1e10 : z.data[i + 1]], 2 * i);
    ways.set(
      directions.data.subarray(3 * Math.floor(i / samples), 3 * Math.floor(i / samples) + 3),
      3 * i,
    );
    if (seeds.color) dMaps.set(seeds.color.subarray(3 * i, 3 * i + 3), 5 * i);
    if (seeds.weights) dWeights[2 * i] = seeds.weights[i];
  }
  const { outputs, gradients } = await runRecorded(
    {
      raw: { shape: [1, 2 * count, 4], layout: "blocks", data: raw },
      z: { shape: [1, count, 2], data: depths, differentiable: false },
      directions: { shape: [1, count, 3], data: ways, differentiable: false },
    },
    record,
    { maps: dMaps, weights: dWeights },
  );
  return {
    weights: columns(outputs.weights, 2, 0, 1),
    color: columns(outputs.maps, 5, 0, 3),
    gradient: columns(gradients.raw, 8, 0, 4),
  };
}
