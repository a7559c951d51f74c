/**
 * One explicit Euler step along the velocity field.
 *
 * @module
 */
import text from "../../wgsl/trajectory/euler_step.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../ops/shapes.ts";

const kernel = defineKernel("wgsl/trajectory/euler_step.wgsl", text);

/**
 * Records `y = p + step · tanh(u)`: the velocity head's squashing and an Euler step in one.
 *
 * @param points p `(scenes, points, 3)` in blocks, NDC
 * @param velocity u `(scenes, points, 3)` in blocks: the velocity head before tanh, NDC units per frame
 * @param step signed length in frames: `±1/K`
 * @returns `(scenes, points, 3)` in blocks, NDC
 */
export function eulerStep(
  plan: Plan,
  label: string,
  points: Tensor,
  velocity: Tensor,
  step: number,
): Tensor {
  const [scenes, count] = expectShape("eulerStep", plan.path(label), { points }, "blocks", [
    "scenes",
    "points",
    3,
  ]);
  expectShape("eulerStep", plan.path(label), { velocity }, "blocks", [scenes, count, 3]);
  const y = plan.activation(label, points.shape, "blocks", [points, velocity]);
  const size = y.size;
  plan.dispatch({
    label: `${label}.forward`,
    kernel,
    entry: "forward",
    bindings: { p: points, u: velocity, y, dims: { size, step, accumulate: 0 } },
    workgroups: linearWorkgroups(size),
  });
  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(velocity);
    if (sink) {
      plan.dispatch({
        label: `${label}.backward_velocity`,
        kernel,
        entry: "backward_velocity",
        bindings: {
          u: velocity,
          d_y: dY,
          d_u: sink.gradient,
          dims: { size, step, accumulate: sink.accumulate },
        },
        workgroups: linearWorkgroups(size),
      });
    }
    plan.shareGradient(points, dY);
  });
  return y;
}
