/**
 * Rendering of training rays: both fields at the rays' own time, and the dynamic field again where the points were and will be
 * one frame away.
 *
 * @module
 */
import { concatenate } from "../ops/concatenate.ts";
import { subtract } from "../ops/subtract.ts";
import type { Parameters } from "../nets/parameters.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { compositeBoth, compositeSingle } from "./composite.ts";
import {
  type DynamicContext,
  type DynamicEvaluation,
  evaluateDynamic,
  evaluateStatic,
  type FrameWindow,
  sampledFeatures,
  sampledImageFeatures,
} from "./evaluate.ts";
import { cameraRays, samplePoints } from "./rays.ts";

/** Rays and their samples. */
export interface RayPoints {
  /** `(scenes, rays, 3)` rows, NDC, not normalised. */
  readonly directions: Tensor;
  /** `(scenes, rays, 3)` in blocks, world, of length 1. */
  readonly viewDirections: Tensor;
  /** `(scenes, rays, samples)` rows, NDC. */
  readonly z: Tensor;
  /** `(scenes, rays · samples, 3)` in blocks, NDC. */
  readonly points: Tensor;
  /** One point of each ray, `(scenes, rays, 3)` in blocks, NDC. */
  readonly rayPoints: Tensor;
}

/** Which points of which rays are sampled. */
export interface RayOptions {
  readonly samples: number;
  /** NDC depths of the first and last sample. Default 0 and 1. */
  readonly near?: number;
  readonly far?: number;
  /** Uniform numbers `(scenes, rays, samples)` rows: each sample moves between its neighbours' midpoints. */
  readonly jitter?: Tensor;
  /** Cameras whose focal length spans the scene's NDC, where a view has another (a zoom): `(scenes, 3, 16)` rows. */
  readonly ndcCameras?: Tensor;
}

/** Records the rays through pixels `(scenes, rays, 2)` of the current slot's cameras, and their samples. */
export function rayPoints(
  plan: Plan,
  pixels: Tensor,
  cameras: Tensor,
  { samples, near = 0, far = 1, jitter, ndcCameras }: RayOptions,
): RayPoints {
  return plan.scoped("rays", () => {
    const { origins, directions, viewDirections } = cameraRays(plan, "camera", pixels, cameras, {
      ndcCameras,
    });
    const sampled = samplePoints(plan, "points", origins, directions, {
      samples,
      near,
      far,
      jitter,
    });
    // any point of the ray has the ray's pixel
    const middle = samplePoints(plan, "middle", origins, directions, {
      samples: 1,
      near: 0.5,
      far: 0.5,
    });
    return { directions, viewDirections, ...sampled, rayPoints: middle.points };
  });
}

/** Records the static field along rays, `(scenes, points, 4)` in blocks: color before the sigmoid, density. */
export function renderStatic(
  plan: Plan,
  group: Parameters,
  { points, viewDirections, rayPoints }: RayPoints,
  window: FrameWindow,
  options: { ownFrame: boolean },
): Tensor {
  const features = sampledImageFeatures(
    plan,
    window,
    points,
    options.ownFrame ? rayPoints : undefined,
  );
  const { color, density } = evaluateStatic(plan, group, points, viewDirections, features);
  return concatenate(plan, "static.raw", color, density);
}

/** What the dynamic stage renders from. */
export interface DynamicRenderInputs {
  readonly context: DynamicContext;
  readonly staticGroup: Parameters;
  readonly rays: RayPoints;
  /** Video maps around the frame before, the frame, and the frame after. */
  readonly windows: Readonly<Record<"before" | "current" | "after", FrameWindow>>;
  /** Image maps of the frame, in the current slot. */
  readonly imageWindow: FrameWindow;
  /** Density noise `(scenes, rays, samples)` of the three evaluations. */
  readonly noise?: Readonly<Record<"before" | "current" | "after", Tensor>>;
  /** Also the weights of the static field and of both together. */
  readonly allWeights?: boolean;
  /**
   * Takes the features of a point's own frame once a ray (spec section 9, saving 6). Default true. Exact but for samples beyond
   * NDC depth 0.999, where the clamp of `ndc → world` moves the point off its ray's pixel.
   */
  readonly shareRayFeatures?: boolean;
}

/** A training render. Points and flows are `(scenes, points, 3)` in blocks, NDC. */
export interface DynamicRender {
  /** Both fields composited: maps `(scenes, rays, 16)`. */
  readonly both: ReturnType<typeof compositeBoth>;
  readonly current: DynamicEvaluation;
  /** The dynamic field at p⁻, one frame before: p⁻⁻ is its `before`. */
  readonly before: DynamicEvaluation;
  /** The dynamic field at p⁺, one frame after. */
  readonly after: DynamicEvaluation;
  /** Its compositions along the same rays: maps `(scenes, rays, 5)`. */
  readonly mapsBefore: Tensor;
  readonly mapsAfter: Tensor;
  readonly flows: {
    /** f_b = p⁻ − p. */
    readonly backward: Tensor;
    /** f_f = p⁺ − p. */
    readonly forward: Tensor;
    /** f_bf: the flow forward from p⁻. */
    readonly beforeForward: Tensor;
    /** f_fb: the flow backward from p⁺. */
    readonly afterBackward: Tensor;
  };
}

/** Records a training render (spec section 5): the static field once, the dynamic field three times. */
export function renderDynamic(plan: Plan, inputs: DynamicRenderInputs): DynamicRender {
  const { context, staticGroup, rays, windows, imageWindow, noise } = inputs;
  const { shareRayFeatures = true } = inputs;
  const { points, z, directions } = rays;
  const rawStatic = renderStatic(plan, staticGroup, rays, imageWindow, {
    ownFrame: shareRayFeatures,
  });
  const current = evaluateDynamic(
    plan,
    "current",
    context,
    points,
    0,
    sampledFeatures(windows.current, shareRayFeatures ? rays.rayPoints : undefined),
  );
  const warped = (name: "before" | "after", offset: -1 | 1) =>
    evaluateDynamic(plan, name, context, current[name], offset, sampledFeatures(windows[name]));
  const before = warped("before", -1);
  const after = warped("after", 1);
  const single = (name: "before" | "after", raw: Tensor) =>
    compositeSingle(plan, `composite.${name}`, { raw, z, directions, noise: noise?.[name] });
  return {
    both: compositeBoth(plan, "composite", {
      rawStatic,
      rawDynamic: current.raw,
      blending: current.blending,
      z,
      directions,
      noise: noise?.current,
      allWeights: inputs.allWeights,
    }),
    current,
    before,
    after,
    mapsBefore: single("before", before.raw),
    mapsAfter: single("after", after.raw),
    flows: {
      backward: subtract(plan, "flow.backward", current.before, points),
      forward: subtract(plan, "flow.forward", current.after, points),
      beforeForward: subtract(plan, "flow.before_forward", before.after, current.before),
      afterBackward: subtract(plan, "flow.after_backward", after.before, current.after),
    },
  };
}
