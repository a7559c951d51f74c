import { createLossWeights } from "../../src/losses/weights.ts";
import { lossTerms } from "../../src/recipes/loss_terms.ts";
import { recordStaticLosses } from "../../src/losses/stages.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import { staticFieldSpecs } from "../../src/nets/static_field.ts";
import { compositeSingle } from "../../src/rendering/composite.ts";
import { rayPoints } from "../../src/rendering/rays.ts";
import { renderStatic } from "../../src/rendering/render_rays.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensor } from "../../src/runtime/readback.ts";
import { createStep, writeStep } from "../../src/runtime/step.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { Adam } from "../../src/training/adam.ts";
import { recordDynamicObjective } from "../../src/training/stages.ts";
import { frameTimes } from "../../src/training/step_inputs.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { testGpu } from "../support/gpu.ts";
import { fieldSizesOfGoldens } from "../support/field_sizes.ts";
import { goldenParameters, goldenTensor } from "../support/parameters.ts";
import { goldenCameras, goldenMaps, goldenWindow } from "../support/windows.ts";

/** What the goldens call the terms of `src/recipes/loss_terms.ts`. */
const termNames: Record<string, string> = {
  fullColor: "img_loss",
  dynamicColor: "img_d_loss",
  warpedColorBefore: "img_d_b_loss",
  warpedColorAfter: "img_d_f_loss",
  flowBackward: "flow_b_loss",
  flowForward: "flow_f_loss",
  slow: "slow_loss",
  cycle: "consistency_loss",
  staticFlow: "static_flow_loss",
  smoothTime: "smooth_loss",
  smoothSpace: "sp_smooth_loss",
  smoothNeighbors: "sf_smooth_loss",
  mask: "mask_loss",
  maskWarped: "mask_flow_loss",
  sparsity: "sparse_loss",
  depth: "depth_loss",
  depthBlending: "depth_blending_loss",
  order: "order_loss",
};

async function open(size: string) {
  const gpu = await testGpu();
  const golden = await loadCase("train_step");
  const tag = `train_${size}`;
  const config = golden.config as { frames: number[]; N_samples: number; far: number };
  const { data } = golden.input(`${tag}/pixels`);
  const sizes = fieldSizesOfGoldens[size];
  return {
    gpu,
    golden,
    tag,
    frames: config.frames,
    samples: config.N_samples,
    far: config.far,
    cameras: goldenCameras(golden, tag),
    pixels: createTensor(gpu, "pixels", [2, 8, 2], { data }),
    imageMaps: goldenMaps(gpu, golden, `${tag}/maps2d`),
    dynamic: goldenParameters(gpu, golden, tag, dynamicFieldSpecs(sizes)),
    static: goldenParameters(gpu, golden, tag, staticFieldSpecs(sizes)),
    jitter: goldenTensor(gpu, golden, `${tag}/t_rand`),
    noise: (i: number) => goldenTensor(gpu, golden, `${tag}/noise${i}`),
    pooledChannels: sizes.pooledChannels,
  };
}

/** The batch's columns as the objective's tensors. */
function goldenBatch(
  gpu: Awaited<ReturnType<typeof testGpu>>,
  golden: GoldenCase,
  tag: string,
) {
  const input = (name: string) => golden.input(`${tag}_batch/${name}`).data;
  const flow = (name: string) => {
    const [uv, valid] = [input(`grid_flow_${name}`), input(`mask_${name}`)];
    const data = Float32Array.from({ length: 48 }, (_, i) => {
      const [ray, c] = [Math.floor(i / 3), i % 3];
      return c < 2 ? uv[2 * ray + c] : valid[ray];
    });
    return createTensor(gpu, `flow.${name}`, [2, 8, 3], { data });
  };
  const moving = input("static").map((value) => 1 - value);
  return {
    pixels: createTensor(gpu, "pixels", [2, 8, 2], { data: golden.input(`${tag}/pixels`).data }),
    colors: createTensor(gpu, "colors", [2, 8, 3], { data: input("rgb") }),
    inverseDepth: createTensor(gpu, "inverseDepth", [2, 8], { data: input("invdepth") }),
    absoluteDepth: createTensor(gpu, "absoluteDepth", [2, 8]),
    moving: createTensor(gpu, "moving", [2, 8], { data: moving }),
    flowBackward: flow("b"),
    flowForward: flow("f"),
  };
}

// the released loop sets the rate after the step: step i uses that of i − 1
const goldenRate = (step: number) => 5e-4 * 0.1 ** (Math.max(step - 1, 0) / 300_000);

/**
 * How many times the tolerance step 1 and what follows may be off. SwiftShader's exponentials are less exact, lavapipe of LLVM 22
 * rounds in other places, and where a sum lies by a kink (ReLU, |x|), the next steps go on from the other side.
 */
function factors(gpu: Gpu): { first: number; later: number } {
  return { first: 4, later: /swiftshader|LLVM 22/i.test(gpu.description) ? 128 : 8 };
}

function expectSteps(
  gpu: Gpu,
  golden: GoldenCase,
  actual: Record<string, Float32Array | number>,
): void {
  const isFirst = ([key]: [string, unknown]) => /\/step1\/|\/grad\//.test(key);
  const entries = Object.entries(actual);
  const { first, later } = factors(gpu);
  expectClose(golden, Object.fromEntries(entries.filter(isFirst)), first);
  expectClose(golden, Object.fromEntries(entries.filter((entry) => !isFirst(entry))), later);
}

const clips: Record<string, number[]> = { small: [10, 0.5], full: [10] };

for (const size of ["small", "full"]) {
  for (const maxNorm of clips[size]) {
    Deno.test(`golden train_step: three dynamic steps, ${size}, norm clipped to ${maxNorm}`, async () => {
      const { gpu, golden, tag, frames, samples, far, cameras, ...t } = await open(size);
      const maps = goldenMaps(gpu, golden, `${tag}/maps`);
      const window = (offset: number) => goldenWindow(gpu, cameras, maps, frames, offset);
      const windows = { before: window(-1), current: window(0), after: window(1) };
      const plan = new Plan(gpu, "dynamic");
      const weights = createLossWeights(gpu);
      const { losses } = recordDynamicObjective(plan, {
        rays: rayPoints(plan, t.pixels, windows.current.cameras, {
          samples,
          forGoldens: { far },
          jitter: t.jitter,
        }),
        batch: goldenBatch(gpu, golden, tag),
        windows,
        imageWindow: goldenWindow(gpu, cameras, t.imageMaps, frames),
        dynamic: t.dynamic,
        static: t.static.frozen,
        pooled: goldenTensor(gpu, golden, `${tag}/flow_latent_pooled`, {
          layout: "blocks",
          shape: [2, 1, t.pooledChannels],
        }),
        times: createTensor(gpu, "times", [2, 2], { data: frameTimes(frames, [4, 4]) }),
        noise: { current: t.noise(0), before: t.noise(1), after: t.noise(2) },
        weights,
        trajectory: { kind: "discrete", steps: 2 },
        staticRays: 4,
        forGoldens: { far },
        depthBlendingThickness: 0.03,
        smoothnessFar: 0.999,
      });
      t.dynamic.recordGradients(plan);
      plan.differentiate(losses.seeds);
      const adam = new Adam(gpu, [t.dynamic], { maxNorm });
      const step = createStep(gpu);
      adam.record(plan, step);
      const program = await plan.build();
      const prefix = `${size}/spec/clip${maxNorm}`;
      const actual: Record<string, Float32Array | number> = {};
      for (let i = 0; i < 3; i++) {
        writeStep(gpu, step, { seed: 0, step: i, learningRate: goldenRate(i) });
        program.run();
        const summary = await readTensor(gpu, losses.summary);
        for (const { name } of lossTerms) {
          const key = `${prefix}/step${i + 1}/${termNames[name]}`;
          if (golden.has(key)) actual[key] = summary[losses.names.indexOf(name)];
        }
        actual[`${prefix}/step${i + 1}/grad_norm`] = (await readTensor(gpu, adam.norm))[0];
        if (i === 0) {
          for (const [name, values] of await t.dynamic.read(t.dynamic.gradients)) {
            const key = `${prefix}/grad/${name}`;
            if (golden.has(key)) actual[key] = values;
          }
        }
      }
      for (const [name, values] of await t.dynamic.read()) {
        actual[`${prefix}/param/${name}`] = values;
      }
      expectSteps(gpu, golden, actual);
      program.destroy();
    });
  }

  Deno.test(`golden train_step: three static steps, ${size}`, async () => {
    const { gpu, golden, frames, samples, far, cameras, tag, ...t } = await open(size);
    const plan = new Plan(gpu, "static");
    const { cameras: rayCameras } = goldenWindow(gpu, cameras, t.imageMaps, frames);
    const rays = rayPoints(plan, t.pixels, rayCameras, {
      samples,
      forGoldens: { far },
      jitter: t.jitter,
    });
    const window = goldenWindow(gpu, cameras, t.imageMaps, [2, 0]);
    const raw = renderStatic(plan, t.static, rays, window, { ownFrame: false });
    const maps = compositeSingle(plan, "composite", {
      raw,
      z: rays.z,
      directions: rays.directions,
      noise: t.noise(0),
    });
    const losses = recordStaticLosses(plan, maps, goldenBatch(gpu, golden, tag).colors);
    t.static.recordGradients(plan);
    plan.differentiate(losses.seeds);
    const adam = new Adam(gpu, [t.static]);
    const step = createStep(gpu);
    adam.record(plan, step);
    const program = await plan.build();
    const prefix = `${size}/static_stage`;
    const actual: Record<string, Float32Array | number> = {};
    for (let i = 0; i < 3; i++) {
      writeStep(gpu, step, { seed: 0, step: i, learningRate: goldenRate(i) });
      program.run();
      actual[`${prefix}/step${i + 1}/total`] = (await readTensor(gpu, losses.summary))[0];
      if (i > 0) continue;
      for (const [name, values] of await t.static.read(t.static.gradients)) {
        const key = `${prefix}/grad/${name}`;
        if (golden.has(key)) actual[key] = values;
      }
    }
    for (const [name, values] of await t.static.read()) {
      actual[`${prefix}/param/${name}`] = values;
    }
    expectSteps(gpu, golden, actual);
    program.destroy();
  });
}
