/**
 * Depth losses: the dynamic field's depth, and where along a ray it may show, against measured inverse depth.
 *
 * @module
 */
import text from "../../wgsl/losses/depth.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import type { ForGoldens } from "../rendering/for_goldens.ts";
import type { Recipe } from "../recipes/recipe.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/losses/depth.wgsl", text);

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
  readonly absoluteDepth?: Tensor | undefined;
}

/** Options of {@link depthLosses}. */
export interface DepthOptions extends Pick<Recipe, "depthBlendingThickness"> {
  /** The first rays of each scene see nothing that moves: so many. */
  readonly staticRays: number;
  readonly forGoldens?: Pick<ForGoldens, "far">;
}

/**
 * Records `mean (norm(depth_d) − norm(−inverse depth))²`, `mean_moving (ẑ − z·b)²` and, over static rays,
 * `mean (depth_d − stop(depth_s))²`.
 *
 * `norm(x) = (x − median)/mean|x − median|` over a scene's rays, with PyTorch's median, the lower middle element; a scene
 * whose rays are all alike has norm 0 and no gradient. ẑ = z where `|z − D| ≤ depthBlendingThickness`, else 0; D goes linearly
 * from 0 at the scene's largest inverse depth to 1 at its smallest, or is the absolute depth where that is given.
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
  const { staticRays, depthBlendingThickness, forGoldens } = options;
  const op = new Operation(plan, "depthLosses", label, kernel);
  const [scenes, rays, samples] = op.expect({ z }, "rows", ["scenes", "rays", "samples"]);
  const points = rays * samples;
  op.expect({ maps }, "rows", [scenes, rays, 16]);
  op.expect({ blending }, "blocks", [scenes, points, 1]);
  op.expect({ inverseDepth }, "rows", [scenes, rays]);
  op.expect({ moving }, "rows", [scenes, rays]);
  if (absoluteDepth) op.expect({ absoluteDepth }, "rows", [scenes, rays]);
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
    far: forGoldens?.far ?? 1,
    depth_blending_thickness: depthBlendingThickness,
  };
  const terms = op.output([3], "rows", [maps, blending]);
  const measured = op.scratch("statistics", [scenes, statistics]);
  const partials = op.scratch("partials", [rows, 4]);
  const ofRays = { maps, inverse_depth: inverseDepth, dims };
  const ofPoints = {
    z,
    blending,
    inverse_depth: inverseDepth,
    moving,
    absolute_depth: absoluteDepth,
    statistics: measured,
    dims,
  };
  op.run("measure", { ...ofRays, moving, statistics: measured }, [scenes]);
  op.run("forward", { ...ofPoints, partials }, workgroupsFor(rows));
  op.run("finish", { statistics: measured, partials, terms, dims }, [1]);
  op.backward([terms], ([dTerms]) => {
    const d_maps = op.target(maps, { partial: true });
    op.run(
      "backward_rays",
      { ...ofRays, statistics: measured, d_terms: dTerms, d_maps },
      workgroupsFor(Math.ceil(scenes * rays / lanes)),
    );
    const d_blending = op.target(blending);
    op.run("backward_blending", { ...ofPoints, d_terms: dTerms, d_blending }, workgroupsFor(rows));
  });
  return terms;
}

/** `count` workgroups, in two dimensions where one has too few. */
function workgroupsFor(count: number): [number, number] {
  const x = Math.min(count, 32768);
  return [x, Math.ceil(count / x)];
}
