/**
 * Rays through pixels and the samples along them, in normalised device coordinates.
 *
 * @module
 */
import text from "../../wgsl/rendering/rays.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";
import type { ForGoldens } from "./for_goldens.ts";

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
 * Records the rays through pixels of the cameras in the current slot: `d = R((x − W/2)/f, −(y − H/2)/f, −1)` from the camera's
 * centre, taken to NDC. Not differentiable.
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
  const op = new Operation(plan, "cameraRays", label, kernel);
  const [scenes, rays] = op.expect({ pixels }, "rows", ["scenes", "rays", 2]);
  op.expect({ cameras }, "rows", [scenes, 3, 16]);
  op.expect({ ndcCameras }, "rows", [scenes, 3, 16]);
  const origins = op.output([scenes, rays, 3], "rows", [], "origins");
  const directions = op.output([scenes, rays, 3], "rows", [], "directions");
  const viewDirections = op.output([scenes, rays, 3], "blocks", [], "view_directions");
  const dims = { scenes, rays, samples: 0, near: 0, far: 0 };
  const given = { pixels, cameras, ndc_cameras: ndcCameras, dims };
  op.run(
    "camera_rays",
    { ...given, origins, directions, view_directions: viewDirections },
    linearWorkgroups(scenes * blocksOf(rays) * blockPoints),
  );
  return { origins, directions, viewDirections };
}

/** Options of {@link samplePoints}: where samples are. */
export interface SamplingOptions {
  /** Samples of a ray. */
  readonly samples: number;
  /** NDC depth of the first sample. */
  readonly near: number;
  /** NDC depth of the last sample. */
  readonly far: number;
  /** Uniform numbers `(scenes, rays, samples)` in rows: each sample lies between the midpoints to its neighbours. */
  readonly jitter?: Tensor | undefined;
}

/**
 * Records the samples of rays: `p = o + z d` at equal distances of z, or at random places between the midpoints to their neighbours.
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
  const op = new Operation(plan, "samplePoints", label, kernel);
  const shape = op.expect({ origins }, "rows", ["scenes", "rays", 3]);
  op.expect({ directions }, "rows", shape);
  const [scenes, rays] = shape;
  if (jitter) op.expect({ jitter }, "rows", [scenes, rays, samples]);
  const z = op.output([scenes, rays, samples], "rows", [], "z");
  const points = op.output([scenes, rays * samples, 3], "blocks", [], "points");
  const dims = { scenes, rays, samples, near, far };
  op.run(
    "sample_points",
    { ray_origins: origins, ray_directions: directions, jitter, z, points, dims },
    linearWorkgroups(scenes * blocksOf(rays * samples) * blockPoints),
  );
  return { z, points };
}

/** Rays and their samples. */
export interface RayPoints extends Pick<Rays, "directions" | "viewDirections"> {
  /** Rising, NDC: `(scenes, rays, samples)` in rows. */
  readonly z: Tensor;
  /** `(scenes, rays · samples, 3)` in blocks, NDC. */
  readonly points: Tensor;
  /** One point of each ray: `(scenes, rays, 3)` in blocks, NDC. */
  readonly rayPoints: Tensor;
}

/** Options of {@link rayPoints}. */
export interface RayOptions extends CameraRayOptions, Pick<SamplingOptions, "samples" | "jitter"> {
  readonly forGoldens?: Pick<ForGoldens, "far">;
}

/**
 * Records the rays through pixels `(scenes, rays, 2)` of the current slot's cameras, and their samples from NDC depth 0 to 1.
 * Not differentiable.
 */
export function rayPoints(
  plan: Plan,
  pixels: Tensor,
  cameras: Tensor,
  options: RayOptions,
): RayPoints {
  const { samples, jitter, forGoldens } = options;
  return plan.scoped("rays", () => {
    const rays = cameraRays(plan, "camera", pixels, cameras, options);
    const { origins, directions, viewDirections } = rays;
    const along = { samples, jitter, near: 0, far: forGoldens?.far ?? 1 };
    const sampled = samplePoints(plan, "points", origins, directions, along);
    const middle = { samples: 1, near: 0.5, far: 0.5 }; // any point of the ray has the ray's pixel
    const { points } = samplePoints(plan, "middle", origins, directions, middle);
    return { directions, viewDirections, ...sampled, rayPoints: points };
  });
}
