/**
 * Optical flow losses: the flow that the field induces against the measured one.
 *
 * @module
 */
import text from "../../wgsl/losses/flow.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/losses/flow.wgsl", text);

/** What {@link flowLosses} compares. */
export interface FlowInputs {
  /** Induced flow to the frame before, `(scenes, rays, 2)`, pixels. */
  readonly inducedBackward: Tensor;
  /** Induced flow to the frame after, `(scenes, rays, 2)`, pixels. */
  readonly inducedForward: Tensor;
  /** Optical flow to the frame before: u, v in pixels and validity, `(scenes, rays, 3)`. */
  readonly flowBackward: Tensor;
  /** Optical flow to the frame after: u, v in pixels and validity, `(scenes, rays, 3)`. */
  readonly flowForward: Tensor;
  /** `(scenes, 3, 16)`: their `valid` says which scenes have which neighbour. */
  readonly cameras: Tensor;
}

/**
 * Records `Σ_scenes Σ |induced − flow|·M / (ΣM + 1e-8) / 2` to both neighbours, M = validity; a scene whose frame lacks
 * the neighbour adds nothing.
 *
 * @returns `(2)`: flowBackward, flowForward; differentiable in the induced flows
 */
export function flowLosses(plan: Plan, label: string, inputs: FlowInputs): Tensor {
  const { inducedBackward, inducedForward, flowBackward, flowForward, cameras } = inputs;
  const path = plan.path(label);
  const wanted = ["scenes", "rays", 2];
  const [scenes, rays] = expectShape("flowLosses", path, { inducedBackward }, "rows", wanted);
  expectShape("flowLosses", path, { inducedForward }, "rows", [scenes, rays, 2]);
  expectShape("flowLosses", path, { flowBackward }, "rows", [scenes, rays, 3]);
  expectShape("flowLosses", path, { flowForward }, "rows", [scenes, rays, 3]);
  expectShape("flowLosses", path, { cameras }, "rows", [scenes, 3, 16]);
  const terms = plan.activation(label, [2], "rows", [inducedBackward, inducedForward]);
  const directions = [
    { name: "backward", slot: 0, induced: inducedBackward, flow: flowBackward },
    { name: "forward", slot: 2, induced: inducedForward, flow: flowForward },
  ].map((direction) => ({
    ...direction,
    shares: plan.activation(`${label}.shares_${direction.name}`, [scenes]),
  }));
  for (const { name, slot, induced, flow, shares } of directions) {
    plan.dispatch({
      label: `${label}.forward_${name}`,
      kernel,
      entry: "forward",
      bindings: {
        induced,
        flow,
        cameras,
        terms,
        shares,
        dims: { scenes, rays, slot, accumulate: 0 },
      },
      workgroups: [1],
    });
  }
  plan.backward([terms], ([dTerms]) => {
    for (const { name, slot, induced, flow, shares } of directions) {
      const sink = plan.gradientSink(induced);
      if (!sink) continue;
      const { gradient, accumulate } = sink;
      plan.dispatch({
        label: `${label}.backward_${name}`,
        kernel,
        entry: "backward",
        bindings: {
          induced,
          flow,
          shares,
          d_terms: dTerms,
          d_induced: gradient,
          dims: { scenes, rays, slot, accumulate },
        },
        workgroups: linearWorkgroups(scenes * rays),
      });
    }
  });
  return terms;
}
