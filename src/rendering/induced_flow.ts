/**
 * The optical flow that moving points would show.
 *
 * @module
 */
import text from "../../wgsl/rendering/induced_flow.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel(
  "wgsl/rendering/induced_flow.wgsl",
  text,
);

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
  /** The camera that sees the points: 0 before, 1 current, 2 after. */
  readonly slot: 0 | 1 | 2;
  /** Cameras whose focal length spans the points' NDC, where the slot's own is another (a zoom): `(scenes, 3, 16)` in rows. */
  readonly ndcCameras?: Tensor;
}

/**
 * Records `pixel(Σ w p) − pixel`: a ray's moved points averaged by its weights, taken to the world and to the slot's camera
 * (spec section 6). Differentiable by weights and points.
 *
 * @returns `(scenes, rays, 2)` in rows, pixels, x right and y down
 */
export function inducedFlow(plan: Plan, label: string, inputs: InducedFlowInputs): Tensor {
  const { weights, points, pixels, cameras, slot, ndcCameras = cameras } = inputs;
  const path = plan.path(label);
  const [scenes, rays, samples] = expectShape("inducedFlow", path, { weights }, "rows", [
    "scenes",
    "rays",
    "samples",
  ]);
  expectShape("inducedFlow", path, { points }, "blocks", [scenes, rays * samples, 3]);
  expectShape("inducedFlow", path, { pixels }, "rows", [scenes, rays, 2]);
  expectShape("inducedFlow", path, { cameras }, "rows", [scenes, 3, 16]);
  expectShape("inducedFlow", path, { ndcCameras }, "rows", [scenes, 3, 16]);
  const flow = plan.activation(label, [scenes, rays, 2], "rows", [weights, points]);
  const dims = { scenes, rays, samples, slot, accumulate_weights: 0, accumulate_points: 0 };
  const workgroups = linearWorkgroups(scenes * rays);
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: { weights, points, pixels, cameras, ndc_cameras: ndcCameras, flow, dims },
    workgroups,
  });
  plan.backward([flow], ([dFlow]) => {
    const toWeights = plan.gradientSink(weights);
    const toPoints = plan.gradientSink(points);
    plan.dispatch({
      label: `${label}.backward`,
      kernel,
      entry: "backward",
      constants: { to_weights: toWeights ? 1 : 0, to_points: toPoints ? 1 : 0 },
      bindings: {
        weights,
        points,
        cameras,
        ndc_cameras: ndcCameras,
        d_flow: dFlow,
        d_weights: toWeights?.gradient ?? plan.activation(`${label}.no_weights`, [1]),
        d_points: toPoints?.gradient ?? plan.activation(`${label}.no_points`, [1]),
        dims: {
          ...dims,
          accumulate_weights: toWeights?.accumulate ?? 0,
          accumulate_points: toPoints?.accumulate ?? 0,
        },
      },
      workgroups,
    });
  });
  return flow;
}
