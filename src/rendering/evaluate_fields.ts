/**
 * The two fields evaluated at points: encoding, trunk, trajectory, features, heads.
 *
 * @module
 */
import {
  dynamicField,
  type DynamicFieldOutput,
  trunk,
  trunkCodes,
  velocityHead,
} from "../nets/dynamic_field.ts";
import { range } from "../nets/block.ts";
import { type FeatureSource, pointFeatures, rayFeatures } from "../nets/features.ts";
import type { Parameters } from "../nets/parameters.ts";
import { staticField, type StaticFieldOutput } from "../nets/static_field.ts";
import type { Trajectory } from "../recipes/recipe.ts";
import { type EncodedTime, positionalEncoding } from "../ops/positional_encoding.ts";
import { sampleFeatures, type SampleTerm } from "../ops/sample_features.ts";
import type { Gpu } from "../runtime/device.ts";
import type { Plan } from "../runtime/plan.ts";
import { sizeOf, type Tensor } from "../runtime/tensor.ts";
import type { OdeTime } from "../trajectory/ode.ts";
import {
  discreteTrajectory,
  type OdeField,
  odeTrajectory,
  timesAt,
} from "../trajectory/trajectory.ts";
import { slots } from "./camera_records.ts";

/** Octaves of γ for places and times. */
export const pointFrequencies = 10;
/** Octaves of γ for view directions. */
export const viewFrequencies = 4;

/** The feature maps of the frames around the one that is rendered. */
export interface FrameWindow {
  /** By scene, then slot: `(height, width, channels)` rows. */
  readonly maps: readonly (readonly Tensor[])[];
  /** `(scenes, 3, 16)` rows, see `wgsl/common/camera.wgsl`. */
  readonly cameras: Tensor;
}

/** What does not change between the evaluations of a step. */
export interface DynamicContext {
  readonly group: Parameters;
  /** The scenes' global codes `(scenes, 1, channels)` in blocks, and their shares of the trunk, from `trunkCodes`. */
  readonly code: Tensor;
  readonly codes: readonly Tensor[];
  /** `(scenes, 2)` rows: normalized time of the frame that is rendered, and of one frame. */
  readonly times: Tensor;
  /** How a neighbouring frame is reached. */
  readonly trajectory: Trajectory;
}

/** Makes the field's two feature sources once the trajectory is known. */
export type DynamicFeatures = (
  plan: Plan,
  points: Tensor,
  before: Tensor,
  after: Tensor,
) => { current: FeatureSource; temporal: FeatureSource };

/** An evaluation of the dynamic field. */
export interface DynamicEvaluation extends DynamicFieldOutput {
  /** p⁻, the points one frame before, `(scenes, points, 3)` in blocks, NDC. */
  readonly before: Tensor;
  /** p⁺, one frame after. */
  readonly after: Tensor;
  /** What became of trajectories that choose their steps, see `controls` of `dopri5.ts`. */
  readonly controls: readonly Tensor[];
}

/** The trunk at points, and where the points are in neighbouring frames. */
export interface FrameTrajectories {
  /** h(p, t), `(scenes, points, hidden)` in blocks. */
  readonly h: Tensor;
  /** For each direction `(scenes, points, 3)` in blocks, NDC. */
  readonly moved: readonly Tensor[];
  /** What became of trajectories that choose their steps, see `controls` of `dopri5.ts`. */
  readonly controls: readonly Tensor[];
}

/**
 * Records where points are one frame before (−1) or after (1): with two Euler steps to both sides three trunks, not five.
 *
 * @param points `(scenes, points, 3)` in blocks, NDC
 */
export function frameTrajectories(
  plan: Plan,
  { group, code, codes, times, trajectory }: DynamicContext,
  points: Tensor,
  offsetFrames: number,
  directions: readonly (-1 | 1)[],
): FrameTrajectories {
  const trunkAt = (
    at: Tensor,
    time: EncodedTime,
    parameters: Parameters = group,
    shares: readonly Tensor[] = codes,
  ) => {
    const encoding = positionalEncoding(plan, "encoding", at, {
      frequencies: pointFrequencies,
      normalize: true,
      time,
    });
    return trunk(plan, parameters, plan.recompute(encoding), shares);
  };
  const h = trunkAt(points, { times, offsetFrames });
  const first = velocityHead(plan, group, h);
  const controls: Tensor[] = [];
  const moved = directions.map((direction) => {
    if (trajectory.kind === "discrete") {
      const { steps } = trajectory;
      const velocity = (at: Tensor, offset: number) =>
        velocityHead(plan, group, trunkAt(at, { times, offsetFrames: offset }));
      const options = { offsetFrames, direction, steps };
      return discreteTrajectory(plan, points, first, velocity, options);
    }
    const timeAt = (time: OdeTime): EncodedTime => ({
      times: timesAt(plan, times, time, { offsetFrames, direction }),
      offsetFrames: 0,
    });
    const field: OdeField = {
      ...{ times, code, group, first },
      velocity: (at, time) => velocityHead(plan, group, trunkAt(at, timeAt(time))),
      velocityOf: (parameters, code) => (at, time) => {
        const shares = trunkCodes(plan, parameters, code);
        const h = trunkAt(at, timeAt(time), parameters, shares);
        return velocityHead(plan, parameters, h);
      },
    };
    const solved = odeTrajectory(plan, points, field, direction, trajectory, (control) => {
      controls.push(control);
    });
    if (solved.control) controls.push(solved.control);
    return solved.points;
  });
  return { h, moved, controls };
}

/**
 * Records the dynamic field at points, `offsetFrames` after the frame that is rendered.
 *
 * @param points `(scenes, points, 3)` in blocks, NDC
 */
export function evaluateDynamic(
  plan: Plan,
  label: string,
  context: DynamicContext,
  points: Tensor,
  offsetFrames: number,
  features: DynamicFeatures,
): DynamicEvaluation {
  return plan.scoped(label, () => {
    const found = frameTrajectories(plan, context, points, offsetFrames, [-1, 1]);
    const { h, moved: [before, after], controls } = found;
    const { current, temporal } = features(plan, points, before, after);
    const field = dynamicField(plan, context.group, h, current, temporal);
    return { ...field, before, after, controls };
  });
}

/**
 * Features sampled from maps that are not projected yet, as training needs them: those of the points' own frame, and the mean
 * of those one frame before at p⁻ and one after at p⁺.
 *
 * The places where features are read are constants of the backward pass, as in the authors' training.
 *
 * @param rayPoints where given, one point of each ray `(scenes, rays, 3)` in blocks: the points lie on rays of the current
 *   frame's own camera, so its feature is the same for the whole ray
 */
export function sampledFeatures(window: FrameWindow, rayPoints?: Tensor): DynamicFeatures {
  return (plan, points, before, after) => {
    const sample = (label: string, terms: readonly SampleTerm[]) =>
      sampleInParts(plan, label, window, terms).map((part) => plan.recompute(part));
    const at = plan.detach(rayPoints ?? points);
    const current = sample("features.current", [{ points: at, slot: slots.current, weight: 1 }]);
    const temporal = sample("features.temporal", [
      {
        points: plan.detach(before),
        slot: slots.before,
        fallback: plan.detach(points),
        weight: 0.5,
      },
      { points: plan.detach(after), slot: slots.after, fallback: plan.detach(points), weight: 0.5 },
    ]);
    return {
      current: (rayPoints ? rayFeatures : pointFeatures)(...current),
      temporal: pointFeatures(...temporal),
    };
  };
}

/** Samples all channels of a window's maps, in as many parts as it takes for each to fit into one binding. */
function sampleInParts(
  plan: Plan,
  label: string,
  window: FrameWindow,
  terms: readonly SampleTerm[],
): Tensor[] {
  const { points, slot } = terms[0];
  return channelParts(plan.gpu, points, window.maps[0][slot].shape[2]).map((channels) =>
    sampleFeatures(plan, label, { ...window, terms, channels })
  );
}

/** `[first, count]` of the channels of features at points, in as many parts as it takes for each to fit into one binding. */
export function channelParts(
  gpu: Gpu,
  { shape: [scenes, points] }: Tensor,
  channels: number,
): [first: number, count: number][] {
  const { maxStorageBufferBindingSize } = gpu.device.limits;
  const most = Math.floor(maxStorageBufferBindingSize / 4 / sizeOf([scenes, points, 1], "blocks"));
  const parts = Math.ceil(channels / most);
  const each = Math.ceil(channels / parts / 4) * 4;
  return range(parts).map((i) => [i * each, Math.min(each, channels - i * each)]);
}

/**
 * Records the static field at points.
 *
 * @param points `(scenes, points, 3)` in blocks, NDC
 * @param viewDirections unit vectors `(scenes, rays, 3)` in blocks
 */
export function evaluateStatic(
  plan: Plan,
  group: Parameters,
  points: Tensor,
  viewDirections: Tensor,
  features: FeatureSource,
): StaticFieldOutput {
  const encoding = positionalEncoding(plan, "static.encoding", points, {
    frequencies: pointFrequencies,
  });
  const viewEncoding = positionalEncoding(plan, "static.view_encoding", viewDirections, {
    frequencies: viewFrequencies,
  });
  return staticField(plan, group, encoding, viewEncoding, features);
}

/** Image features of the current slot's frame, sampled at points (or once a ray, as in {@link sampledFeatures}). */
export function sampledImageFeatures(
  plan: Plan,
  window: FrameWindow,
  points: Tensor,
  rayPoints?: Tensor,
): FeatureSource {
  const features = sampleInParts(plan, "static.features", window, [
    { points: rayPoints ?? points, slot: slots.current, weight: 1 },
  ]);
  return (rayPoints ? rayFeatures : pointFeatures)(...features);
}
