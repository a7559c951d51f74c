import { assertAlmostEquals } from "@std/assert";
import {
  dynamicField,
  dynamicFieldSpecs,
  trunk,
  trunkCodes,
} from "../../src/nets/dynamic_field.ts";
import { pointFeatures } from "../../src/nets/features.ts";
import { type FieldSizes, fieldSizes } from "../../src/nets/sizes.ts";
import { full } from "../../src/recipes/recipe.ts";
import { ParameterGroup } from "../../src/nets/parameters.ts";
import { staticField, staticFieldSpecs } from "../../src/nets/static_field.ts";
import { layerOf } from "../../src/nets/block.ts";
import { sigmoid } from "../../src/ops/activation.ts";
import { linear } from "../../src/ops/linear.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { testGpu } from "../support/gpu.ts";
import {
  channelsOf,
  differentiateWith,
  goldenParameters,
  goldenTensor,
  parameterGradients,
} from "../support/parameters.ts";

function sizesOf(golden: GoldenCase, size: string): FieldSizes {
  const config = golden.config[size] as Record<string, number>;
  return {
    hidden: config.hidden,
    videoChannels: config.latent,
    imageChannels: config.latent2d,
    globalCode: config.glob,
    globalHidden: config.ode_mid,
    pooledChannels: config.ode_in,
  };
}

/** Puts channels of several `(scenes, points, channels)` arrays side by side. */
function sideBySide(points: number, parts: Float32Array[]): Float32Array {
  const widths = parts.map((part) => part.length / points);
  return Float32Array.from(
    Array.from(
      { length: points },
      (_, p) => parts.flatMap((part, i) => [...part.subarray(p * widths[i], (p + 1) * widths[i])]),
    ).flat(),
  );
}

function lengthOf(rows: Float32Array, row: number, width: number): number {
  return Math.hypot(...rows.subarray(row * width, (row + 1) * width));
}

/** Rows divided by their lengths. */
function unit(rows: Float32Array, width: number): Float32Array {
  return rows.map((value, i) => value / lengthOf(rows, Math.floor(i / width), width));
}

/** The gradient of {@link unit}: `(g − e (e·g)) / length`. */
function unitBackward(rows: Float32Array, gradient: Float32Array, width: number): Float32Array {
  const e = unit(rows, width);
  return gradient.map((g, i) => {
    const row = Math.floor(i / width);
    const at = row * width;
    let dot = 0;
    for (let c = at; c < at + width; c++) dot += e[c] * gradient[c];
    return (g - e[i] * dot) / lengthOf(rows, row, width);
  });
}

for (const size of ["small", "full"]) {
  Deno.test(`golden mlp: staticField() and its gradients, ${size}`, async () => {
    const gpu = await testGpu();
    const golden = await loadCase("mlp");
    const tag = `mlp_${size}`;
    const group = goldenParameters(gpu, golden, tag, staticFieldSpecs(sizesOf(golden, size)));
    const input = (name: string) =>
      goldenTensor(gpu, golden, `${tag}/${name}`, { layout: "blocks", requiresGradient: true });
    const [points, views, latent] = ["pts63", "views27", "latent2d"].map(input);
    const plan = new Plan(gpu, "static");
    const { color, density, hidden } = staticField(
      plan,
      group,
      points,
      views,
      pointFeatures(latent),
    );
    // the official field's fifth output, which nothing uses
    const logit = linear(plan, "weight_linear", hidden, layerOf(group, "mlp_static.weight_linear"));
    const blending = sigmoid(plan, "blending", logit);
    const seed = `ct/${size}/static/out`;
    const ct = (first: number, count: number) => channelsOf(gpu, golden, seed, first, count);
    differentiateWith(plan, [group], [
      { tensor: plan.keep(color), gradient: ct(0, 3) },
      { tensor: plan.keep(density), gradient: ct(3, 1) },
      { tensor: plan.keep(blending), gradient: ct(4, 1) },
    ]);
    const gradients = [points, views, latent].map((t) => plan.keep(plan.gradientOf(t)!));
    const program = await plan.build();
    program.run();
    const [rgb, sigma, b, ...d] = await readTensors(gpu, color, density, blending, ...gradients);
    expectClose(golden, {
      [`${size}/static/out`]: sideBySide(48, [rgb, sigma, b]),
      [`${size}/static/grad/pts63`]: d[0],
      [`${size}/static/grad/views27`]: d[1],
      [`${size}/static/grad/latent2d`]: d[2],
      ...await parameterGradients(group, `${size}/static/grad`),
    });
    program.destroy();
  });

  Deno.test(`golden mlp: trunk(), dynamicField() and their gradients, ${size}`, async () => {
    const gpu = await testGpu();
    const golden = await loadCase("mlp");
    const tag = `mlp_${size}`;
    const sizes = sizesOf(golden, size);
    const group = goldenParameters(gpu, golden, tag, dynamicFieldSpecs(sizes));
    const blocks = { layout: "blocks", requiresGradient: true } as const;
    const raw = golden.input(`${tag}/enc84`).data; // the trunk's input is of length 1
    const encoding = createTensor(gpu, "enc84", [2, 24, 84], { ...blocks, data: unit(raw, 84) });
    const latent = goldenTensor(gpu, golden, `${tag}/latent`, blocks);
    const code = goldenTensor(gpu, golden, `${tag}/global`, {
      ...blocks,
      shape: [2, 1, sizes.globalCode],
    });
    const pair = golden.input(`${tag}/temporal`).data; // (2, 24, 2, channels)
    const channels = sizes.videoChannels;
    const mean = Float32Array.from({ length: 48 * channels }, (_, i) => {
      const at = Math.floor(i / channels) * 2 * channels + i % channels;
      return (pair[at] + pair[at + channels]) / 2;
    });
    const temporal = createTensor(gpu, "temporal", [2, 24, channels], { ...blocks, data: mean });
    const plan = new Plan(gpu, "dynamic");
    const h = trunk(plan, group, encoding, trunkCodes(plan, group, code));
    const out = dynamicField(plan, group, h, pointFeatures(latent), pointFeatures(temporal));
    const seed = `ct/${size}/dynamic/out`;
    differentiateWith(plan, [group], [
      { tensor: plan.keep(out.raw), gradient: channelsOf(gpu, golden, seed, 0, 4) },
      { tensor: plan.keep(out.blending), gradient: channelsOf(gpu, golden, seed, 10, 1) },
    ]);
    const inputs = [encoding, latent, code, temporal];
    const gradients = inputs.map((t) => plan.keep(plan.gradientOf(t)!));
    const program = await plan.build();
    program.run();
    const [values, b, ...d] = await readTensors(gpu, out.raw, out.blending, ...gradients);
    const half = Float32Array.from(pair, (_, i) => {
      const point = Math.floor(i / (2 * channels));
      return d[3][point * channels + i % channels] / 2;
    });
    // the scene flow passes through the released field: its columns and their gradients are the inputs themselves
    const flow = golden.input(`${tag}/flow`).data;
    expectClose(golden, {
      [`${size}/dynamic/out`]: sideBySide(48, [values, flow, b]),
      [`${size}/dynamic/grad/enc84`]: unitBackward(raw, d[0], 84),
      [`${size}/dynamic/grad/latent`]: d[1],
      [`${size}/dynamic/grad/glob`]: d[2],
      [`${size}/dynamic/grad/temporal`]: half,
      ...await parameterGradients(group, `${size}/dynamic/grad`),
    });
    program.destroy();
  });
}

Deno.test("dynamicFieldSpecs() multiplies initial values of positions, less each octave, and scene flow by their gains, and no others", async () => {
  const gpu = await testGpu();
  const sizes = fieldSizes({ ...full.model, hidden: 8, globalHidden: 8, globalCode: 4 });
  const [plain, gained] = await Promise.all(
    [{}, { positionGain: 32, flowGain: 0.25 }].map(async (gains) => {
      const group = new ParameterGroup(gpu, "mlp_dynamic", dynamicFieldSpecs(sizes, gains), true);
      group.initialize(3);
      const values = await group.read();
      group.destroy();
      return values;
    }),
  );
  // of p, sin p, cos p, sin 2p, cos 2p, …, cos 512p
  const gains = [32, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
  for (const [name, values] of plain) {
    values.forEach((value, i) => {
      const gain = name === "mlp_dynamic.lin_in.weight"
        ? i % 84 % 4 === 3 ? 1 : gains[Math.floor(i % 84 / 4)] // not of time
        : name.startsWith("mlp_dynamic.sf_linear")
        ? 0.25
        : 1;
      assertAlmostEquals(gained.get(name)![i], gain * value, 1e-6);
    });
  }
});
