/**
 * Volume rendering: fields along rays become colors, depths and accumulations, with gradients.
 *
 * @module
 */
import bothText from "../../wgsl/rendering/composite.wgsl" with { type: "text" };
import singleText from "../../wgsl/rendering/composite_single.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const both = defineKernel(
  "wgsl/rendering/composite.wgsl",
  bothText,
);
const single = defineKernel(
  "wgsl/rendering/composite_single.wgsl",
  singleText,
);

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
export interface RaySamples {
  /** Depths in NDC, rising: `(scenes, rays, samples)` in rows. */
  readonly z: Tensor;
  /** NDC ray directions, not normalised: `(scenes, rays, 3)` in rows. */
  readonly directions: Tensor;
  /** ε, added to every density: `(scenes, rays, samples)` in rows; none when rendering. */
  readonly noise?: Tensor;
}

/** Both fields at the samples of rays. */
export interface CompositeInputs extends RaySamples {
  /** Static color before the sigmoid and density before ReLU: `(scenes, points, 4)` in blocks. */
  readonly rawStatic: Tensor;
  /** The same of the dynamic field. */
  readonly rawDynamic: Tensor;
  /** b, the dynamic field's share: `(scenes, points, 1)` in blocks. */
  readonly blending: Tensor;
  /** Also give the weights of the static field and of both together. */
  readonly allWeights?: boolean;
}

/** What rays see. */
export interface Composite {
  /** Packed as {@link rayMaps} or {@link singleMaps} says: `(scenes, rays, channels)` in rows. */
  readonly maps: Tensor;
  /** w: `(scenes, rays, samples)` in rows. */
  readonly weights: Tensor;
}

/**
 * Records the static field alone, the dynamic field alone, and both together (spec section 5):
 * `T = Π((1 − α_d b)(1 − α_s(1 − b)) + 1e-10)`, `w = (α_d b + α_s(1 − b)) T`, color `Σ T α_d b c_d + T α_s(1 − b) c_s`.
 *
 * Not differentiable by z, directions and noise.
 *
 * @returns maps `(scenes, rays, 16)`, and the dynamic field's own weights `(scenes, rays, samples)`, or with `allWeights`
 * `(3, scenes, rays, samples)`: dynamic, static, both together.
 */
export function compositeBoth(plan: Plan, label: string, inputs: CompositeInputs): Composite {
  const { rawStatic, rawDynamic, blending, z, directions, noise = z } = inputs;
  const [scenes, rays, count] = checkRays("compositeBoth", plan.path(label), inputs);
  const points = rays * count;
  for (
    const [raw, channels] of [[{ rawStatic }, 4], [{ rawDynamic }, 4], [{ blending }, 1]] as const
  ) {
    expectShape("compositeBoth", plan.path(label), raw, "blocks", [scenes, points, channels]);
  }
  const sources = [rawStatic, rawDynamic, blending];
  const sets = inputs.allWeights ? 3 : 1;
  const maps = plan.activation(`${label}.maps`, [scenes, rays, rayMapChannels], "rows", sources);
  const shape = [scenes, rays, count];
  const weights = plan.activation(
    `${label}.weights`,
    sets > 1 ? [sets, ...shape] : shape,
    "rows",
    sources,
  );
  const samples = plan.activation(`${label}.samples`, [2, scenes, points, 4]);
  const dims = {
    scenes,
    rays,
    samples: count,
    weight_sets: sets,
    noisy: inputs.noise !== undefined,
    accumulate_static: 0,
    accumulate_dynamic: 0,
    accumulate_blending: 0,
  };
  plan.dispatch({
    label: `${label}.prepare`,
    kernel: both,
    entry: "prepare",
    bindings: {
      raw_static: rawStatic,
      raw_dynamic: rawDynamic,
      blending,
      z,
      directions,
      noise,
      samples,
      dims,
    },
    workgroups: linearWorkgroups(scenes * blocksOf(points) * blockPoints),
  });
  plan.dispatch({
    label: `${label}.forward`,
    kernel: both,
    entry: "forward",
    bindings: { raw_static: rawStatic, raw_dynamic: rawDynamic, samples, maps, weights, dims },
    workgroups: linearWorkgroups(scenes * rays),
  });
  plan.backward([maps, weights], ([dMaps, dWeights]) => {
    const [toStatic, toDynamic, toBlending] = sources.map((source) => plan.gradientSink(source));
    const target = (sink: typeof toStatic, name: string) =>
      sink?.gradient ?? plan.activation(`${label}.no_${name}`, [1]);
    plan.dispatch({
      label: `${label}.backward`,
      kernel: both,
      entry: "backward",
      constants: {
        to_static: toStatic ? 1 : 0,
        to_dynamic: toDynamic ? 1 : 0,
        to_blending: toBlending ? 1 : 0,
      },
      bindings: {
        raw_static: rawStatic,
        raw_dynamic: rawDynamic,
        samples,
        d_maps: dMaps,
        d_weights: dWeights,
        d_raw_static: target(toStatic, "raw_static"),
        d_raw_dynamic: target(toDynamic, "raw_dynamic"),
        d_blending: target(toBlending, "blending"),
        dims: {
          ...dims,
          accumulate_static: toStatic?.accumulate ?? 0,
          accumulate_dynamic: toDynamic?.accumulate ?? 0,
          accumulate_blending: toBlending?.accumulate ?? 0,
        },
      },
      workgroups: linearWorkgroups(scenes * rays),
    });
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
  return recordSingle(plan, label, inputs, false).maps;
}

/** Records {@link compositeSingle} and returns its weights too, which have a gradient likewise. */
export function compositeSingleWithWeights(
  plan: Plan,
  label: string,
  inputs: SingleInputs,
): Composite {
  return recordSingle(plan, label, inputs, true);
}

function recordSingle(
  plan: Plan,
  label: string,
  inputs: SingleInputs,
  withWeights: boolean,
): Composite {
  const { raw, z, directions, noise = z } = inputs;
  const [scenes, rays, count] = checkRays("compositeSingle", plan.path(label), inputs);
  const points = rays * count;
  expectShape("compositeSingle", plan.path(label), { raw }, "blocks", [scenes, points, 4]);
  const maps = plan.activation(`${label}.maps`, [scenes, rays, singleMapChannels], "rows", [raw]);
  const weights = plan.activation(`${label}.weights`, withWeights ? z.shape : [1], "rows", [raw]);
  const samples = plan.activation(`${label}.samples`, [scenes, points, 4]);
  const constants = { with_weights: withWeights ? 1 : 0 };
  const dims = { scenes, rays, samples: count, noisy: inputs.noise !== undefined, accumulate: 0 };
  plan.dispatch({
    label: `${label}.forward`,
    kernel: single,
    entry: "forward",
    constants,
    bindings: { raw, z, directions, noise, samples, maps, weights, dims },
    workgroups: linearWorkgroups(scenes * rays),
  });
  plan.backward(withWeights ? [maps, weights] : [maps], ([dMaps, dWeights = dMaps]) => {
    const sink = plan.gradientSink(raw);
    if (!sink) return;
    plan.dispatch({
      label: `${label}.backward`,
      kernel: single,
      entry: "backward",
      constants,
      bindings: {
        raw,
        samples,
        d_maps: dMaps,
        d_weights: dWeights,
        d_raw: sink.gradient,
        dims: { ...dims, accumulate: sink.accumulate },
      },
      workgroups: linearWorkgroups(scenes * rays),
    });
  });
  return { maps, weights };
}

/** Checks the tensors of rays; returns (scenes, rays, samples). */
function checkRays(
  operation: string,
  path: string,
  { z, directions, noise }: RaySamples,
): readonly number[] {
  const shape = expectShape(operation, path, { z }, "rows", ["scenes", "rays", "samples"]);
  expectShape(operation, path, { directions }, "rows", [shape[0], shape[1], 3]);
  if (noise) expectShape(operation, path, { noise }, "rows", shape);
  return shape;
}
