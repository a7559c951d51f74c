/**
 * Solvers of ordinary differential equations over a recorded right-hand side.
 *
 * They fit the plan: a right-hand side is an operation like any other, recorded once for each evaluation that a solver makes.
 * Its step length and time are numbers on the GPU, the solver's clock, so the list of dispatches is the same whatever they
 * are, and a run replays it. Backpropagation through a solver is the tape's own: every stage is on it.
 *
 * @module
 */
import type { OdeSolver } from "../recipes/recipe.ts";
import { addRates } from "./add_rates.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

/** A solver's time: `s = clock[1] + fraction · clock[0]`, clock being (step length, start of the step). */
export interface OdeTime {
  /** `(2 or more)` rows. */
  readonly clock: Tensor;
  readonly fraction: number;
}

/** The parts of an equation's state. */
export type OdeState = readonly Tensor[];

/** Records the rates of change `dy/ds` of all parts of a state, of the same shapes. */
export type OdeRates = (state: OdeState, time: OdeTime) => OdeState;

/** Solvers of fixed steps. */
export type FixedSolver = Exclude<OdeSolver, "dopri5">;

/** An explicit Runge-Kutta method: `kᵢ = f(s + nodeᵢ h, y + h Σⱼ rowᵢⱼ kⱼ)`, `y ← y + h Σ weightᵢ kᵢ`. */
export interface Tableau {
  /** The first is 0. */
  readonly nodes: readonly number[];
  /** One for each stage, the first empty. */
  readonly rows: readonly (readonly number[])[];
  readonly weights: readonly number[];
}

/** The fixed solvers' methods; `rk4` is Kutta's 3/8 rule, as in torchdiffeq. */
export const tableaus: Readonly<Record<FixedSolver, Tableau>> = {
  euler: { nodes: [0], rows: [[]], weights: [1] },
  midpoint: { nodes: [0, 1 / 2], rows: [[], [1 / 2]], weights: [0, 1] },
  rk4: {
    nodes: [0, 1 / 3, 2 / 3, 1],
    rows: [[], [1 / 3], [-1 / 3, 1], [1, -1, 1]],
    weights: [1 / 8, 3 / 8, 3 / 8, 1 / 8],
  },
};

/**
 * Records the solution of `dy/ds = rates(y, s)` at the end of a span, in steps of a fixed length.
 *
 * @param start y at s = 0
 * @param span `(2 or more)` rows: the span's length, and where it starts; a negative length goes back
 * @param stepSize the step's length as a share of the span; the last step is shortened to end with it
 * @param first the rates at s = 0, where they are known
 */
export function solveFixed(
  plan: Plan,
  start: OdeState,
  rates: OdeRates,
  { solver, span, stepSize = 1, first }: {
    solver: FixedSolver;
    span: Tensor;
    stepSize?: number;
    first?: OdeState | undefined;
  },
): OdeState {
  const steps = Math.ceil(1 / stepSize - 1e-6);
  let state = start;
  for (let i = 0; i < steps; i++) {
    state = plan.scoped(`step.${i}`, () => {
      const from = i * stepSize;
      const length = Math.min(stepSize, 1 - from);
      const { weights } = tableaus[solver];
      const known = i === 0 ? first : undefined;
      const { k } = recordStages(plan, state, rates, tableaus[solver], {
        clock: span,
        from,
        length,
        first: known,
      });
      return recordMove(plan, "next", span, state, k, weights.map((weight) => weight * length));
    });
  }
  return state;
}

/**
 * Records the rates k at all stages of a step from `from`, both it and `length` being shares of `clock[0]`.
 *
 * @returns also the state at the last stage
 */
export function recordStages(
  plan: Plan,
  state: OdeState,
  rates: OdeRates,
  { nodes, rows }: Tableau,
  { clock, from, length, first }: {
    clock: Tensor;
    from: number;
    length: number;
    first?: OdeState | undefined;
  },
): { k: OdeState[]; last: OdeState } {
  const k: OdeState[] = [];
  let last = state;
  nodes.forEach((node, i) => {
    const time = { clock, fraction: from + node * length };
    const row = rows[i].map((factor) => factor * length);
    if (i === 0) k.push(first ?? rates(state, time));
    else {
      plan.scoped(`stage.${i}`, () => {
        last = recordMove(plan, "at", clock, state, k, row);
        k.push(rates(last, time));
      });
    }
  });
  return { k, last };
}

/** Records `y + h Σ factorᵢ kᵢ` for all parts of a state. */
export function recordMove(
  plan: Plan,
  label: string,
  clock: Tensor,
  state: OdeState,
  k: readonly OdeState[],
  factors: readonly number[],
): OdeState {
  return state.map((y, part) =>
    addRates(plan, label, clock, y, factors.map((factor, i) => ({ rate: k[i][part], factor })))
  );
}
