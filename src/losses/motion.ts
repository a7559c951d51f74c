/**
 * Losses of the scene flow itself: slow, the same back as forth, and none in static regions.
 *
 * @module
 */
import text from "../../wgsl/losses/motion.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/losses/motion.wgsl", text);

/** Scene flows `(scenes, points, 3)` in blocks, NDC units; what {@link motionLosses} reads. */
export interface MotionInputs {
  /** f_b = p⁻ − p. */
  readonly backward: Tensor;
  /** f_f = p⁺ − p. */
  readonly forward: Tensor;
  /** f_bf: from p⁻ one frame forward. */
  readonly beforeForward: Tensor;
  /** f_fb: from p⁺ one frame backward. */
  readonly afterBackward: Tensor;
}

/** Options of {@link motionLosses}. */
export interface MotionOptions {
  /** Rays of a scene. */
  readonly rays: number;
  /** The first rays of each scene see nothing that moves: so many. */
  readonly staticRays: number;
}

/**
 * Records the terms of the scene flow: `mean|f_b| + mean|f_f|`, `mean|f_f + f_fb| + mean|f_b + f_bf|` and, over the points
 * of static rays, `mean f_b² + mean f_f²`.
 *
 * @returns `(3)`: slow, cycle, staticFlow; differentiable in the four flows
 */
export function motionLosses(
  plan: Plan,
  label: string,
  inputs: MotionInputs,
  options: MotionOptions,
): Tensor {
  const { backward, forward, beforeForward, afterBackward } = inputs;
  const op = new Operation(plan, "motionLosses", label, kernel);
  const shape = op.expect({ backward }, "blocks", ["scenes", "points", 3]);
  op.expect({ forward }, "blocks", shape);
  op.expect({ beforeForward }, "blocks", shape);
  op.expect({ afterBackward }, "blocks", shape);
  const [scenes, points] = shape;
  const blocks = blocksOf(points);
  const rows = scenes * blocks;
  const staticPoints = points / options.rays * options.staticRays;
  const dims = {
    rows,
    blocks,
    points,
    static_points: staticPoints,
    share: 1 / (scenes * points * 3),
    static_share: 1 / (scenes * Math.max(staticPoints, 1) * 3),
  };
  const terms = op.output([3], "rows", [backward, forward, beforeForward, afterBackward]);
  const partials = op.scratch("partials", [rows, 3]);
  const workgroups = linearWorkgroups(rows * blockPoints);
  const flows = { f_b: backward, f_f: forward, f_bf: beforeForward, f_fb: afterBackward };
  op.run("forward", { ...flows, partials, dims }, workgroups);
  op.run("finish", { partials, terms, dims }, [1]);
  op.backward([terms], ([dTerms]) => {
    for (
      const [side, flow, returned] of [
        ["before", backward, beforeForward],
        ["after", forward, afterBackward],
      ] as const
    ) {
      const gradients = { d_flow: op.target(flow), d_returned: op.target(returned) };
      const bindings = { flow, returned, d_terms: dTerms, ...gradients, dims };
      op.run("backward", bindings, workgroups, { part: `backward_${side}` });
    }
  });
  return terms;
}
