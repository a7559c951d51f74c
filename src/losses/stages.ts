/**
 * What each training stage minimises.
 *
 * @module
 */
import type { ForGoldens } from "../rendering/for_goldens.ts";
import type { Recipe } from "../recipes/recipe.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { type AnchorInputs, anchorLoss } from "./anchor.ts";
import { type ColorInputs, colorLosses, staticColorLoss } from "./color.ts";
import { type DepthInputs, depthLosses } from "./depth.ts";
import { type FlowInputs, flowLosses } from "./flow.ts";
import { type MaskInputs, maskLosses } from "./mask.ts";
import { type MotionInputs, motionLosses } from "./motion.ts";
import { type SmoothnessInputs, smoothnessLosses } from "./smoothness.ts";
import { lossSummary, staticSummary, staticSummaryNames, summaryNames } from "./summary.ts";
import { lossFamilies } from "../recipes/loss_terms.ts";
import type { LossWeightTensors } from "./weights.ts";

/** A recorded loss. */
export interface RecordedLosses {
  /** What `plan.differentiate` is given. */
  readonly seeds: { tensor: Tensor; gradient: Tensor }[];
  /** The total and all that is logged, in one tensor that can be read after a run. */
  readonly summary: Tensor;
  /** Names of the summary's numbers; the first is `total`. */
  readonly names: readonly string[];
}

/** All that the dynamic stage's losses read: the families' inputs by the same names. */
export interface DynamicLossInputs
  extends ColorInputs, FlowInputs, SmoothnessInputs, MaskInputs, DepthInputs {
  /** The scene flows, NDC. */
  readonly flows: MotionInputs;
  /** D, the measured depth in 0…1, `(scenes, rays)`, NDC. */
  readonly absoluteDepth: Tensor;
}

/** Options of {@link recordDynamicLosses}. */
export interface DynamicLossOptions
  extends Pick<Recipe, "depthBlendingThickness" | "smoothnessFar"> {
  /** The first rays of each scene see nothing that moves: so many. */
  readonly staticRays: number;
  /** The band of the depth blending term lies about the absolute depth, not about the relative one. Default false. */
  readonly anchored?: boolean;
  readonly forGoldens?: Pick<ForGoldens, "far">;
}

/**
 * Records every term of the dynamic stage; `src/recipes/loss_terms.ts` has their formulas and weights.
 *
 * The total `Σ weight·term` is differentiated by its seeds: the weights themselves, so they may change between runs.
 */
export function recordDynamicLosses(
  plan: Plan,
  inputs: DynamicLossInputs,
  weights: LossWeightTensors,
  options: DynamicLossOptions,
): RecordedLosses {
  const { z, flows, weightsDynamic, absoluteDepth } = inputs;
  const [, rays, samples] = z.shape;
  const { staticRays, smoothnessFar, anchored } = options;
  return plan.scoped("losses", () => {
    const { terms: mask, measures } = maskLosses(plan, "mask", inputs, staticRays);
    const families = {
      color: colorLosses(plan, "color", inputs),
      flow: flowLosses(plan, "flow", inputs),
      motion: motionLosses(plan, "motion", flows, { rays, staticRays }),
      smoothness: smoothnessLosses(plan, "smoothness", inputs, { samples, smoothnessFar }),
      mask,
      depth: depthLosses(plan, "depth", {
        ...inputs,
        absoluteDepth: anchored ? absoluteDepth : undefined,
      }, options),
      anchor: anchorLoss(plan, "anchor", {
        weights: weightsDynamic,
        z,
        depth: absoluteDepth,
        counted: inputs.moving,
      }, 1 / (samples - 1)),
    };
    const summary = lossSummary(plan, "summary", families, measures, weights);
    const seeds = lossFamilies.map((family) => ({
      tensor: families[family],
      gradient: weights.families[family],
    }));
    return { seeds, summary, names: summaryNames };
  });
}

/**
 * Records the static stage's loss, `mean (C_s − C*)²`, and with an anchor the weighted {@link anchorLoss} of w_s.
 *
 * @param maps of the static field composited alone, `(scenes, rays, 5)`
 * @param colors C*, `(scenes, rays, 3)`
 */
export function recordStaticLosses(
  plan: Plan,
  maps: Tensor,
  colors: Tensor,
  anchor?: AnchorInputs & { readonly lossWeights: LossWeightTensors },
): RecordedLosses {
  return plan.scoped("losses", () => {
    const color = plan.keep(staticColorLoss(plan, "color", maps, colors));
    const one = plan.activation("one", [1]);
    plan.fill(one, 1);
    const ofColor = { tensor: color, gradient: one };
    if (!anchor) return { seeds: [ofColor], summary: color, names: ["total"] };
    const { lossWeights } = anchor;
    const depth = anchorLoss(plan, "anchor", anchor, 1 / (anchor.z.shape[2] - 1));
    return {
      seeds: [ofColor, { tensor: depth, gradient: lossWeights.families.anchor }],
      summary: staticSummary(plan, "summary", color, depth, lossWeights),
      names: staticSummaryNames,
    };
  });
}
