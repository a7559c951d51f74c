/**
 * Losses of the scene flow itself: slow, the same back as forth, and none in static regions.
 *
 * @module
 */
import text from "../../wgsl/losses/motion.wgsl" with { type: "text" };
import { expectShape } from "../runtime/shapes.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";
import { optionalSink } from "./sinks.ts";

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

/** What {@link motionLosses} is told. */
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
  const flows = { backward, forward, beforeForward, afterBackward };
  const path = plan.path(label);
  const wanted = ["scenes", "points", 3];
  const [scenes, points] = expectShape("motionLosses", path, { backward }, "blocks", wanted);
  for (const [name, flow] of Object.entries(flows)) {
    expectShape("motionLosses", path, { [name]: flow }, "blocks", [scenes, points, 3]);
  }
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
    mode_flow: 0,
    mode_returned: 0,
  };
  const terms = plan.activation(label, [3], "rows", Object.values(flows));
  const partials = plan.activation(`${label}.partials`, [rows, 3]);
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: {
      f_b: backward,
      f_f: forward,
      f_bf: beforeForward,
      f_fb: afterBackward,
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
    for (
      const [side, flow, returned] of [
        ["before", backward, beforeForward],
        ["after", forward, afterBackward],
      ] as const
    ) {
      const dFlow = optionalSink(plan, flow);
      const dReturned = optionalSink(plan, returned);
      plan.dispatch({
        label: `${label}.backward_${side}`,
        kernel,
        entry: "backward",
        bindings: {
          flow,
          returned,
          d_terms: dTerms,
          d_flow: dFlow.gradient,
          d_returned: dReturned.gradient,
          dims: { ...dims, mode_flow: dFlow.mode, mode_returned: dReturned.mode },
        },
        workgroups: linearWorkgroups(rows * blockPoints),
      });
    }
  });
  return terms;
}
