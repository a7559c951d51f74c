/**
 * The two stages of training as plans: rays, render, losses, gradients, Adam.
 *
 * @module
 */
import {
  type DynamicLossOptions,
  recordDynamicLosses,
  type RecordedLosses,
  recordStaticLosses,
} from "../losses/stages.ts";
import { defaultLossWeights } from "../recipes/loss_terms.ts";
import { createLossWeights, type LossWeightTensors, writeLossWeights } from "../losses/weights.ts";
import { globalCode, trunkCodes } from "../nets/dynamic_field.ts";
import type { MonoNerf } from "../nets/mono_nerf.ts";
import type { ParameterGroup, Parameters } from "../nets/parameters.ts";
import { randomFill } from "../ops/random_fill.ts";
import type { Recipe, Trajectory } from "../recipes/recipe.ts";
import { compositeSingle, compositeSingleWithWeights } from "../rendering/composite.ts";
import { countUnsolved } from "../trajectory/dopri5.ts";
import { type Slot, slots } from "../rendering/camera_records.ts";
import type { FrameWindow } from "../rendering/evaluate_fields.ts";
import { inducedFlow } from "../rendering/induced_flow.ts";
import { type RayPoints, rayPoints } from "../rendering/rays.ts";
import {
  type DynamicRender,
  type ImageWindow,
  renderDynamic,
  renderStatic,
} from "../rendering/render_rays.ts";
import type { SeenWindow } from "../rendering/seen_frames.ts";
import type { Gpu } from "../runtime/device.ts";
import { Plan } from "../runtime/plan.ts";
import type { Program } from "../runtime/program.ts";
import { streams } from "../runtime/random.ts";
import { destroyTensor, type Tensor } from "../runtime/tensor.ts";
import { Adam, type AdamOptions } from "./adam.ts";
import { createRayBatch, type RayBatch } from "./ray_batch.ts";
import { sampleRays } from "./ray_sampler.ts";
import type { SceneMemory } from "./scene_memory.ts";
import type { EncodedScenes } from "../nets/encoded_scenes.ts";
import type { Evaluation, LateWindow, LateWindows, StepInputs } from "./step_inputs.ts";
import { frozenImageFeatures, recordImageFeatures, recordVideoFeatures } from "./train_encoders.ts";

/** The stages in their order. */
export type StageName = "static" | "dynamic";

/** A stage, recorded and built. */
export interface Stage {
  readonly name: StageName;
  readonly program: Program;
  readonly adam: Adam;
  /** Windows whose maps are chosen before each step. */
  readonly windows: LateWindows;
  /** Names of the numbers that a step leaves, in the order of `loggedTensors`. */
  readonly logged: readonly string[];
  readonly loggedTensors: readonly Tensor[];
  /** The term whose square root is the color's error. */
  readonly colorTerm: string;
  /** Writes the loss weights of a step. */
  writeWeights(step: number): void;
  destroy(): void;
}

/**
 * Records and builds the static stage: `mlp_static` on what stands still, seen with the features of any frame; with
 * `trainEncoders` also `encoder2d`.
 *
 * @param encoded features of the frozen encoders, or none where they train
 */
export function buildStaticStage(
  model: MonoNerf,
  recipe: Recipe,
  scenes: readonly SceneMemory[],
  inputs: StepInputs,
  encoded?: EncodedScenes,
): Promise<Stage> {
  const { gpu } = model;
  const plan = new Plan(gpu, "static", { recompute: recipe.recompute });
  const batch = createRayBatch(gpu, scenes.length, recipe.rays / scenes.length);
  sampleRays(plan, scenes, batch, inputs.step, inputs.choices, batch.rays);
  const rays = sampledRays(plan, recipe, batch, inputs);
  const features = recordImageFeatures(plan, model, recipe, inputs.scenes, encoded);
  const window = inputs.imageWindow(plan, features);
  const raw = renderStatic(plan, model.static, rays, window, { ownFrame: false });
  const along = {
    raw,
    z: rays.z,
    directions: rays.directions,
    noise: densityNoise(plan, recipe, batch, inputs, "current"),
  };
  const lossWeights = createLossWeights(gpu);
  writeLossWeights(gpu, lossWeights, { depthAnchor: recipe.staticDepthAnchor });
  let losses: RecordedLosses;
  const anchored = recipe.staticDepthAnchor > 0;
  if (anchored) {
    const { maps, weights } = compositeSingleWithWeights(plan, "composite", along);
    const anchor = { weights, z: rays.z, depth: batch.absoluteDepth, lossWeights };
    losses = recordStaticLosses(plan, maps, batch.colors, anchor);
  } else {
    losses = recordStaticLosses(plan, compositeSingle(plan, "composite", along), batch.colors);
  }
  const groups = recipe.trainEncoders ? [model.static, model.image] : [model.static];
  const adam = optimize(plan, gpu, groups, [...losses.seeds, ...features.seeds], inputs.step);
  return finish(plan, {
    name: "static",
    adam,
    windows: lateImages(window),
    losses,
    colorTerm: anchored ? "staticColor" : "total",
    owned: [batch.all, lossWeights.all, ...features.owned],
    writeWeights: () => {},
  });
}

/** The image maps that are chosen before each step; none where points choose among all frames. */
function lateImages(image: LateWindow | SeenWindow): LateWindows {
  return "frames" in image ? {} : { image };
}

/** What the dynamic stage's objective is made of; the golden tests make it of their own tensors. */
export interface DynamicObjective extends DynamicLossOptions {
  readonly rays: RayPoints;
  readonly batch: Omit<RayBatch, "all" | "scenes" | "rays">;
  readonly windows: Readonly<Record<Evaluation, FrameWindow>>;
  readonly imageWindow: ImageWindow;
  readonly dynamic: Parameters;
  readonly static: Parameters;
  /** `(scenes, 1, 2048)` in blocks. */
  readonly pooled: Tensor;
  readonly times: Tensor;
  readonly noise?: Readonly<Record<Evaluation, Tensor>> | undefined;
  readonly weights: LossWeightTensors;
  readonly trajectory: Trajectory;
}

/** Records the render and every loss of the dynamic stage. */
export function recordDynamicObjective(
  plan: Plan,
  objective: DynamicObjective,
): { render: DynamicRender; losses: RecordedLosses } {
  const { rays, batch, windows, times, pooled } = objective;
  const { cameras } = windows.current;
  const code = globalCode(plan, objective.dynamic, pooled);
  const codes = trunkCodes(plan, objective.dynamic, code);
  const render = renderDynamic(plan, {
    context: { group: objective.dynamic, code, codes, times, trajectory: objective.trajectory },
    staticGroup: objective.static,
    rays,
    windows,
    imageWindow: objective.imageWindow,
    noise: objective.noise,
  });
  const flowTo = (label: string, points: Tensor, slot: Slot) =>
    inducedFlow(plan, label, {
      ...{ points, cameras, slot },
      weights: render.weightsDynamic,
      pixels: batch.pixels,
    });
  const inputs = {
    ...{ ...render, ...batch, cameras },
    inducedBackward: flowTo("induced.backward", render.pointsBefore, slots.before),
    inducedForward: flowTo("induced.forward", render.pointsAfter, slots.after),
  };
  const losses = recordDynamicLosses(plan, inputs, objective.weights, objective);
  return { render, losses };
}

/**
 * Records and builds the dynamic stage: `mlp_dynamic`, with the static field as it is; with `trainEncoders` also `encoder`.
 *
 * @param encoded features of the frozen encoders, or none where they train
 */
export async function buildDynamicStage(
  model: MonoNerf,
  recipe: Recipe,
  scenes: readonly SceneMemory[],
  inputs: StepInputs,
  encoded?: EncodedScenes,
): Promise<Stage> {
  const { gpu } = model;
  const images = await frozenImageFeatures(model, recipe, inputs.scenes, encoded);
  const plan = new Plan(gpu, "dynamic", { recompute: recipe.recompute });
  const batch = createRayBatch(gpu, scenes.length, recipe.rays / scenes.length);
  const staticRays = Math.floor(batch.rays / 2);
  sampleRays(plan, scenes, batch, inputs.step, inputs.choices, staticRays);
  const weights = createLossWeights(gpu);
  const features = recordVideoFeatures(plan, model, recipe, inputs.scenes, encoded);
  const windows = inputs.videoWindows(plan, features);
  const imageWindow = inputs.imageWindow(plan, images);
  const noiseOf = (name: Evaluation) => densityNoise(plan, recipe, batch, inputs, name);
  const [before, current, after] = [noiseOf("before"), noiseOf("current"), noiseOf("after")];
  const { losses, render } = recordDynamicObjective(plan, {
    rays: sampledRays(plan, recipe, batch, inputs),
    batch,
    windows,
    imageWindow,
    dynamic: model.dynamic,
    static: model.static.frozen,
    pooled: features.pooled,
    times: inputs.times,
    noise: before && current && after && { before, current, after },
    weights,
    trajectory: recipe.trajectory,
    staticRays,
    anchored: isAnchored(recipe),
    depthBlendingThickness: recipe.depthBlendingThickness,
    smoothnessFar: recipe.smoothnessFar,
  });
  const groups = recipe.trainEncoders ? [model.dynamic, model.video] : [model.dynamic];
  const seeds = [...losses.seeds, ...features.seeds];
  const { clipNorm: maxNorm, skipNorm } = recipe;
  const adam = optimize(plan, gpu, groups, seeds, inputs.step, { maxNorm, skipNorm });
  const unsolved = recordUnsolved(plan, render);
  const fixed = recipe.lossWeights;
  return finish(plan, {
    name: "dynamic",
    adam,
    windows: { ...windows, ...lateImages(imageWindow) },
    losses,
    unsolved,
    colorTerm: "fullColor",
    owned: [batch.all, weights.all, ...features.owned, ...images.owned],
    writeWeights: (step) =>
      writeLossWeights(gpu, weights, {
        ...fixed,
        depthBlending: (fixed.depthBlending ?? defaultLossWeights.depthBlending) *
          depthBlendingShare(recipe, step),
      }),
  });
}

/** Whether the depth anchor is on in a stage: it needs the scenes' absolute depth. */
export function isAnchored({ lossWeights, staticDepthAnchor }: Recipe): boolean {
  return staticDepthAnchor > 0 || (lossWeights.depthAnchor ?? defaultLossWeights.depthAnchor) > 0;
}

/** How much of its weight the depth blending loss has in a step: 0 before it starts, then rising to 1. */
export function depthBlendingShare(
  { depthBlendingStart: start, depthBlendingRamp: ramp }: Recipe,
  step: number,
): number {
  if (step < start) return 0;
  return ramp > 0 ? Math.min(1, (step - start) / ramp) : 1;
}

/** The rays through the batch's pixels, their samples drawn at random between the neighbours' midpoints. */
function sampledRays(plan: Plan, recipe: Recipe, batch: RayBatch, inputs: StepInputs): RayPoints {
  const shape = [batch.scenes, batch.rays, recipe.samples];
  const jitter = randomFill(plan, "rays.jitter", shape, inputs.step, {
    stream: streams.jitter,
    distribution: "uniform",
  });
  return rayPoints(plan, batch.pixels, inputs.cameras, { samples: recipe.samples, jitter });
}

const noiseStreams = {
  current: streams.density,
  before: streams.densityBefore,
  after: streams.densityAfter,
} as const;

function densityNoise(
  plan: Plan,
  recipe: Recipe,
  batch: RayBatch,
  inputs: StepInputs,
  name: Evaluation,
): Tensor | undefined {
  if (recipe.densityNoise === 0) return undefined;
  return randomFill(
    plan,
    `rays.noise_${name}`,
    [batch.scenes, batch.rays, recipe.samples],
    inputs.step,
    { stream: noiseStreams[name], distribution: "normal", scale: recipe.densityNoise },
  );
}

function optimize(
  plan: Plan,
  gpu: Gpu,
  groups: readonly ParameterGroup[],
  seeds: RecordedLosses["seeds"],
  step: Tensor,
  options?: AdamOptions,
): Adam {
  for (const group of groups) group.recordGradients(plan);
  plan.differentiate(seeds);
  const adam = new Adam(gpu, groups, options);
  adam.record(plan, step);
  return adam;
}

/** How many trajectories of a step were not solved in the attempts allowed; none where they are not adaptive. */
function recordUnsolved(plan: Plan, { controls }: DynamicRender): Tensor | undefined {
  if (controls.length === 0) return undefined;
  const count = plan.keep(plan.activation("trajectory.unsolved", [1]));
  plan.fill(count, 0);
  countUnsolved(plan, controls, count);
  return count;
}

async function finish(
  plan: Plan,
  { losses, unsolved, adam, owned, ...rest }:
    & Pick<Stage, "name" | "adam" | "windows" | "colorTerm" | "writeWeights">
    & { losses: RecordedLosses; unsolved?: Tensor | undefined; owned: readonly Tensor[] },
): Promise<Stage> {
  const program = await plan.build();
  return {
    ...rest,
    adam,
    program,
    logged: [...losses.names, "gradientNorm", ...unsolved ? ["unsolved"] : []],
    loggedTensors: [losses.summary, adam.norm, ...unsolved ? [unsolved] : []],
    destroy: () => {
      program.destroy();
      adam.destroy();
      for (const tensor of owned) destroyTensor(plan.gpu, tensor);
    },
  };
}
