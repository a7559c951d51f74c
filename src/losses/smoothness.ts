/**
 * Smoothness of trajectories in world space: in time, from sample to sample, and at the neighbours.
 *
 * @module
 */
import text from "../../wgsl/losses/smoothness.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";
import { optionalSink } from "./sinks.ts";

const kernel = defineKernel(
  "wgsl/losses/smoothness.wgsl",
  text,
);

/** A point's places over five frames, `(scenes, points, 3)` in blocks, NDC; what {@link smoothnessLosses} reads. */
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
}

/**
 * Records, with x = world(p): in time `mean|(x⁺ − x) + (x⁻ − x)|` over the first 90 % of a ray's samples; in space
 * `mean|Δ(x − x⁺)| + mean|Δ(x − x⁻)|`, Δ from sample to sample, over the first 95 %; at neighbours the first one at p⁻
 * (between p⁻⁻ and p) plus at p⁺ (between p and p⁺⁺).
 *
 * @param cameras `(scenes, 3, 16)`: their size and focal length give world coordinates
 * @param samples of a ray
 * @param far largest depth at which a place counts, NDC: those beyond it count there
 * @returns `(3)`: smoothTime, smoothSpace, smoothNeighbors; differentiable in the five places
 */
export function smoothnessLosses(
  plan: Plan,
  label: string,
  inputs: SmoothnessInputs,
  cameras: Tensor,
  samples: number,
  far = 0.999,
): Tensor {
  const { pointsBefore2, pointsBefore, points, pointsAfter, pointsAfter2 } = inputs;
  const places = { pointsBefore2, pointsBefore, points, pointsAfter, pointsAfter2 };
  const path = plan.path(label);
  const wanted = ["scenes", "points", 3];
  const [scenes, count] = expectShape("smoothnessLosses", path, { points }, "blocks", wanted);
  for (const [name, tensor] of Object.entries(places)) {
    expectShape("smoothnessLosses", path, { [name]: tensor }, "blocks", [scenes, count, 3]);
  }
  expectShape("smoothnessLosses", path, { cameras }, "rows", [scenes, 3, 16]);
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
    far,
    time_term: 0,
    in_space: 0,
    mode_before: 0,
    mode_center: 0,
    mode_after: 0,
  };
  const terms = plan.activation(label, [3], "rows", Object.values(places));
  const partials = plan.activation(`${label}.partials`, [rows, 3]);
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: {
      cameras,
      before2: pointsBefore2,
      before: pointsBefore,
      center: points,
      after: pointsAfter,
      after2: pointsAfter2,
      partials,
      dims,
    },
    workgroups: linearWorkgroups(rows * blockPoints),
  });
  plan.dispatch({
    label: `${label}.finish`,
    kernel,
    entry: "finish",
    bindings: { partials, terms, dims },
    workgroups: [1],
  });
  plan.backward([terms], ([dTerms]) => {
    const triples = [
      { name: "center", places: [pointsBefore, points, pointsAfter], time_term: 0, in_space: 1 },
      { name: "before", places: [pointsBefore2, pointsBefore, points], time_term: 2, in_space: 0 },
      { name: "after", places: [points, pointsAfter, pointsAfter2], time_term: 2, in_space: 0 },
    ];
    for (const { name, places: [before, center, after], time_term, in_space } of triples) {
      const dBefore = optionalSink(plan, before);
      const dCenter = optionalSink(plan, center);
      const dAfter = optionalSink(plan, after);
      plan.dispatch({
        label: `${label}.backward_${name}`,
        kernel,
        entry: "backward",
        bindings: {
          cameras,
          before,
          center,
          after,
          d_terms: dTerms,
          d_before: dBefore.gradient,
          d_center: dCenter.gradient,
          d_after: dAfter.gradient,
          dims: {
            ...dims,
            time_term,
            in_space,
            mode_before: dBefore.mode,
            mode_center: dCenter.mode,
            mode_after: dAfter.mode,
          },
        },
        workgroups: linearWorkgroups(rows * blockPoints),
      });
    }
  });
  return terms;
}
