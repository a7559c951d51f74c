/**
 * How exactly the solvers solve an equation whose solution is known: `deno task bench --trajectories` prints it, tests hold it.
 *
 * @module
 */
import { linear } from "../../src/ops/linear.ts";
import { controls, solveAdaptive } from "../../src/trajectory/dopri5.ts";
import {
  type FixedSolver,
  type OdeRates,
  type OdeState,
  solveFixed,
} from "../../src/trajectory/ode.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { randomUniform } from "../../src/runtime/random.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor } from "../../src/runtime/tensor.ts";

/** Radians and damping over the span 1, and how the force rises. Damped: a tolerance bounds the error of a step, and errors add up. */
const frequency = 3, damping = 2, force = 3;
const points = 65;

/**
 * `x' = −λ x − ω y + κ s,  y' = ω x − λ y,  s' = 1` of points (x, y, s) as a linear layer: damped oscillators under a force that
 * rises with time, which is their third coordinate.
 */
export const oscillators = {
  weight: Float32Array.of(-damping, -frequency, force, frequency, -damping, 0, 0, 0, 0),
  bias: Float32Array.of(0, 0, 1),
  /** Where points start, `(points, 3)`. */
  start: Float32Array.from(
    { length: 3 * points },
    (_, i) => i % 3 === 2 ? 0 : 2 * randomUniform(0, 0, 0, i) - 1,
  ),
};

/** Where such a point is at s = 1: with u = x + iy and c = −λ + iω, `u = (u₀ + κ/c²) eᶜ − κ/c − κ/c²`. */
function solution(x: number, y: number): [number, number] {
  const square = damping ** 2 + frequency ** 2;
  const overC = [-force * damping / square, -force * frequency / square]; // κ/c
  const overCC = [ // κ/c²
    force * (damping ** 2 - frequency ** 2) / square ** 2,
    force * 2 * damping * frequency / square ** 2,
  ];
  const grown = Math.exp(-damping);
  const [re, im] = [grown * Math.cos(frequency), grown * Math.sin(frequency)]; // eᶜ
  const [a, b] = [x + overCC[0], y + overCC[1]];
  return [
    a * re - b * im - overC[0] - overCC[0],
    a * im + b * re - overC[1] - overCC[1],
  ];
}

/** A solution beside the true one. */
interface Solved {
  /** Root mean square over the numbers of `error / scale`. */
  readonly error: number;
  /** Evaluations, and attempts that were rejected, of steps that were chosen. */
  readonly control?: Float32Array | undefined;
}

/**
 * Solves the oscillators.
 *
 * @param scaleOf what an error counts beside, given the true number
 */
async function solve(
  gpu: Gpu,
  record: (
    plan: Plan,
    start: OdeState,
    rates: OdeRates,
    span: Tensor,
  ) => { state: OdeState; control?: Tensor },
  scaleOf: (wanted: number) => number = () => 1,
): Promise<Solved> {
  const plan = new Plan(gpu, "oscillators");
  const data = oscillators.start;
  const start = createTensor(gpu, "start", [1, points, 3], { layout: "blocks", data });
  const span = createTensor(gpu, "span", [2], { data: Float32Array.of(1, 0) });
  const weight = createTensor(gpu, "oscillators.weight", [3, 3], { data: oscillators.weight });
  const bias = createTensor(gpu, "oscillators.bias", [3], { data: oscillators.bias });
  const rates: OdeRates = ([p]) => [linear(plan, "oscillators", p, { weight, bias })];
  const { state: [end], control } = record(plan, [start], rates, span);
  plan.keep(end);
  if (control) plan.keep(control);
  const program = await plan.build();
  program.run();
  const [found, controlled] = await readTensors(gpu, end, control ?? end);
  program.destroy();
  for (const tensor of [start, span, weight, bias]) destroyTensor(gpu, tensor);
  let sum = 0;
  for (let i = 0; i < points; i++) {
    solution(data[3 * i], data[3 * i + 1]).forEach((wanted, c) =>
      sum += ((found[3 * i + c] - wanted) / scaleOf(wanted)) ** 2
    );
  }
  return { error: Math.sqrt(sum / (2 * points)), control: control && controlled };
}

/** A solver's error with so many steps and with twice as many. */
export interface Convergence {
  readonly solver: FixedSolver;
  readonly steps: number;
  readonly coarse: number;
  readonly fine: number;
  /** The power of the step's length that the error falls with. */
  readonly order: number;
}

/** The fixed solvers' orders of convergence. Steps are few enough for the errors to stand out of rounding. */
export async function convergence(gpu: Gpu): Promise<Convergence[]> {
  const rows: Convergence[] = [];
  for (const [solver, steps] of [["euler", 128], ["midpoint", 32], ["rk4", 8]] as const) {
    const errorOf = async (steps: number) =>
      (await solve(gpu, (plan, start, rates, span) => ({
        state: solveFixed(plan, start, rates, { solver, span, stepSize: 1 / steps }),
      }))).error;
    const [coarse, fine] = [await errorOf(steps), await errorOf(2 * steps)];
    rows.push({ solver, steps, coarse, fine, order: Math.log2(coarse / fine) });
  }
  return rows;
}

/** dopri5's error beside its tolerance. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
  /** Root mean square of `error / (atol + rtol |p|)`; below 1 it stays under the tolerance. */
  readonly ratio: number;
  readonly evaluations: number;
  readonly rejected: number;
}

/** dopri5 at tolerances from loose to tight. */
export async function tolerances(gpu: Gpu): Promise<Tolerance[]> {
  const rows: Tolerance[] = [];
  for (const rtol of [1e-2, 1e-3, 1e-4, 1e-5]) {
    const atol = rtol / 10;
    const { error: ratio, control } = await solve(
      gpu,
      (plan, start, rates, span) =>
        solveAdaptive(plan, start, rates, { span, rtol, atol, maxSteps: 40 }),
      (wanted) => atol + rtol * Math.abs(wanted),
    );
    const [evaluations, rejected] = [controls.evaluations, controls.rejected].map((at) =>
      control![at]
    );
    rows.push({ rtol, atol, ratio, evaluations, rejected });
  }
  return rows;
}
