/**
 * The depth anchor: where along a ray a field's weights should lie, in absolute depth.
 *
 * @module
 */
import text from "../../wgsl/losses/anchor.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
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
  const op = new Operation(plan, "anchorLoss", label, kernel);
  const shape = op.expect({ weights }, "rows", ["scenes", "rays", "samples"]);
  const [scenes, rays, samples] = shape;
  op.expect({ z }, "rows", shape);
  op.expect({ depth }, "rows", [scenes, rays]);
  if (counted) op.expect({ counted }, "rows", [scenes, rays]);
  const term = op.output([1], "rows", [weights]);
  const share = op.scratch("share", [1]), hits = op.scratch("hits", [scenes, rays]);
  const given = { z, depth, counted, dims: { rays: scenes * rays, samples, width } };
  op.run("forward", { ...given, weights, hits, share, term }, [1]);
  op.backward([term], ([dTerm]) => {
    op.run(
      "backward",
      { ...given, hits, share, d_term: dTerm, d_weights: op.target(weights) },
      linearWorkgroups(weights.size),
    );
  });
  return term;
}
