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
  evaluateDynamic,
  evaluateStatic,
  type FrameWindow,
  sampledFeatures,
  sampledImageFeatures,
} from "./evaluate_fields.ts";
import type { ForGoldens } from "./for_goldens.ts";
import type { RayPoints } from "./rays.ts";
import { seenFeatures, type SeenWindow } from "./seen_frames.ts";

/** Where the static field's features come from: one frame's maps, or those frames that saw a point. */
export type ImageWindow = FrameWindow | SeenWindow;

/** Records the static field along rays, `(scenes, points, 4)` in blocks: color before the sigmoid, density. */
export function renderStatic(
  plan: Plan,
  group: Parameters,
  { points, viewDirections, rayPoints }: RayPoints,
  window: ImageWindow,
  options: { ownFrame: boolean },
): Tensor {
  const features = "frames" in window
    ? seenFeatures(plan, points, window)
    : sampledImageFeatures(plan, window, points, options.ownFrame ? rayPoints : undefined);
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
  /** Image maps of the frame, in the current slot, or all frames with the frame's camera. */
  readonly imageWindow: ImageWindow;
  /** Density noise `(scenes, rays, samples)` of the three evaluations. */
  readonly noise?: Readonly<Record<"before" | "current" | "after", Tensor>> | undefined;
  readonly forGoldens?: ForGoldens;
}

/** A training render. Points and flows are `(scenes, points, 3)` in blocks, NDC. */
export interface DynamicRender extends Pick<RayPoints, "z" | "points"> {
  /** Both fields composited: `(scenes, rays, 16)`. */
  readonly maps: Tensor;
  /** w of the dynamic field alone: `(scenes, rays, samples)`. */
  readonly weightsDynamic: Tensor;
  /** The dynamic field at p⁻, one frame before, composited along the same rays: `(scenes, rays, 5)`. */
  readonly mapsBefore: Tensor;
  /** The same at p⁺, one frame after. */
  readonly mapsAfter: Tensor;
  /** b, `(scenes, points, 1)` in blocks. */
  readonly blending: Tensor;
  /** b⁻, at p⁻. */
  readonly blendingBefore: Tensor;
  /** b⁺, at p⁺. */
  readonly blendingAfter: Tensor;
  /** p⁻⁻, two frames before. */
  readonly pointsBefore2: Tensor;
  /** p⁻, one frame before. */
  readonly pointsBefore: Tensor;
  /** p⁺, one frame after. */
  readonly pointsAfter: Tensor;
  /** p⁺⁺, two frames after. */
  readonly pointsAfter2: Tensor;
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
  /** What became of trajectories that choose their steps, see `controls` of `dopri5.ts`. */
  readonly controls: readonly Tensor[];
}

/**
 * Records a training render: the static field once, and the dynamic field three times, at (p, t), (p⁻, t − 1) and (p⁺, t + 1).
 *
 * A ray of the frame's own camera sees one pixel of that frame's feature maps, so the features of a point's own frame are taken
 * once a ray. This is exact but for samples beyond NDC depth 0.999, where the clamp of `ndc → world` moves the point off its
 * ray's pixel.
 */
export function renderDynamic(plan: Plan, inputs: DynamicRenderInputs): DynamicRender {
  const { context, staticGroup, rays, windows, imageWindow, noise, forGoldens } = inputs;
  const { points, z, directions } = rays;
  const ownFrame = !forGoldens?.featuresAtPoints;
  const rawStatic = renderStatic(plan, staticGroup, rays, imageWindow, { ownFrame });
  const current = evaluateDynamic(
    plan,
    "current",
    context,
    points,
    0,
    sampledFeatures(windows.current, ownFrame ? rays.rayPoints : undefined),
  );
  const warped = (name: "before" | "after", offset: -1 | 1) =>
    evaluateDynamic(plan, name, context, current[name], offset, sampledFeatures(windows[name]));
  const before = warped("before", -1);
  const after = warped("after", 1);
  const single = (name: "before" | "after", raw: Tensor) =>
    compositeSingle(plan, `composite.${name}`, { raw, z, directions, noise: noise?.[name] });
  const { maps, weights } = compositeBoth(plan, "composite", {
    rawStatic,
    rawDynamic: current.raw,
    blending: current.blending,
    z,
    directions,
    noise: noise?.current,
    forGoldens,
  });
  return {
    ...{ z, points, maps, weightsDynamic: weights },
    mapsBefore: single("before", before.raw),
    mapsAfter: single("after", after.raw),
    blending: current.blending,
    blendingBefore: before.blending,
    blendingAfter: after.blending,
    pointsBefore2: before.before,
    pointsBefore: current.before,
    pointsAfter: current.after,
    pointsAfter2: after.after,
    flows: {
      backward: subtract(plan, "flow.backward", current.before, points),
      forward: subtract(plan, "flow.forward", current.after, points),
      beforeForward: subtract(plan, "flow.before_forward", before.after, current.before),
      afterBackward: subtract(plan, "flow.after_backward", after.before, current.after),
    },
    controls: [current, before, after].flatMap(({ controls }) => controls),
  };
}
