/**
 * Volume rendering: fields along rays become colors, depths and accumulations, with gradients.
 *
 * @module
 */
import bothText from "../../wgsl/rendering/composite.wgsl" with { type: "text" };
import singleText from "../../wgsl/rendering/composite_single.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";
import type { ForGoldens } from "./for_goldens.ts";
import type { RayPoints } from "./rays.ts";

const both = defineKernel("wgsl/rendering/composite.wgsl", bothText);
const single = defineKernel("wgsl/rendering/composite_single.wgsl", singleText);

/** First channel of each part of `maps` `(scenes, rays, 16)`; colors have three. Its twin is `wgsl/common/ray_maps.wgsl`. */
export const rayMaps = {
  colorFull: 0,
  depthFull: 3,
  accFull: 4,
  colorStatic: 5,
  depthStatic: 8,
  accStatic: 9,
  colorDynamic: 10,
  depthDynamic: 13,
  accDynamic: 14,
  dynamicness: 15,
} as const;

/** Channels of {@link rayMaps}. */
export const rayMapChannels = 16;

/** First channel of each part of the `maps` `(scenes, rays, 5)` of a field composited alone. */
export const singleMaps = { color: 0, depth: 3, acc: 4 } as const;

/** Channels of {@link singleMaps}. */
export const singleMapChannels = 5;

/** Where the samples of rays lie. */
export interface RaySamples extends Pick<RayPoints, "z" | "directions"> {
  /** ε, added to every density: `(scenes, rays, samples)` in rows; none when rendering. */
  readonly noise?: Tensor | undefined;
}

/** Both fields at the samples of rays. */
export interface CompositeInputs extends RaySamples {
  /** Static color before the sigmoid and density before ReLU: `(scenes, points, 4)` in blocks. */
  readonly rawStatic: Tensor;
  /** The same of the dynamic field. */
  readonly rawDynamic: Tensor;
  /** b, the dynamic field's share: `(scenes, points, 1)` in blocks. */
  readonly blending: Tensor;
  readonly forGoldens?: Pick<ForGoldens, "allWeights"> | undefined;
}

/** What rays see. */
export interface Composite {
  /** Packed as {@link rayMaps} or {@link singleMaps} says: `(scenes, rays, channels)` in rows. */
  readonly maps: Tensor;
  /** w: `(scenes, rays, samples)` in rows. */
  readonly weights: Tensor;
}

/**
 * Records the static field alone, the dynamic field alone, and both together:
 * `T = Π((1 − α_d b)(1 − α_s(1 − b)) + 1e-10)`, `w = (α_d b + α_s(1 − b)) T`, color `Σ T α_d b c_d + T α_s(1 − b) c_s`.
 *
 * Not differentiable by z, directions and noise.
 *
 * @returns maps `(scenes, rays, 16)`, and the dynamic field's own weights `(scenes, rays, samples)`
 */
export function compositeBoth(plan: Plan, label: string, inputs: CompositeInputs): Composite {
  const { rawStatic, rawDynamic, blending, z, directions, noise, forGoldens } = inputs;
  const op = new Operation(plan, "compositeBoth", label, both);
  const shape = checkRays(op, inputs);
  const [scenes, rays, count] = shape;
  const points = rays * count;
  op.expect({ rawStatic }, "blocks", [scenes, points, 4]);
  op.expect({ rawDynamic }, "blocks", [scenes, points, 4]);
  op.expect({ blending }, "blocks", [scenes, points, 1]);
  const sources = [rawStatic, rawDynamic, blending];
  const sets = forGoldens?.allWeights ? 3 : 1;
  const maps = op.output([scenes, rays, rayMapChannels], "rows", sources, "maps");
  const weights = op.output(sets > 1 ? [sets, ...shape] : shape, "rows", sources, "weights");
  const samples = op.scratch("samples", [2, scenes, points, 4]);
  const dims = { scenes, rays, samples: count, weight_sets: sets };
  const raw = { raw_static: rawStatic, raw_dynamic: rawDynamic, samples, dims };
  const eachPoint = linearWorkgroups(scenes * blocksOf(points) * blockPoints);
  const eachRay = linearWorkgroups(scenes * rays);
  op.run("prepare", { ...raw, blending, z, directions, noise }, eachPoint);
  op.run("forward", { ...raw, maps, weights }, eachRay);
  op.backward([maps, weights], ([dMaps, dWeights]) => {
    const gradients = {
      d_raw_static: op.target(rawStatic),
      d_raw_dynamic: op.target(rawDynamic),
      d_blending: op.target(blending),
    };
    op.run("backward", { ...raw, d_maps: dMaps, d_weights: dWeights, ...gradients }, eachRay);
  });
  return { maps, weights };
}

/** One field at the samples of rays. */
export interface SingleInputs extends RaySamples {
  /** Color before the sigmoid and density before ReLU: `(scenes, points, 4)` in blocks. */
  readonly raw: Tensor;
}

/**
 * Records one field alone: `T = Π(1 − α + 1e-10)`, `w = α T`, color `Σ w c`, depth `Σ w z`, accumulation `Σ w`.
 *
 * Not differentiable by z, directions and noise.
 *
 * @returns maps `(scenes, rays, 5)`
 */
export function compositeSingle(plan: Plan, label: string, inputs: SingleInputs): Tensor {
  const [maps] = recordSingle(plan, label, inputs, false);
  return maps;
}

/** Records {@link compositeSingle} and returns its weights too, which have a gradient likewise. */
export function compositeSingleWithWeights(
  plan: Plan,
  label: string,
  inputs: SingleInputs,
): Composite {
  const [maps, weights] = recordSingle(plan, label, inputs, true);
  return { maps, weights };
}

/** Records maps, and weights where they are wanted. */
function recordSingle(
  plan: Plan,
  label: string,
  inputs: SingleInputs,
  withWeights: boolean,
): Tensor[] {
  const { raw, z, directions, noise } = inputs;
  const op = new Operation(plan, "compositeSingle", label, single);
  const shape = checkRays(op, inputs);
  const [scenes, rays, count] = shape;
  const points = rays * count;
  op.expect({ raw }, "blocks", [scenes, points, 4]);
  const maps = op.output([scenes, rays, singleMapChannels], "rows", [raw], "maps");
  const weights = withWeights ? op.output(shape, "rows", [raw], "weights") : undefined;
  const outputs = weights ? [maps, weights] : [maps];
  const samples = op.scratch("samples", [scenes, points, 4]);
  const given = { raw, samples, dims: { scenes, rays, samples: count } };
  const workgroups = linearWorkgroups(scenes * rays);
  op.run("forward", { ...given, z, directions, noise, maps, weights }, workgroups);
  op.backward(outputs, ([dMaps, dWeights]) => {
    const gradients = { d_maps: dMaps, d_weights: dWeights, d_raw: op.target(raw) };
    op.run("backward", { ...given, ...gradients }, workgroups);
  });
  return outputs;
}

/** Checks the tensors of rays; returns (scenes, rays, samples). */
function checkRays(op: Operation, { z, directions, noise }: RaySamples): readonly number[] {
  const shape = op.expect({ z }, "rows", ["scenes", "rays", "samples"]);
  op.expect({ directions }, "rows", [shape[0], shape[1], 3]);
  if (noise) op.expect({ noise }, "rows", shape);
  return shape;
}
