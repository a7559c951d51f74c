/**
 * Losses of the blending field: what moves, and that a point is either one or the other.
 *
 * @module
 */
import text from "../../wgsl/losses/mask.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";
import { optionalSink } from "./sinks.ts";

const kernel = defineKernel(
  "wgsl/losses/mask.wgsl",
  text,
);

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
  const path = plan.path(label);
  const [scenes, rays, samples] = expectShape("maskLosses", path, { weightsDynamic }, "rows", [
    "scenes",
    "rays",
    "samples",
  ]);
  const points = rays * samples;
  expectShape("maskLosses", path, { blending }, "blocks", [scenes, points, 1]);
  expectShape("maskLosses", path, { blendingBefore }, "blocks", [scenes, points, 1]);
  expectShape("maskLosses", path, { blendingAfter }, "blocks", [scenes, points, 1]);
  expectShape("maskLosses", path, { maps }, "rows", [scenes, rays, 16]);
  expectShape("maskLosses", path, { moving }, "rows", [scenes, rays]);
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
    mode_blending: 0,
    mode_before: 0,
    mode_after: 0,
    mode_weights: 0,
  };
  const terms = plan.activation(label, [3], "rows", [
    blending,
    blendingBefore,
    blendingAfter,
    weightsDynamic,
    maps,
  ]);
  const measures = plan.activation(`${label}.measures`, [2]);
  const partials = plan.activation(`${label}.partials`, [rows, 6]);
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: {
      blending,
      blending_before: blendingBefore,
      blending_after: blendingAfter,
      weights: weightsDynamic,
      maps,
      moving,
      partials,
      dims,
    },
    workgroups: linearWorkgroups(rows * blockPoints),
  });
  plan.dispatch({
    label: `${label}.finish`,
    kernel,
    entry: "finish",
    bindings: { partials, terms, measures, dims },
    workgroups: [1],
  });
  plan.backward([terms], ([dTerms]) => {
    const dBlending = optionalSink(plan, blending);
    const dBefore = optionalSink(plan, blendingBefore);
    const dAfter = optionalSink(plan, blendingAfter);
    const dWeights = optionalSink(plan, weightsDynamic);
    plan.dispatch({
      label: `${label}.backward_points`,
      kernel,
      entry: "backward_points",
      bindings: {
        blending,
        weights: weightsDynamic,
        d_terms: dTerms,
        d_blending: dBlending.gradient,
        d_blending_before: dBefore.gradient,
        d_blending_after: dAfter.gradient,
        d_weights: dWeights.gradient,
        dims: {
          ...dims,
          mode_blending: dBlending.mode,
          mode_before: dBefore.mode,
          mode_after: dAfter.mode,
          mode_weights: dWeights.mode,
        },
      },
      workgroups: linearWorkgroups(rows * blockPoints),
    });
    const dMaps = plan.gradientSink(maps, { partial: true });
    if (!dMaps) return;
    plan.dispatch({
      label: `${label}.backward_rays`,
      kernel,
      entry: "backward_rays",
      bindings: { maps, moving, d_terms: dTerms, d_maps: dMaps.gradient, dims },
      workgroups: linearWorkgroups(scenes * rays),
    });
  });
  return { terms, measures };
}
