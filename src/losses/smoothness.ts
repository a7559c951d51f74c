/**
 * Smoothness of trajectories in world space: in time, from sample to sample, and at the neighbours.
 *
 * @module
 */
import text from "../../wgsl/losses/smoothness.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Recipe } from "../recipes/recipe.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/losses/smoothness.wgsl", text);

/** What {@link smoothnessLosses} reads: a point's places over five frames, `(scenes, points, 3)` in blocks, NDC, and cameras. */
export interface SmoothnessInputs {
  /** p⁻⁻, two frames before. */
  readonly pointsBefore2: Tensor;
  /** p⁻, one frame before. */
  readonly pointsBefore: Tensor;
  /** p. */
  readonly points: Tensor;
  /** p⁺, one frame after. */
  readonly pointsAfter: Tensor;
  /** p⁺⁺, two frames after. */
  readonly pointsAfter2: Tensor;
  /** `(scenes, 3, 16)`: their size and focal length give world coordinates. */
  readonly cameras: Tensor;
}

/** Options of {@link smoothnessLosses}. */
export interface SmoothnessOptions extends Pick<Recipe, "smoothnessFar"> {
  /** Of a ray. */
  readonly samples: number;
}

/**
 * Records, with x = world(p): in time `mean|(x⁺ − x) + (x⁻ − x)|` over the first 90 % of a ray's samples; in space
 * `mean|Δ(x − x⁺)| + mean|Δ(x − x⁻)|`, Δ from sample to sample, over the first 95 %; at neighbours the first one at p⁻
 * (between p⁻⁻ and p) plus at p⁺ (between p and p⁺⁺).
 *
 * A place beyond the depth `smoothnessFar` counts at that depth.
 *
 * @returns `(3)`: smoothTime, smoothSpace, smoothNeighbors; differentiable in the five places
 */
export function smoothnessLosses(
  plan: Plan,
  label: string,
  inputs: SmoothnessInputs,
  { samples, smoothnessFar }: SmoothnessOptions,
): Tensor {
  const { pointsBefore2, pointsBefore, points, pointsAfter, pointsAfter2, cameras } = inputs;
  const op = new Operation(plan, "smoothnessLosses", label, kernel);
  const shape = op.expect({ points }, "blocks", ["scenes", "points", 3]);
  op.expect({ pointsBefore2 }, "blocks", shape);
  op.expect({ pointsBefore }, "blocks", shape);
  op.expect({ pointsAfter }, "blocks", shape);
  op.expect({ pointsAfter2 }, "blocks", shape);
  const [scenes, count] = shape;
  op.expect({ cameras }, "rows", [scenes, 3, 16]);
  const blocks = blocksOf(count);
  const rows = scenes * blocks;
  const timeSamples = Math.floor(samples * 0.9);
  const spaceSamples = Math.floor(samples * 0.95);
  const rays = scenes * count / samples;
  const dims = {
    rows,
    blocks,
    points: count,
    samples,
    time_samples: timeSamples,
    space_samples: spaceSamples,
    time_share: 1 / (rays * Math.max(timeSamples, 1) * 3),
    space_share: 1 / (rays * Math.max(spaceSamples - 1, 1) * 3),
    smoothness_far: smoothnessFar,
    time_term: 0,
    in_space: 0,
  };
  const places = [pointsBefore2, pointsBefore, points, pointsAfter, pointsAfter2];
  const terms = op.output([3], "rows", places);
  const partials = op.scratch("partials", [rows, 3]);
  const workgroups = linearWorkgroups(rows * blockPoints);
  const [before2, before, center, after, after2] = places;
  const bindings = { cameras, before2, before, center, after, after2, partials, dims };
  op.run("forward", bindings, workgroups);
  op.run("finish", { partials, terms, dims }, [1]);
  op.backward([terms], ([dTerms]) => {
    const triples = [
      { name: "center", places: [pointsBefore, points, pointsAfter], time_term: 0, in_space: 1 },
      { name: "before", places: [pointsBefore2, pointsBefore, points], time_term: 2, in_space: 0 },
      { name: "after", places: [points, pointsAfter, pointsAfter2], time_term: 2, in_space: 0 },
    ];
    for (const { name, places: [before, center, after], time_term, in_space } of triples) {
      const bindings = {
        ...{ cameras, before, center, after, d_terms: dTerms },
        d_before: op.target(before),
        d_center: op.target(center),
        d_after: op.target(after),
        dims: { ...dims, time_term, in_space },
      };
      op.run("backward", bindings, workgroups, { part: `backward_${name}` });
    }
  });
  return terms;
}
