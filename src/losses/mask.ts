/**
 * Losses of the blending field: what moves, and that a point is either one or the other.
 *
 * @module
 */
import text from "../../wgsl/losses/mask.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/losses/mask.wgsl", text);

/** What {@link maskLosses} reads. */
export interface MaskInputs {
  /** b in 0…1, `(scenes, points, 1)` in blocks. */
  readonly blending: Tensor;
  /** b⁻, of the field evaluated at p⁻ one frame before, `(scenes, points, 1)` in blocks. */
  readonly blendingBefore: Tensor;
  /** b⁺, of the field evaluated at p⁺ one frame after, `(scenes, points, 1)` in blocks. */
  readonly blendingAfter: Tensor;
  /** w_d, the dynamic field's compositing weights, `(scenes, rays, samples)`. */
  readonly weightsDynamic: Tensor;
  /** Composited maps `(scenes, rays, 16)`, of which the dynamicness. */
  readonly maps: Tensor;
  /** 1 for a ray that sees something moving, else 0, `(scenes, rays)`. */
  readonly moving: Tensor;
}

/** What {@link maskLosses} returns. */
export interface MaskOutputs {
  /** `(3)`: mask, maskWarped, sparsity; differentiable in b, b⁻, b⁺, w_d and the maps. */
  readonly terms: Tensor;
  /** `(2)`: mean dynamicness of moving rays and of the others, to be logged; not differentiable. */
  readonly measures: Tensor;
}

/**
 * Records `mean b over static rays + mean|dynamicness − moving|`, `mean b⁻ + mean b⁺ over static rays` and the entropies
 * `−Σ x·log(x + 1e-19) / (scenes·rays)` of w_d and of b.
 *
 * @param staticRays the first rays of each scene see nothing that moves: so many
 */
export function maskLosses(
  plan: Plan,
  label: string,
  inputs: MaskInputs,
  staticRays: number,
): MaskOutputs {
  const { blending, blendingBefore, blendingAfter, weightsDynamic, maps, moving } = inputs;
  const op = new Operation(plan, "maskLosses", label, kernel);
  const wanted = ["scenes", "rays", "samples"];
  const [scenes, rays, samples] = op.expect({ weightsDynamic }, "rows", wanted);
  const points = rays * samples;
  op.expect({ blending }, "blocks", [scenes, points, 1]);
  op.expect({ blendingBefore }, "blocks", [scenes, points, 1]);
  op.expect({ blendingAfter }, "blocks", [scenes, points, 1]);
  op.expect({ maps }, "rows", [scenes, rays, 16]);
  op.expect({ moving }, "rows", [scenes, rays]);
  const blocks = blocksOf(points);
  const rows = scenes * blocks;
  const dims = {
    rows,
    blocks,
    points,
    samples,
    rays: scenes * rays,
    static_points: staticRays * samples,
    ray_share: 1 / (scenes * rays),
    static_share: 1 / Math.max(scenes * staticRays * samples, 1),
  };
  const sources = [blending, blendingBefore, blendingAfter, weightsDynamic, maps];
  const terms = op.output([3], "rows", sources);
  const measures = op.constant([2], "rows", "measures");
  const partials = op.scratch("partials", [rows, 6]);
  const ofPoints = { blending, weights: weightsDynamic, dims };
  const workgroups = linearWorkgroups(rows * blockPoints);
  const warped = { blending_before: blendingBefore, blending_after: blendingAfter };
  op.run("forward", { ...ofPoints, ...warped, maps, moving, partials }, workgroups);
  op.run("finish", { partials, terms, measures, dims }, [1]);
  op.backward([terms], ([dTerms]) => {
    const gradients = {
      d_blending: op.target(blending),
      d_blending_before: op.target(blendingBefore),
      d_blending_after: op.target(blendingAfter),
      d_weights: op.target(weightsDynamic),
    };
    op.run("backward_points", { ...ofPoints, d_terms: dTerms, ...gradients }, workgroups);
    op.run(
      "backward_rays",
      { maps, moving, d_terms: dTerms, d_maps: op.target(maps, { partial: true }), dims },
      linearWorkgroups(scenes * rays),
    );
  });
  return { terms, measures };
}
