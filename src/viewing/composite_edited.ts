/**
 * Volume rendering of edited pictures: one static field and any number of dynamic ones.
 *
 * @module
 */
import text from "../../wgsl/viewing/composite_edited.wgsl" with { type: "text" };
import { concatenate } from "../ops/concatenate.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { type Composite, rayMapChannels, type RaySamples } from "../rendering/composite.ts";

const kernel = defineKernel("wgsl/viewing/composite_edited.wgsl", text);

/** A dynamic field at the samples of rays. */
export interface ForegroundSamples {
  /** Color before the sigmoid and density before ReLU: `(scenes, points, 4)` in blocks. */
  readonly raw: Tensor;
  /** b, its share, or −1 where it is 0 whatever regions say: `(scenes, points, 1)` in blocks. */
  readonly blending: Tensor;
  /** The samples where the field was evaluated, in its own NDC: `(scenes, points, 3)` in blocks. */
  readonly points: Tensor;
}

/** The fields at the samples of rays. */
export interface EditedInputs extends Omit<RaySamples, "noise"> {
  /** Static color before the sigmoid and density before ReLU: `(scenes, points, 4)` in blocks. */
  readonly rawStatic: Tensor;
  /** The samples, NDC: `(scenes, points, 3)` in blocks. */
  readonly points: Tensor;
  /** The dynamic fields; none, one or more. */
  readonly foregrounds: readonly ForegroundSamples[];
  /** Boxes of given blending: `(scenes, regions, 8)` in rows, see `wgsl/viewing/composite_edited.wgsl`. */
  readonly regions: Tensor;
}

/**
 * Records a static field and n dynamic ones together. The product form of `compositeBoth` has a factor for each field, and at a
 * point the shares of all fields add up to 1, as b and 1 − b do there: the static one (0) is there as far as no foreground is,
 * and foregrounds divide the rest in proportion to their blending:
 *
 * `s_0 = Π(1 − b_i)`, `s_i = (1 − s_0) b_i / Σ_j b_j`, `T = Π(Π_k(1 − α_k s_k) + 1e-10)`, `w = T Σ_k α_k s_k`,
 * color `Σ T Σ_k α_k s_k c_k`.
 *
 * For one foreground this is `compositeBoth`; a foreground of blending 0 changes nothing, and the order of foregrounds does not
 * count. δ of a foreground is the distance of its own points. The parts of maps that are of the dynamic field alone, and the
 * weights, are of the first foreground. For inference only.
 *
 * @returns maps `(scenes, rays, 16)`, weights `(scenes, rays, samples)` (not written where there is no foreground)
 */
export function compositeEdited(plan: Plan, label: string, inputs: EditedInputs): Composite {
  const { rawStatic, points, foregrounds, regions, z, directions } = inputs;
  const op = new Operation(plan, "compositeEdited", label, kernel);
  const [scenes, rays, samples] = op.expect({ z }, "rows", ["scenes", "rays", "samples"]);
  const count = rays * samples;
  op.expect({ directions }, "rows", [scenes, rays, 3]);
  op.expect({ rawStatic }, "blocks", [scenes, count, 4]);
  op.expect({ points }, "blocks", [scenes, count, 3]);
  const [, regionCount] = op.expect({ regions }, "rows", [scenes, "regions", 8]);
  op.expectFrozen({ z, directions, rawStatic, points, regions });
  for (const { raw, blending, points } of foregrounds) {
    op.expect({ raw }, "blocks", [scenes, count, 4]);
    op.expect({ blending }, "blocks", [scenes, count, 1]);
    op.expect({ points }, "blocks", [scenes, count, 3]);
    op.expectFrozen({ raw, blending, points });
  }
  const parts = foregrounds.flatMap(({ raw, blending, points }) => [raw, blending, points]);
  const joined = parts.length ? concatenate(plan, `${label}.foregrounds`, ...parts) : undefined;
  const maps = op.output([scenes, rays, rayMapChannels], "rows", [], "maps");
  const weights = op.output([scenes, rays, samples], "rows", [], "weights");
  const fields = { raw_static: rawStatic, foregrounds: joined, points };
  const dims = { scenes, rays, samples, foregrounds: foregrounds.length, regions: regionCount };
  const bindings = { ...fields, z, directions, regions, maps, weights, dims };
  op.run("forward", bindings, linearWorkgroups(scenes * rays));
  return { maps, weights };
}
