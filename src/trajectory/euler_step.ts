/**
 * One explicit Euler step along the velocity field.
 *
 * @module
 */
import text from "../../wgsl/trajectory/euler_step.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

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
  const op = new Operation(plan, "eulerStep", label, kernel);
  const shape = op.expect({ points }, "blocks", ["scenes", "points", 3]);
  op.expect({ velocity }, "blocks", shape);
  const y = op.output(shape, "blocks", [points, velocity]);
  const dims = { size: y.size, step }, workgroups = linearWorkgroups(y.size);
  op.run("forward", { p: points, u: velocity, y, dims }, workgroups);
  op.backward([y], ([dY]) => {
    op.run(
      "backward_velocity",
      { u: velocity, d_y: dY, d_u: op.target(velocity), dims },
      workgroups,
    );
    op.share(points, dY);
  });
  return y;
}
