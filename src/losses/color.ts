/**
 * Color losses: composited against true colors.
 *
 * @module
 */
import text from "../../wgsl/losses/color.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel(
  "wgsl/losses/color.wgsl",
  text,
);

const slots = { before: 0, after: 2 } as const;

/** What {@link colorLosses} compares. */
export interface ColorInputs {
  /** Composited maps `(scenes, rays, 16)`. */
  readonly maps: Tensor;
  /** Maps of the dynamic field evaluated at p⁻, one frame before, `(scenes, rays, 5)`. */
  readonly mapsBefore: Tensor;
  /** Maps of the dynamic field evaluated at p⁺, one frame after, `(scenes, rays, 5)`. */
  readonly mapsAfter: Tensor;
  /** C*, true colors in 0…1, `(scenes, rays, 3)`. */
  readonly colors: Tensor;
  /** `(scenes, 3, 16)`: their `valid` says which scenes have which neighbour. */
  readonly cameras: Tensor;
}

/**
 * Records the color terms: `mean (C − C*)²` of the full and the dynamic composite over all scenes, and of the warped ones
 * over the scenes whose frame has that neighbour (0 when none has).
 *
 * @returns `(4)`: fullColor, dynamicColor, warpedColorBefore, warpedColorAfter; differentiable in the three maps
 */
export function colorLosses(plan: Plan, label: string, inputs: ColorInputs): Tensor {
  const { maps, mapsBefore, mapsAfter, colors, cameras } = inputs;
  const path = plan.path(label);
  const [scenes, rays] = expectShape("colorLosses", path, { maps }, "rows", ["scenes", "rays", 16]);
  expectShape("colorLosses", path, { mapsBefore }, "rows", [scenes, rays, 5]);
  expectShape("colorLosses", path, { mapsAfter }, "rows", [scenes, rays, 5]);
  expectShape("colorLosses", path, { colors }, "rows", [scenes, rays, 3]);
  expectShape("colorLosses", path, { cameras }, "rows", [scenes, 3, 16]);
  const terms = plan.activation(label, [4], "rows", [maps, mapsBefore, mapsAfter]);
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: {
      maps,
      maps_before: mapsBefore,
      maps_after: mapsAfter,
      colors,
      cameras,
      terms,
      dims: { scenes, rays, slot: 0 },
    },
    workgroups: [1],
  });
  plan.backward([terms], ([dTerms]) => {
    const dMaps = plan.gradientSink(maps, { partial: true });
    if (dMaps) {
      plan.dispatch({
        label: `${label}.backward_current`,
        kernel,
        entry: "backward_current",
        bindings: {
          maps,
          colors,
          d_terms: dTerms,
          d_maps: dMaps.gradient,
          dims: { scenes, rays, slot: 0 },
        },
        workgroups: linearWorkgroups(scenes * rays),
      });
    }
    for (const [side, warped] of [["before", mapsBefore], ["after", mapsAfter]] as const) {
      const dWarped = plan.gradientSink(warped, { partial: true });
      if (!dWarped) continue;
      plan.dispatch({
        label: `${label}.backward_${side}`,
        kernel,
        entry: "backward_warped",
        bindings: {
          single_maps: warped,
          colors,
          cameras,
          d_terms: dTerms,
          d_single_maps: dWarped.gradient,
          dims: { scenes, rays, slot: slots[side] },
        },
        workgroups: linearWorkgroups(scenes * rays),
      });
    }
  });
  return terms;
}

/**
 * Records the static stage's loss `mean (C_s − C*)²`.
 *
 * @param maps of the static field composited alone, `(scenes, rays, 5)`
 * @param colors C*, `(scenes, rays, 3)`
 * @returns `(1)`; differentiable in `maps`
 */
export function staticColorLoss(plan: Plan, label: string, maps: Tensor, colors: Tensor): Tensor {
  const path = plan.path(label);
  const wanted = ["scenes", "rays", 5];
  const [scenes, rays] = expectShape("staticColorLoss", path, { maps }, "rows", wanted);
  expectShape("staticColorLoss", path, { colors }, "rows", [scenes, rays, 3]);
  const terms = plan.activation(label, [1], "rows", [maps]);
  const dims = { scenes, rays, slot: 0 };
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward_single",
    bindings: { single_maps: maps, colors, terms, dims },
    workgroups: [1],
  });
  plan.backward([terms], ([dTerms]) => {
    const dMaps = plan.gradientSink(maps, { partial: true });
    if (!dMaps) return;
    plan.dispatch({
      label: `${label}.backward`,
      kernel,
      entry: "backward_single",
      bindings: { single_maps: maps, colors, d_terms: dTerms, d_single_maps: dMaps.gradient, dims },
      workgroups: linearWorkgroups(scenes * rays),
    });
  });
  return terms;
}
