/**
 * Rays through pixels and the samples along them, in normalised device coordinates.
 *
 * @module
 */
import text from "../../wgsl/rendering/rays.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/rendering/rays.wgsl", text);

/** Rays of the pixels of a batch. */
export interface Rays {
  /** On the plane z = −1, NDC: `(scenes, rays, 3)` in rows. */
  readonly origins: Tensor;
  /** NDC, not normalised; z is 2: `(scenes, rays, 3)` in rows. */
  readonly directions: Tensor;
  /** World, of length 1: `(scenes, rays, 3)` in blocks. */
  readonly viewDirections: Tensor;
}

/** Options of {@link cameraRays}. */
export interface CameraRayOptions {
  /** Cameras whose focal length spans the scene's NDC, where the view's own is another (a zoom): `(scenes, 3, 16)` in rows. */
  readonly ndcCameras?: Tensor;
}

/**
 * Records the rays through pixels of the cameras in the current slot (spec section 2). Not differentiable.
 *
 * @param pixels x and y: `(scenes, rays, 2)` in rows
 * @param cameras `(scenes, 3, 16)` in rows
 */
export function cameraRays(
  plan: Plan,
  label: string,
  pixels: Tensor,
  cameras: Tensor,
  options: CameraRayOptions = {},
): Rays {
  const { ndcCameras = cameras } = options;
  const path = plan.path(label);
  const [scenes, rays] = expectShape("cameraRays", path, { pixels }, "rows", ["scenes", "rays", 2]);
  expectShape("cameraRays", path, { cameras }, "rows", [scenes, 3, 16]);
  expectShape("cameraRays", path, { ndcCameras }, "rows", [scenes, 3, 16]);
  const origins = plan.activation(`${label}.origins`, [scenes, rays, 3]);
  const directions = plan.activation(`${label}.directions`, [scenes, rays, 3]);
  const viewDirections = plan.activation(`${label}.view_directions`, [scenes, rays, 3], "blocks");
  plan.dispatch({
    label: `${label}.camera_rays`,
    kernel,
    entry: "camera_rays",
    bindings: {
      pixels,
      cameras,
      ndc_cameras: ndcCameras,
      origins,
      directions,
      view_directions: viewDirections,
      dims: { scenes, rays, samples: 0, near: 0, far: 0, jittered: 0 },
    },
    workgroups: linearWorkgroups(scenes * blocksOf(rays) * blockPoints),
  });
  return { origins, directions, viewDirections };
}

/** Where {@link samplePoints} puts samples. */
export interface SamplingOptions {
  /** Samples of a ray. */
  readonly samples: number;
  /** NDC depth of the first sample. */
  readonly near: number;
  /** NDC depth of the last sample. */
  readonly far: number;
  /** Uniform numbers `(scenes, rays, samples)` in rows: each sample lies between the midpoints to its neighbours. */
  readonly jitter?: Tensor;
}

/**
 * Records the samples of rays: `p = o + z d` at equal steps of z, or at random places between the steps' midpoints.
 * Not differentiable.
 *
 * @param origins `(scenes, rays, 3)` in rows, NDC
 * @param directions `(scenes, rays, 3)` in rows, NDC
 * @returns z `(scenes, rays, samples)` in rows, and points `(scenes, rays · samples, 3)` in blocks, NDC
 */
export function samplePoints(
  plan: Plan,
  label: string,
  origins: Tensor,
  directions: Tensor,
  options: SamplingOptions,
): { z: Tensor; points: Tensor } {
  const { samples, near, far, jitter } = options;
  const path = plan.path(label);
  const shape = expectShape("samplePoints", path, { origins }, "rows", ["scenes", "rays", 3]);
  expectShape("samplePoints", path, { directions }, "rows", shape);
  const [scenes, rays] = shape;
  if (jitter) expectShape("samplePoints", path, { jitter }, "rows", [scenes, rays, samples]);
  const z = plan.activation(`${label}.z`, [scenes, rays, samples]);
  const points = plan.activation(`${label}.points`, [scenes, rays * samples, 3], "blocks");
  plan.dispatch({
    label: `${label}.sample_points`,
    kernel,
    entry: "sample_points",
    bindings: {
      ray_origins: origins,
      ray_directions: directions,
      jitter: jitter ?? origins, // bound and not read where there is none
      z,
      points,
      dims: { scenes, rays, samples, near, far, jittered: jitter !== undefined },
    },
    workgroups: linearWorkgroups(scenes * blocksOf(rays * samples) * blockPoints),
  });
  return { z, points };
}
