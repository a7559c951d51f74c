/**
 * Color losses: composited against true colors.
 *
 * @module
 */
import text from "../../wgsl/losses/color.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { slots } from "../rendering/camera_records.ts";

const kernel = defineKernel("wgsl/losses/color.wgsl", text);

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
  const op = new Operation(plan, "colorLosses", label, kernel);
  const [scenes, rays] = op.expect({ maps }, "rows", ["scenes", "rays", 16]);
  op.expect({ mapsBefore }, "rows", [scenes, rays, 5]);
  op.expect({ mapsAfter }, "rows", [scenes, rays, 5]);
  op.expect({ colors }, "rows", [scenes, rays, 3]);
  op.expect({ cameras }, "rows", [scenes, 3, 16]);
  const terms = op.output([4], "rows", [maps, mapsBefore, mapsAfter]);
  const dims = { scenes, rays, slot: 0 }, workgroups = linearWorkgroups(scenes * rays);
  op.run(
    "forward",
    { maps, maps_before: mapsBefore, maps_after: mapsAfter, colors, cameras, terms, dims },
    [1],
  );
  op.backward([terms], ([dTerms]) => {
    const given = { colors, d_terms: dTerms };
    const d_maps = op.target(maps, { partial: true });
    op.run("backward_current", { ...given, maps, d_maps, dims }, workgroups);
    for (const [side, warped] of [["before", mapsBefore], ["after", mapsAfter]] as const) {
      const bindings = {
        ...given,
        cameras,
        single_maps: warped,
        d_single_maps: op.target(warped, { partial: true }),
        dims: { ...dims, slot: slots[side] },
      };
      op.run("backward_warped", bindings, workgroups, { part: `backward_${side}` });
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
  const op = new Operation(plan, "staticColorLoss", label, kernel);
  const [scenes, rays] = op.expect({ maps }, "rows", ["scenes", "rays", 5]);
  op.expect({ colors }, "rows", [scenes, rays, 3]);
  const terms = op.output([1], "rows", [maps]);
  const given = { single_maps: maps, colors, dims: { scenes, rays, slot: 0 } };
  op.run("forward_single", { ...given, terms }, [1], { part: "forward" });
  op.backward([terms], ([dTerms]) => {
    op.run(
      "backward_single",
      { ...given, d_terms: dTerms, d_single_maps: op.target(maps, { partial: true }) },
      linearWorkgroups(scenes * rays),
      { part: "backward" },
    );
  });
  return terms;
}
