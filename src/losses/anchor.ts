/**
 * The depth anchor: where along a ray a field's weights should lie, in absolute depth.
 *
 * @module
 */
import text from "../../wgsl/losses/anchor.wgsl" with { type: "text" };
import { expectShape } from "../ops/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { sumLanesSnippet } from "./snippets.ts";

const kernel = defineKernel("wgsl/losses/anchor.wgsl", text, sumLanesSnippet);

/** What {@link anchorLoss} compares. */
export interface AnchorInputs {
  /** w of a field composited alone, `(scenes, rays, samples)`. */
  readonly weights: Tensor;
  /** z of the samples, `(scenes, rays, samples)`, NDC. */
  readonly z: Tensor;
  /** D, the measured depth in 0…1, `(scenes, rays)`, NDC. */
  readonly depth: Tensor;
}

/**
 * Records the depth anchor `mean over rays of (Σ w |z − D| + 1 − Σ w)`: how far from the measured depth light is stopped on
 * average, light that passes through everything having missed by 1.
 *
 * By the weights and not by the depth map `Σ w z`: a ray that is half opaque before and half behind the measured depth has the
 * right mean and the wrong surface. This is the idea of DS-NeRF's depth supervision (Deng et al., CVPR 2022) with a distance in
 * place of its Gaussian; no part of MonoNeRF. Not differentiable by z and D.
 *
 * @returns `(1)`
 */
export function anchorLoss(
  plan: Plan,
  label: string,
  { weights, z, depth }: AnchorInputs,
): Tensor {
  const path = plan.path(label);
  const wanted = ["scenes", "rays", "samples"];
  const [scenes, rays, samples] = expectShape("anchorLoss", path, { weights }, "rows", wanted);
  expectShape("anchorLoss", path, { z }, "rows", [scenes, rays, samples]);
  expectShape("anchorLoss", path, { depth }, "rows", [scenes, rays]);
  const term = plan.activation(label, [1], "rows", [weights]);
  const dims = { rays: scenes * rays, samples, accumulate: 0 };
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: { weights, z, depth, term, dims },
    workgroups: [1],
  });
  plan.backward([term], ([dTerm]) => {
    const sink = plan.gradientSink(weights);
    if (!sink) return;
    plan.dispatch({
      label: `${label}.backward`,
      kernel,
      entry: "backward",
      bindings: {
        z,
        depth,
        d_term: dTerm,
        d_weights: sink.gradient,
        dims: { ...dims, accumulate: sink.accumulate },
      },
      workgroups: linearWorkgroups(weights.size),
    });
  });
  return term;
}
