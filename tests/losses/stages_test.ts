import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Camera } from "../../src/data/scene/camera.ts";
import { anchorLoss } from "../../src/losses/anchor.ts";
import { recordDynamicLosses, recordStaticLosses } from "../../src/losses/stages.ts";
import { summaryNames } from "../../src/losses/summary.ts";
import { defaultLossWeights, type LossTermName, lossTerms } from "../../src/recipes/loss_terms.ts";
import { createLossWeights, writeLossWeights } from "../../src/losses/weights.ts";
import { cameraRecords } from "../../src/rendering/camera_records.ts";
import { inducedFlow } from "../../src/rendering/induced_flow.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import {
  createTensor,
  destroyTensor,
  type Layout,
  type Tensor,
  writeTensor,
} from "../../src/runtime/tensor.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { randomArray, testGpu } from "../support/gpu.ts";
import { stratified } from "../support/stratified.ts";
import { runOnce } from "./support.ts";

const [scenes, rays, samples] = [2, 16, 16];
const points = rays * samples;

/** Our names of the terms, by the goldens'. */
const termKeys: Record<string, LossTermName> = {
  img_loss: "fullColor",
  img_d_loss: "dynamicColor",
  img_d_b_loss: "warpedColorBefore",
  img_d_f_loss: "warpedColorAfter",
  flow_b_loss: "flowBackward",
  flow_f_loss: "flowForward",
  slow_loss: "slow",
  consistency_loss: "cycle",
  static_flow_loss: "staticFlow",
  smooth_loss: "smoothTime",
  sp_smooth_loss: "smoothSpace",
  sf_smooth_loss: "smoothNeighbors",
  mask_loss: "mask",
  mask_flow_loss: "maskWarped",
  sparse_loss: "sparsity",
  depth_loss: "depth",
  depth_blending_loss: "depthBlending",
  order_loss: "order",
};

/** Our names of the inputs that have a gradient of their own, by the goldens'. */
const inputKeys = {
  weights_d: "weightsDynamic",
  blending: "blending",
  blending_b: "blendingBefore",
  blending_f: "blendingAfter",
  raw_pts: "points",
  raw_pts_b: "pointsBefore",
  raw_pts_f: "pointsAfter",
  raw_pts_b_b: "pointsBefore2",
  raw_pts_f_f: "pointsAfter2",
  sceneflow_b: "backward",
  sceneflow_f: "forward",
  sceneflow_b_f: "beforeForward",
  sceneflow_f_b: "afterBackward",
} as const;

/** First channels of the goldens' maps in ours. */
const mapKeys = {
  rgb_map_full: [0, 3],
  rgb_map_s: [5, 3],
  depth_map_s: [8, 1],
  rgb_map_d: [10, 3],
  depth_map_d: [13, 1],
  dynamicness_map: [15, 1],
} as const;

/** Joins tensors of `rays` rows side by side, each with its number of channels, at the given first channel. */
function joined(channels: number, parts: [data: Float32Array, first: number, count: number][]) {
  const all = new Float32Array(scenes * rays * channels);
  for (const [data, first, count] of parts) {
    data.forEach((v, i) => all[Math.floor(i / count) * channels + first + i % count] = v);
  }
  return all;
}

/** Some channels of joined tensors. */
function channelsOf(all: Float32Array, channels: number, first: number, count: number) {
  return all.filter((_, i) => i % channels >= first && i % channels < first + count);
}

/** The golden batch recorded once: a frame of each scene and the weights can still be changed. */
async function recordGolden(golden: GoldenCase) {
  const gpu = await testGpu();
  const input = (name: string) => golden.input(`loss/${name}`).data;
  const own: Tensor[] = [];
  const create = (
    label: string,
    shape: number[],
    data: Float32Array,
    options: { layout?: Layout; requiresGradient?: boolean } = {},
  ) => {
    own.push(createTensor(gpu, label, shape, { ...options, data }));
    return own.at(-1)!;
  };
  const ofPoints = (name: keyof typeof inputKeys, channels: number) =>
    create(inputKeys[name], [scenes, points, channels], input(name), {
      layout: "blocks",
      requiresGradient: true,
    });
  const ofRays = (label: string, channels: number, data: Float32Array) =>
    create(label, [scenes, rays, channels], data, { requiresGradient: label.startsWith("maps") });
  const z = stratified(input("t_rand"), samples);
  const grid = input("grid");
  const tensors = {
    maps: ofRays(
      "maps",
      16,
      joined(
        16,
        Object.entries(mapKeys).map(([name, [first, count]]) => [input(name), first, count]),
      ),
    ),
    mapsBefore: ofRays("mapsBefore", 5, joined(5, [[input("rgb_map_d_b"), 0, 3]])),
    mapsAfter: ofRays("mapsAfter", 5, joined(5, [[input("rgb_map_d_f"), 0, 3]])),
    weightsDynamic: create("weightsDynamic", [scenes, rays, samples], input("weights_d"), {
      requiresGradient: true,
    }),
    blending: ofPoints("blending", 1),
    blendingBefore: ofPoints("blending_b", 1),
    blendingAfter: ofPoints("blending_f", 1),
    points: ofPoints("raw_pts", 3),
    pointsBefore: ofPoints("raw_pts_b", 3),
    pointsAfter: ofPoints("raw_pts_f", 3),
    pointsBefore2: ofPoints("raw_pts_b_b", 3),
    pointsAfter2: ofPoints("raw_pts_f_f", 3),
    z: create("z", [scenes, rays, samples], z),
    colors: ofRays("colors", 3, input("rgb")),
    inverseDepth: create("inverseDepth", [scenes, rays], input("invdepth")),
    absoluteDepth: create("absoluteDepth", [scenes, rays], randomArray(1, scenes * rays, 0, 1)),
    moving: create("moving", [scenes, rays], input("static").map((still) => 1 - still)),
    flowBackward: ofRays(
      "flowBackward",
      3,
      joined(3, [[input("grid_flow_b"), 0, 2], [input("mask_b"), 2, 1]]),
    ),
    flowForward: ofRays(
      "flowForward",
      3,
      joined(3, [[input("grid_flow_f"), 0, 2], [input("mask_f"), 2, 1]]),
    ),
    cameras: create("cameras", [scenes, 3, 16], new Float32Array(scenes * 48)),
  };
  const flows = {
    backward: ofPoints("sceneflow_b", 3),
    forward: ofPoints("sceneflow_f", 3),
    beforeForward: ofPoints("sceneflow_b_f", 3),
    afterBackward: ofPoints("sceneflow_f_b", 3),
  };
  const pixels = ofRays("pixels", 2, channelsOf(grid, 8, 0, 2));
  const weights = createLossWeights(gpu);
  own.push(weights.all);

  const plan = new Plan(gpu, "losses");
  const { weightsDynamic, cameras } = tensors;
  const flowTo = (moved: Tensor, slot: 0 | 2) =>
    inducedFlow(plan, `flow.${slot}`, {
      weights: weightsDynamic,
      points: moved,
      pixels,
      cameras,
      slot,
    });
  const inputs = {
    ...tensors,
    flows,
    inducedBackward: flowTo(tensors.pointsBefore, 0),
    inducedForward: flowTo(tensors.pointsAfter, 2),
  };
  const { summary, seeds, names } = recordDynamicLosses(plan, inputs, weights, {
    staticRays: 8,
    depthBlendingThickness: 0.03,
    smoothnessFar: 0.999,
  });
  plan.differentiate(seeds);
  const named: Record<string, Tensor> = { ...tensors, ...flows };
  const withGradient = Object.keys(named).filter((name) => named[name].requiresGradient);
  const gradients = withGradient.map((name) => plan.keep(plan.gradientOf(named[name])!));
  const program = await plan.build();

  const [{ data: c2w }, { data: focal }] = [golden.input("loss/c2w"), golden.input("loss/focal")];
  const camerasOf = (scene: number) =>
    [0, 1, 2, 3].map((frame): Camera => ({
      cameraToWorld: c2w.slice((scene * 4 + frame) * 12, (scene * 4 + frame + 1) * 12),
      focalPixels: focal[scene],
      width: 32,
      height: 18,
    }));
  return {
    z,
    /** The losses and gradients of a frame of each scene, some weights, and b. */
    async run(frames: number[], b: Float32Array, changed: Partial<Record<LossTermName, number>>) {
      const records = frames.map((frame, scene) => cameraRecords(camerasOf(scene), frame));
      writeTensor(gpu, cameras, Float32Array.from(records.flatMap((record) => [...record])));
      writeTensor(gpu, tensors.blending, b);
      writeLossWeights(gpu, weights, changed);
      program.run();
      const [losses, ...values] = await readTensors(gpu, summary, ...gradients);
      return {
        losses: Object.fromEntries(names.map((name, i) => [name, losses[i]])),
        gradients: Object.fromEntries(withGradient.map((name, i) => [name, values[i]])),
      };
    },
    destroy() {
      program.destroy();
      for (const tensor of own) destroyTensor(gpu, tensor);
    },
  };
}

const nothing = Object.fromEntries(lossTerms.map(({ name }) => [name, 0]));

Deno.test("golden losses: recordDynamicLosses() and its gradients", async () => {
  const golden = await loadCase("losses");
  const { z, run, destroy } = await recordGolden(golden);
  const blending = golden.input("loss/blending").data;
  const blendingMap = golden.input("loss/blending_map").data;
  const actual: Record<string, number | Float32Array> = {};
  for (const frames of ["12", "13", "03", "30"]) {
    const mode = `frames${frames}/spec`;
    const numbers = [...frames].map(Number);
    // the goldens' blending map is no product of z and b: the term that reads it runs alone, with b = map / z
    const { losses, gradients } = await run(numbers, blending, { depthBlending: 0 });
    const alone = await run(numbers, blendingMap.map((v, i) => v / z[i]), {
      ...nothing,
      depthBlending: 1,
    });
    assertEquals(alone.losses.total, alone.losses.depthBlending);
    losses.depthBlending = alone.losses.depthBlending;
    losses.total += losses.depthBlending;
    for (const [key, name] of Object.entries(termKeys)) actual[`${mode}/${key}`] = losses[name];
    actual[`${mode}/total`] = losses.total;
    if (!golden.has(`${mode}/grad/raw_pts`)) continue;
    for (const [key, [first, count]] of Object.entries(mapKeys)) {
      actual[`${mode}/grad/${key}`] = channelsOf(gradients.maps, 16, first, count);
    }
    actual[`${mode}/grad/rgb_map_d_b`] = channelsOf(gradients.mapsBefore, 5, 0, 3);
    actual[`${mode}/grad/rgb_map_d_f`] = channelsOf(gradients.mapsAfter, 5, 0, 3);
    for (const [key, name] of Object.entries(inputKeys)) {
      actual[`${mode}/grad/${key}`] = gradients[name];
    }
    actual[`${mode}/grad/blending_map`] = alone.gradients.blending.map((g, i) => g / z[i]);
  }
  destroy();
  expectClose(golden, actual);
});

Deno.test("golden losses: recordStaticLosses() and its gradient", async () => {
  const golden = await loadCase("losses");
  const input = (name: string) => golden.input(`loss/${name}`).data;
  const maps = { shape: [scenes, rays, 5], data: joined(5, [[input("rgb_map_s"), 0, 3]]) };
  const colors = { shape: [scenes, rays, 3], data: input("rgb"), differentiable: false };
  const { outputs: [total], gradients } = await runOnce(
    { maps, colors },
    (plan, { maps, colors }) => {
      const { summary, seeds, names } = recordStaticLosses(plan, maps, colors);
      assertEquals([seeds.map(({ tensor }) => tensor), names], [[summary], ["total"]]);
      return [summary];
    },
  );
  expectClose(golden, {
    "static/total": total,
    "static/grad/rgb_map_s": channelsOf(gradients.maps, 5, 0, 3),
  });
});

Deno.test("recordStaticLosses() adds the anchor by its weight where one is given", async () => {
  const gpu = await testGpu();
  const lossWeights = createLossWeights(gpu);
  writeLossWeights(gpu, lossWeights, { depthAnchor: 0.25 });
  const shape = [scenes, rays, samples];
  const size = scenes * rays * samples;
  const x = {
    maps: { shape: [scenes, rays, 5], data: randomArray(1, scenes * rays * 5, 0, 1) },
    weights: { shape, data: randomArray(2, size, 0, 1 / samples) },
    colors: { shape: [scenes, rays, 3], data: randomArray(3, scenes * rays * 3, 0, 1) },
    z: { shape, data: randomArray(4, size, 0, 1), differentiable: false },
    depth: {
      shape: [scenes, rays],
      data: randomArray(5, scenes * rays, 0, 1),
      differentiable: false,
    },
  };
  const plain = await runOnce(x, (plan, x) => [
    recordStaticLosses(plan, x.maps, x.colors).summary,
    anchorLoss(plan, "anchor", x, 1 / (samples - 1)),
  ]);
  const seeds: number[] = [];
  const { outputs: [summary] } = await runOnce(x, (plan, x) => {
    const losses = recordStaticLosses(plan, x.maps, x.colors, { ...x, lossWeights });
    assertEquals(losses.names, ["total", "staticColor", "depthAnchor"]);
    seeds.push(losses.seeds.length);
    return [losses.summary];
  });
  const [[color], [anchor]] = plain.outputs;
  assertEquals([summary[1], summary[2], ...seeds], [color, anchor, 2]);
  assertAlmostEquals(summary[0], color + 0.25 * anchor, 1e-6);
  destroyTensor(gpu, lossWeights.all);
});

Deno.test("recordDynamicLosses() sums its terms by their weights", async () => {
  const golden = await loadCase("losses");
  const { run, destroy } = await recordGolden(golden);
  const changed = { fullColor: 0.5, order: 7, sparsity: 0, depthAnchor: 0.3 };
  const { losses } = await run([1, 2], golden.input("loss/blending").data, changed);
  destroy();
  const weights = { ...defaultLossWeights, ...changed };
  const total = lossTerms.reduce((sum, { name }) => sum + weights[name] * losses[name], 0);
  assertAlmostEquals(losses.total, total, 1e-5);
  assertEquals(Object.keys(losses), [...summaryNames]);
  const dynamicness = golden.input("loss/dynamicness_map").data;
  const mean = (keep: (i: number) => boolean) => {
    const kept = dynamicness.filter((_, i) => keep(i));
    return kept.reduce((sum, v) => sum + v, 0) / kept.length;
  };
  assertAlmostEquals(losses.dynamicnessMoving, mean((i) => i % rays >= 8), 1e-6);
  assertAlmostEquals(losses.dynamicnessStatic, mean((i) => i % rays < 8), 1e-6);
});

Deno.test("writeLossWeights() refuses unknown names and numbers that are none", async () => {
  const gpu = await testGpu();
  const weights = createLossWeights(gpu);
  const wrong = { colour: 1 } as Partial<Record<LossTermName, number>>;
  assertThrows(
    () => writeLossWeights(gpu, weights, wrong),
    TypeError,
    `Unknown loss term "colour"`,
  );
  const message = `"lossWeights.mask" is NaN, wanted a number`;
  assertThrows(() => writeLossWeights(gpu, weights, { mask: NaN }), TypeError, message);
  destroyTensor(gpu, weights.all);
});
