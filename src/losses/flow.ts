/**
 * Optical flow losses: the flow that the field induces against the measured one.
 *
 * @module
 */
import text from "../../wgsl/losses/flow.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { slots } from "../rendering/camera_records.ts";

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
  const op = new Operation(plan, "flowLosses", label, kernel);
  const shape = op.expect({ inducedBackward }, "rows", ["scenes", "rays", 2]);
  const [scenes, rays] = shape;
  op.expect({ inducedForward }, "rows", shape);
  op.expect({ flowBackward }, "rows", [scenes, rays, 3]);
  op.expect({ flowForward }, "rows", [scenes, rays, 3]);
  op.expect({ cameras }, "rows", [scenes, 3, 16]);
  const terms = op.output([2], "rows", [inducedBackward, inducedForward]);
  const directions = [
    { name: "backward", slot: slots.before, induced: inducedBackward, flow: flowBackward },
    { name: "forward", slot: slots.after, induced: inducedForward, flow: flowForward },
  ].map(({ name, slot, induced, flow }) => {
    const shares = op.scratch(`shares_${name}`, [scenes]);
    return { name, given: { induced, flow, shares, dims: { scenes, rays, slot } } };
  });
  for (const { name, given } of directions) {
    op.run("forward", { ...given, cameras, terms }, [1], { part: `forward_${name}` });
  }
  op.backward([terms], ([dTerms]) => {
    for (const { name, given } of directions) {
      op.run(
        "backward",
        { ...given, d_terms: dTerms, d_induced: op.target(given.induced) },
        linearWorkgroups(scenes * rays),
        { part: `backward_${name}` },
      );
    }
  });
  return terms;
}
