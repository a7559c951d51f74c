/**
 * Trajectories: where a point is one frame before and one frame after.
 *
 * @module
 */
import { eulerStep } from "../ops/euler_step.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

/**
 * Records the velocity head, before its tanh, at points `(scenes, points, 3)` in blocks, `offsetFrames` after the frame
 * that is rendered.
 */
export type VelocityField = (points: Tensor, offsetFrames: number) => Tensor;

/**
 * Records K explicit Euler steps to a neighbouring frame (spec section 4, `discrete`):
 * `p ← p ± v(p, τ ± i/K)/K` for i = 0 … K−1.
 *
 * @param points p `(scenes, points, 3)` in blocks, NDC
 * @param first the velocity head at (p, τ), which both directions and the field itself share (spec section 9, saving 1)
 * @param velocity makes it at later points and times
 * @param offsetFrames τ, in frames after the frame that is rendered
 * @param direction −1 to the frame before, 1 to the frame after
 * @param steps K
 * @returns `(scenes, points, 3)` in blocks, NDC
 */
export function discreteTrajectory(
  plan: Plan,
  points: Tensor,
  first: Tensor,
  velocity: VelocityField,
  { offsetFrames, direction, steps }: { offsetFrames: number; direction: -1 | 1; steps: number },
): Tensor {
  const name = direction < 0 ? "before" : "after";
  return plan.scoped(`trajectory.${name}`, () => {
    let moved = eulerStep(plan, "step.0", points, first, direction / steps);
    for (let i = 1; i < steps; i++) {
      const u = velocity(moved, offsetFrames + direction * i / steps);
      moved = eulerStep(plan, `step.${i}`, moved, u, direction / steps);
    }
    return moved;
  });
}
