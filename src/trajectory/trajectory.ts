/**
 * Trajectories: where a point is one frame before and one frame after.
 *
 * @module
 */
import text from "../../wgsl/trajectory/trajectory.wgsl" with { type: "text" };
import { velocityParameters } from "../nets/dynamic_field.ts";
import type { Parameters } from "../nets/parameters.ts";
import type { OdeTrajectory } from "../recipes/recipe.ts";
import { eulerStep } from "./euler_step.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { type AdjointProblem, solveWithAdjoint } from "./adjoint.ts";
import { solveAdaptive } from "./dopri5.ts";
import { type OdeTime, solveFixed } from "./ode.ts";

/** The adjoint's backward solution, which also keeps the parameters' gradients exact, may take so many times the attempts. */
const backwardAttempts = 4;

const kernel = defineKernel("wgsl/trajectory/trajectory.wgsl", text);

/**
 * Records the velocity head, before its tanh, at points `(scenes, points, 3)` in blocks, `offsetFrames` after the frame
 * that is rendered.
 */
export type VelocityField = (points: Tensor, offsetFrames: number) => Tensor;

/**
 * Records K explicit Euler steps to a neighbouring frame: `p ← p ± v(p, τ ± i/K)/K` for i = 0 … K−1.
 *
 * @param points p `(scenes, points, 3)` in blocks, NDC
 * @param first the velocity head at (p, τ), which both directions and the field itself share
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

/** The end of an {@link odeTrajectory}. */
export interface SolvedTrajectory {
  /** `(scenes, points, 3)` in blocks, NDC. */
  readonly points: Tensor;
  /** What became of adaptive steps, see `controls` of `dopri5.ts`. */
  readonly control?: Tensor | undefined;
}

/** Records the velocity head, before its tanh, at points `(scenes, points, 3)` in blocks and a solver's time. */
export type OdeVelocity = (points: Tensor, time: OdeTime) => Tensor;

/** The equation of an {@link odeTrajectory}. */
export interface OdeField {
  /** `(scenes, 2)` rows: normalized time of the frame that is rendered, and of one frame, 2/F. */
  readonly times: Tensor;
  /** The scenes' global codes `(scenes, 1, channels)` in blocks, which take part in the adaptive error norm. */
  readonly code: Tensor;
  readonly group: Parameters;
  /** The velocity head at (p, τ). */
  readonly first: Tensor;
  /** Records it at later points and times, which {@link timesAt} gives. */
  readonly velocity: OdeVelocity;
  /** The same with other parameters and codes, for the adjoint method. */
  velocityOf(group: Parameters, code: Tensor): OdeVelocity;
}

/**
 * Records the solution of `dp/ds = ±v(p, τ ± s·F)` at s = 1/F: the time that the field sees moves by one
 * frame, the integral's length is 1/F.
 *
 * @param points p `(scenes, points, 3)` in blocks, NDC
 * @param direction −1 to the frame before, 1 to the frame after
 * @param onBackward told of the control of the adjoint's adaptive steps, while the plan is differentiated
 */
export function odeTrajectory(
  plan: Plan,
  points: Tensor,
  { times, code, group, first, velocity, velocityOf }: OdeField,
  direction: -1 | 1,
  trajectory: Omit<OdeTrajectory, "kind">,
  onBackward: (control: Tensor) => void = () => {},
): SolvedTrajectory {
  const { solver, rtol, atol, maxSteps, stepSize, gradient } = trajectory;
  const span = plan.once(times, "span", () => recordSpan(plan, times));
  const rateOf = (u: Tensor) => rate(plan, "rate", u, times, direction);
  const solve: AdjointProblem["solve"] = (start, rates, options, pass) => {
    if (solver !== "dopri5") {
      return { state: solveFixed(plan, start, rates, { solver, stepSize, ...options }) };
    }
    const attempts = pass === "backward" ? backwardAttempts * maxSteps : maxSteps;
    return solveAdaptive(plan, start, rates, { rtol, atol, maxSteps: attempts, ...options });
  };
  return plan.scoped(`trajectory.${direction < 0 ? "before" : "after"}`, () => {
    if (gradient === "adjoint") {
      const problem: AdjointProblem = {
        ...{ points, code, group, span, solve, names: velocityParameters },
        rate: (group, code, at, time) => rateOf(velocityOf(group, code)(at, time)),
      };
      const { end, control } = solveWithAdjoint(plan, problem, rateOf(first), onBackward);
      return { points: end, control };
    }
    const { state: [end], control } = solve(
      [points],
      ([at], time) => [rateOf(velocity(at, time))],
      { span, first: [rateOf(first)], constants: [code] },
      "forward",
    );
    return { points: end, control };
  });
}

/**
 * Records the scenes' times at a solver's time, as the encoding of points takes them: `t + (τ ± s·F)·2/F`.
 *
 * @param times `(scenes, 2)` rows: normalized time of the frame that is rendered, and of one frame, 2/F
 * @returns `(scenes, 2)` rows
 */
export function timesAt(
  plan: Plan,
  times: Tensor,
  { clock, fraction }: OdeTime,
  { offsetFrames, direction }: { offsetFrames: number; direction: -1 | 1 },
): Tensor {
  const op = new Operation(plan, "timesAt", "times", kernel);
  const [scenes] = op.expect({ times }, "rows", ["scenes", 2]);
  const y = op.output([scenes, 2], "rows", [clock]);
  const size = 2 * scenes;
  const dims = { size, scene_size: 2, offset_frames: offsetFrames, direction, fraction };
  op.run("times_at", { times, clock, y, dims }, linearWorkgroups(scenes), { part: "" });
  op.backward([y], ([dY]) => {
    const d_clock = op.target(clock, { partial: true });
    op.run("times_backward", { times, d_y: dY, d_clock, dims }, [1], { part: "backward" });
  });
  return y;
}

/** Records the span of the integral, 1/F of the first scene, and its start 0. */
function recordSpan(plan: Plan, times: Tensor): Tensor {
  const op = new Operation(plan, "recordSpan", "trajectory.span", kernel);
  const y = op.output([2], "rows", []);
  op.run("span", { times, y }, [1], { part: "" });
  return y;
}

/** Records `dp/ds = ±(F/Fᵢ)·tanh u` for the points of scene i. */
function rate(plan: Plan, label: string, u: Tensor, times: Tensor, direction: -1 | 1): Tensor {
  const op = new Operation(plan, "rate", label, kernel);
  const [scenes] = op.expect({ u }, "blocks", ["scenes", "points", 3]);
  op.expect({ times }, "rows", [scenes, 2]);
  const y = op.output(u.shape, "blocks", [u]);
  const { size } = y;
  const dims = { size, scene_size: size / scenes, offset_frames: 0, direction, fraction: 0 };
  const workgroups = linearWorkgroups(size);
  op.run("rate", { times, u, y, dims }, workgroups, { part: "forward" });
  op.backward([y], ([dY]) => {
    const bindings = { times, u, d_y: dY, d_u: op.target(u), dims };
    op.run("rate_backward", bindings, workgroups, { part: "backward" });
  });
  return y;
}
