/**
 * The optical flow that moving points would show.
 *
 * @module
 */
import text from "../../wgsl/rendering/induced_flow.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import type { Slot } from "./camera_records.ts";

const kernel = defineKernel("wgsl/rendering/induced_flow.wgsl", text);

/** What the flow follows from. */
export interface InducedFlowInputs {
  /** w of the dynamic field: `(scenes, rays, samples)` in rows. */
  readonly weights: Tensor;
  /** The samples' points at the other time: `(scenes, rays · samples, 3)` in blocks, NDC. */
  readonly points: Tensor;
  /** x and y of the rays: `(scenes, rays, 2)` in rows. */
  readonly pixels: Tensor;
  /** `(scenes, 3, 16)` in rows. */
  readonly cameras: Tensor;
  /** The camera that sees the points. */
  readonly slot: Slot;
  /** Cameras whose focal length spans the points' NDC, where the slot's own is another (a zoom): `(scenes, 3, 16)` in rows. */
  readonly ndcCameras?: Tensor;
}

/**
 * Records `pixel(Σ w p) − pixel`: a ray's moved points averaged by its weights, taken to the world and to the slot's camera.
 * Differentiable by weights and points.
 *
 * @returns `(scenes, rays, 2)` in rows, pixels, x right and y down
 */
export function inducedFlow(plan: Plan, label: string, inputs: InducedFlowInputs): Tensor {
  const { weights, points, pixels, cameras, slot, ndcCameras = cameras } = inputs;
  const op = new Operation(plan, "inducedFlow", label, kernel);
  const [scenes, rays, samples] = op.expect({ weights }, "rows", ["scenes", "rays", "samples"]);
  op.expect({ points }, "blocks", [scenes, rays * samples, 3]);
  op.expect({ pixels }, "rows", [scenes, rays, 2]);
  op.expect({ cameras }, "rows", [scenes, 3, 16]);
  op.expect({ ndcCameras }, "rows", [scenes, 3, 16]);
  const flow = op.output([scenes, rays, 2], "rows", [weights, points]);
  const dims = { scenes, rays, samples, slot };
  const given = { weights, points, cameras, ndc_cameras: ndcCameras, dims };
  const workgroups = linearWorkgroups(scenes * rays);
  op.run("forward", { ...given, pixels, flow }, workgroups);
  op.backward([flow], ([dFlow]) => {
    const gradients = { d_weights: op.target(weights), d_points: op.target(points) };
    op.run("backward", { ...given, d_flow: dFlow, ...gradients }, workgroups);
  });
  return flow;
}
