/**
 * Depth losses: the dynamic field's depth, and where along a ray it may show, against measured inverse depth.
 *
 * @module
 */
import text from "../../wgsl/losses/depth.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel(
  "wgsl/losses/depth.wgsl",
  text,
);

const lanes = 256;
const statistics = 13; // numbers of `struct Statistics`

/** What {@link depthLosses} reads. */
export interface DepthInputs {
  /** Composited maps `(scenes, rays, 16)`, of which both fields' depths. */
  readonly maps: Tensor;
  /** b in 0…1, `(scenes, points, 1)` in blocks. */
  readonly blending: Tensor;
  /** z of the samples, `(scenes, rays, samples)`, NDC. */
  readonly z: Tensor;
  /** Measured, relative, bigger is nearer; `(scenes, rays)`. */
  readonly inverseDepth: Tensor;
  /** 1 for a ray that sees something moving, else 0, `(scenes, rays)`. */
  readonly moving: Tensor;
  /** NDC depth in place of the relative one of depth blending, `(scenes, rays)`. */
  readonly absoluteDepth?: Tensor;
}

/** What {@link depthLosses} is told. */
export interface DepthOptions {
  /** The first rays of each scene see nothing that moves: so many. */
  readonly staticRays: number;
  /** z of a scene's nearest ray, NDC. Default 0. */
  readonly near?: number;
  /** z of a scene's farthest ray, NDC. Default 1. */
  readonly far?: number;
  /** Half the width of the band around the measured depth where the dynamic field may show, NDC. Default 0.03. */
  readonly thickness?: number;
}

/**
 * Records `mean (norm(depth_d) − norm(−inverse depth))²`, `mean_moving (ẑ − z·b)²` and, over static rays,
 * `mean (depth_d − stop(depth_s))²`.
 *
 * `norm(x) = (x − median)/mean|x − median|` over a scene's rays, with PyTorch's median, the lower middle element; a scene
 * whose rays are all alike has norm 0 and no gradient. ẑ = z where `|z − D| ≤ thickness`, else 0; D goes linearly from `near`
 * at the scene's largest inverse depth to `far` at its smallest, or is the absolute depth where that is given.
 *
 * @returns `(3)`: depth, depthBlending, order; differentiable in the dynamic depth of the maps and in b
 */
export function depthLosses(
  plan: Plan,
  label: string,
  inputs: DepthInputs,
  options: DepthOptions,
): Tensor {
  const { maps, blending, z, inverseDepth, moving, absoluteDepth } = inputs;
  const { staticRays, near = 0, far = 1, thickness = 0.03 } = options;
  const path = plan.path(label);
  const wanted = ["scenes", "rays", "samples"];
  const [scenes, rays, samples] = expectShape("depthLosses", path, { z }, "rows", wanted);
  const points = rays * samples;
  expectShape("depthLosses", path, { maps }, "rows", [scenes, rays, 16]);
  expectShape("depthLosses", path, { blending }, "blocks", [scenes, points, 1]);
  expectShape("depthLosses", path, { inverseDepth }, "rows", [scenes, rays]);
  expectShape("depthLosses", path, { moving }, "rows", [scenes, rays]);
  if (absoluteDepth) expectShape("depthLosses", path, { absoluteDepth }, "rows", [scenes, rays]);
  const sceneRows = Math.ceil(points / lanes);
  const rows = scenes * sceneRows;
  const dims = {
    rows,
    scene_rows: sceneRows,
    scenes,
    rays,
    static_rays: staticRays,
    samples,
    scene_stride: blocksOf(points) * blockPoints,
    near,
    far,
    thickness,
    absolute: absoluteDepth !== undefined,
    accumulate: 0,
  };
  const terms = plan.activation(label, [3], "rows", [maps, blending]);
  const measured = plan.activation(`${label}.statistics`, [scenes, statistics]);
  const partials = plan.activation(`${label}.partials`, [rows, 4]);
  plan.dispatch({
    label: `${label}.measure`,
    kernel,
    entry: "measure",
    bindings: { maps, inverse_depth: inverseDepth, moving, statistics: measured, dims },
    workgroups: [scenes],
  });
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: {
      z,
      blending,
      inverse_depth: inverseDepth,
      moving,
      absolute_depth: absoluteDepth ?? inverseDepth, // bound and not read where D is relative
      statistics: measured,
      partials,
      dims,
    },
    workgroups: workgroupsFor(rows),
  });
  plan.dispatch({
    label: `${label}.finish`,
    kernel,
    entry: "finish",
    bindings: { statistics: measured, partials, terms, dims },
    workgroups: [1],
  });
  plan.backward([terms], ([dTerms]) => {
    const dMaps = plan.gradientSink(maps, { partial: true });
    if (dMaps) {
      plan.dispatch({
        label: `${label}.backward_rays`,
        kernel,
        entry: "backward_rays",
        bindings: {
          maps,
          inverse_depth: inverseDepth,
          statistics: measured,
          d_terms: dTerms,
          d_maps: dMaps.gradient,
          dims,
        },
        workgroups: workgroupsFor(Math.ceil(scenes * rays / lanes)),
      });
    }
    const dBlending = plan.gradientSink(blending);
    if (!dBlending) return;
    plan.dispatch({
      label: `${label}.backward_blending`,
      kernel,
      entry: "backward_blending",
      bindings: {
        z,
        blending,
        inverse_depth: inverseDepth,
        moving,
        absolute_depth: absoluteDepth ?? inverseDepth,
        statistics: measured,
        d_terms: dTerms,
        d_blending: dBlending.gradient,
        dims: { ...dims, accumulate: dBlending.accumulate },
      },
      workgroups: workgroupsFor(rows),
    });
  });
  return terms;
}

/** `count` workgroups, in two dimensions where one has too few. */
function workgroupsFor(count: number): [number, number] {
  const x = Math.min(count, 32768);
  return [x, Math.ceil(count / x)];
}
