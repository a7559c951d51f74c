/**
 * The depth anchor: where along a ray a field's weights should lie, in absolute depth.
 *
 * @module
 */
import text from "../../wgsl/losses/anchor.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/losses/anchor.wgsl", text);

/** What {@link anchorLoss} compares. */
export interface AnchorInputs {
  /** w of a field composited alone, `(scenes, rays, samples)`. */
  readonly weights: Tensor;
  /** z of the samples, `(scenes, rays, samples)`, NDC. */
  readonly z: Tensor;
  /** D, the measured depth in 0…1, `(scenes, rays)`, NDC. */
  readonly depth: Tensor;
  /** 1 for a ray that counts, else 0, `(scenes, rays)`; by default all do. */
  readonly counted?: Tensor;
}

/**
 * Records the depth anchor, the mean of `−log Σ w exp(−|z − D|/width)` over the rays that count: how unlikely it is that light
 * stops at the measured depth.
 *
 * By the weights and not by the depth map `Σ w z`: a ray that is half opaque before and half behind the measured depth has the
 * right mean and the wrong surface. By the logarithm, because a ray that is opaque at once has next to no gradient in the
 * weights behind. This is the idea of DS-NeRF's depth supervision (Deng et al., CVPR 2022) with a Laplacian, which outliers move
 * less, in place of its Gaussian; no part of MonoNeRF. Likelihoods below 1e-6 count as 1e-6. Not differentiable by z and D.
 *
 * @param width of the measured depth's uncertainty, NDC
 * @returns `(1)`
 */
export function anchorLoss(
  plan: Plan,
  label: string,
  { weights, z, depth, counted }: AnchorInputs,
  width: number,
): Tensor {
  const path = plan.path(label);
  const wanted = ["scenes", "rays", "samples"];
  const [scenes, rays, samples] = expectShape("anchorLoss", path, { weights }, "rows", wanted);
  expectShape("anchorLoss", path, { z }, "rows", [scenes, rays, samples]);
  expectShape("anchorLoss", path, { depth }, "rows", [scenes, rays]);
  if (counted) expectShape("anchorLoss", path, { counted }, "rows", [scenes, rays]);
  const term = plan.activation(label, [1], "rows", [weights]);
  const share = plan.activation(`${label}.share`, [1]);
  const hits = plan.activation(`${label}.hits`, [scenes, rays]);
  const dims = { rays: scenes * rays, samples, all: counted === undefined, width, accumulate: 0 };
  const given = { z, depth, counted: counted ?? depth }; // bound and not read where all rays count
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: { ...given, weights, hits, share, term, dims },
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
        ...given,
        hits,
        share,
        d_term: dTerm,
        d_weights: sink.gradient,
        dims: { ...dims, accumulate: sink.accumulate },
      },
      workgroups: linearWorkgroups(weights.size),
    });
  });
  return term;
}
