/**
 * Dormand and Prince's method with steps of its own choice, as torchdiffeq chooses them.
 *
 * It fits the plan: a bounded number of attempts at a step is recorded, each behind a gate that stays closed once the end is
 * reached. Error, acceptance and the next step's length stay in a small control tensor on the GPU, one an attempt; a step of
 * training or rendering reads nothing back.
 *
 * @module
 */
import text from "../../wgsl/trajectory/dopri5.wgsl" with { type: "text" };
import { addRates } from "./add_rates.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Uniform } from "../runtime/uniforms.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";
import { type OdeRates, type OdeState, recordMove, recordStages, type Tableau } from "./ode.ts";

const kernel = defineKernel("wgsl/trajectory/dopri5.wgsl", text);

/** Numbers of a control tensor: what the next attempt starts from, and what came of the one before. */
export const controls = {
  /** Length of the next attempt; with the next one the solver's clock. */
  length: 0,
  start: 1,
  /** 1 until the end is reached: after the last attempt it tells that there were too few. */
  open: 2,
  end: 3,
  /** Whether the attempt before was accepted, reached the end, and at which share of its length that lay. */
  accepted: 4,
  reached: 5,
  position: 6,
  lengthBefore: 7,
  /** So far. */
  evaluations: 8,
  rejected: 9,
} as const;
const controlSize = 12;

const tableau: Tableau = {
  nodes: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
  rows: [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ],
  weights: [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0],
};
/** The fifth order less the embedded fourth. */
const errorWeights = [
  35 / 384 - 1951 / 21600,
  0,
  500 / 1113 - 22642 / 50085,
  125 / 192 - 451 / 720,
  -2187 / 6784 + 12231 / 42400,
  11 / 84 - 649 / 6300,
  -1 / 60,
];
/** The solution in the middle of a step (Shampine). */
const middleWeights = [
  6025192743 / 30085553152 / 2,
  0,
  51252292925 / 65400821598 / 2,
  -2691868925 / 45128329728 / 2,
  187940372067 / 1594534317056 / 2,
  -1776094331 / 19743644256 / 2,
  11237099 / 235043384 / 2,
];

/** Options of {@link solveAdaptive}. */
export interface AdaptiveOptions {
  /** `(2 or more)` rows: the span's length, and where it starts; a negative length goes back. */
  readonly span: Tensor;
  readonly rtol: number;
  readonly atol: number;
  /** Attempts at a step, accepted or not, that are recorded. */
  readonly maxSteps: number;
  /** The rates at s = 0, where they are known. */
  readonly first?: OdeState | undefined;
  /** Parts of the state that never change: they take part in the norms. */
  readonly constants?: OdeState;
  /** What is measured, at most 32. Default: one mean over all parts and constants. */
  readonly norms?: readonly Norm[];
}

/** A part of the state whose mean square is an error to be kept small; the largest of all counts. */
export interface Norm {
  /** Number of the part, or after all parts that of a constant. */
  readonly part: number;
  /** The first of its numbers that count, and how many do. Default: all. */
  readonly range?: readonly [number, number];
  /** Whether it is one mean with the norm before it. */
  readonly joins?: boolean;
}

/** A solution and how it was found. */
export interface AdaptiveSolution {
  readonly state: OdeState;
  /** After the last attempt, see {@link controls}. */
  readonly control: Tensor;
}

/**
 * Records the solution of `dy/ds = rates(y, s)` at the end of a span, in steps whose error is within `atol + rtol |y|`.
 *
 * The end is interpolated in the step that goes past it, not stepped to. Step lengths are constants of the backward pass. Where
 * the attempts do not suffice the solution is NaN, and `controls.open` is 1.
 */
export function solveAdaptive(
  plan: Plan,
  start: OdeState,
  rates: OdeRates,
  options: AdaptiveOptions,
): AdaptiveSolution {
  const norms = new Norms(plan, start, options);
  const opening = { clock: options.span, fraction: 0 };
  let f = options.first ?? rates(start, opening);
  let y = start;
  let control = plan.scoped("start", () => firstControl(plan, norms, y, f, rates, options.span));
  const result = start.map((part) => plan.activation("end", part.shape, part.layout, [part, ...f]));
  for (let i = 0; i < options.maxSteps; i++) {
    const from = { y, f, control };
    ({ y, f, control } = plan.scoped(`attempt.${i}`, () =>
      plan.segment(
        () => recordAttempt(plan, norms, from, rates, result),
        ({ y, f }) => [...y, ...f, ...result],
      )));
  }
  plan.gated(control, controls.open, () => result.forEach((part) => plan.fill(part, NaN)));
  return { state: result, control };
}

/** Adds to a number `(1)` how many solutions were not found in the attempts recorded. */
export function countUnsolved(plan: Plan, solved: readonly Tensor[], count: Tensor): void {
  const op = new Operation(plan, "countUnsolved", "trajectory.unsolved", kernel);
  for (const before of solved) op.run("count_unsolved", { before, y: count }, [1], { part: "" });
}

/** What to say where {@link countUnsolved} counts any: `doing` is what could not be done. */
export function unsolvedError(doing: string, count: number): Error {
  return new Error(
    `Cannot ${doing}: ${count} trajectories were not solved in the steps allowed; use a model trained with ` +
      "more --ode-max-steps, or a larger --ode-rtol and --ode-atol",
  );
}

/** Where an attempt starts. */
interface Beginning {
  readonly y: OdeState;
  readonly f: OdeState;
  readonly control: Tensor;
}

function recordAttempt(
  plan: Plan,
  norms: Norms,
  { y, f, control }: Beginning,
  rates: OdeRates,
  result: OdeState,
): Beginning {
  const gated = <T>(record: () => T): T => plan.gated(control, controls.open, record);
  const step = gated(() => recordStep(plan, norms, y, f, control, rates));
  const op = new Operation(plan, "decide", "", kernel);
  const next = op.constant([controlSize], "rows", "control");
  op.run("decide", { sums: step.sums, groups: norms.groups, before: control, next }, [1]);
  const moved = gated(() =>
    y.map((y0, part) => {
      const ends = { y0, y1: step.y[part], f0: f[part], f1: step.f[part] };
      return recordOutcome(plan, next, norms.dims(y0), ends, step.middle[part], result[part]);
    })
  );
  return { y: moved.map(({ y }) => y), f: moved.map(({ f }) => f), control: next };
}

/** Records a step: y and its slopes at its end, the increment to its middle, and sums over its errors. */
function recordStep(
  plan: Plan,
  norms: Norms,
  y: OdeState,
  f: OdeState,
  control: Tensor,
  rates: OdeRates,
): { y: OdeState; f: OdeState; middle: OdeState; sums: Tensor } {
  const { k, last } = recordStages(plan, y, rates, tableau, {
    clock: control,
    from: 0,
    length: 1,
    first: f,
  });
  const increment = (label: string, weights: readonly number[]) =>
    y.map((_, part) => {
      const terms = weights.map((factor, i) => ({ rate: k[i][part], factor }));
      return addRates(plan, label, control, undefined, terms);
    });
  const error = increment("error", errorWeights);
  const errorOf = (part: number) => ({ y1: last[part], increment: error[part] });
  return {
    y: last,
    f: k[k.length - 1],
    middle: increment("middle", middleWeights),
    sums: norms.record("norm_error", y, errorOf),
  };
}

/** A part of the state and its rates before and after a step. */
interface Ends {
  readonly y0: Tensor;
  readonly y1: Tensor;
  readonly f0: Tensor;
  readonly f1: Tensor;
}

/** Records where the next attempt starts, and, in the step that goes past the end, the solution there. */
function recordOutcome(
  plan: Plan,
  control: Tensor,
  dims: Uniform,
  { y0, y1, f0, f1 }: Ends,
  middle: Tensor,
  result: Tensor,
): { y: Tensor; f: Tensor } {
  const op = new Operation(plan, "recordOutcome", "", kernel);
  const { shape, layout } = y0;
  const y = op.output(shape, layout, [y0, y1], "y");
  const f = op.output(shape, layout, [f0, f1], "f");
  const workgroups = linearWorkgroups(y0.size);
  const given = { before: control, dims };
  const ends = { ...given, y0, y1, f0, f1 };
  op.run("advance", { ...ends, y, f }, workgroups);
  op.run("finish", { ...ends, increment: middle, y: result }, workgroups);
  op.backward([y, f, result], ([dY, dF, d_end]) => {
    const ofState = {
      d_0: op.target(y0),
      d_1: op.target(y1),
      d_increment: op.target(middle),
    };
    op.run("backward_state", { ...given, d_next: dY, d_end, ...ofState }, workgroups);
    const ofRates = { d_0: op.target(f0), d_1: op.target(f1) };
    op.run("backward_rates", { ...given, d_next: dF, d_end, ...ofRates }, workgroups);
  });
  return { y, f };
}

/** Records the first step's length. */
function firstControl(
  plan: Plan,
  norms: Norms,
  y: OdeState,
  f: OdeState,
  rates: OdeRates,
  span: Tensor,
): Tensor {
  const op = new Operation(plan, "firstControl", "", kernel);
  const trial = op.constant([4], "rows", "trial");
  const start = norms.record("norm_start", y, (part) => ({ f0: f[part] }));
  const groups = norms.groupsWithConstants;
  op.run("trial_length", { sums: start, groups, span, next_trial: trial }, [1]);
  const tried = rates(recordMove(plan, "trial", trial, y, [f], [1]), { clock: trial, fraction: 1 });
  const control = op.constant([controlSize], "rows", "control");
  const change = norms.record("norm_change", y, (part) => ({ f0: f[part], f1: tried[part] }));
  op.run(
    "first_length",
    { sums: change, groups: norms.groups, span, trial, next: control },
    [1],
  );
  return control;
}

const mostNorms = 32;

/** Sums over the parts of a state, and how they make means. */
class Norms {
  readonly groups: Uniform;
  readonly groupsWithConstants: Uniform;
  readonly #norms: readonly Norm[];
  /** For each norm, how many numbers its group has: sums bring it along, since lavapipe leaks lists that are read by number. */
  readonly #counts: readonly number[];

  constructor(
    private readonly plan: Plan,
    state: OdeState,
    private readonly options: Pick<AdaptiveOptions, "rtol" | "atol" | "norms" | "constants">,
  ) {
    const all = [...state, ...options.constants ?? []];
    this.#norms = options.norms ?? all.map((_, part) => ({ part, joins: part > 0 }));
    if (this.#norms.length > mostNorms) {
      throw new Error(
        `Cannot solve "${
          plan.path("state")
        }": it has ${this.#norms.length} norms, wanted at most ${mostNorms}`,
      );
    }
    const bits = (holds: (norm: Norm) => boolean | undefined) =>
      this.#norms.reduce((sum, norm, i) => sum + (holds(norm) ? 2 ** i : 0), 0);
    const ofGroups: number[] = [];
    this.#norms.forEach(({ part, range, joins }) => {
      const count = range?.[1] ?? all[part].shape.reduce((a, b) => a * b, 1);
      ofGroups.push(joins ? ofGroups.pop()! + count : count);
    });
    let group = -1;
    this.#counts = this.#norms.map(({ joins }) => ofGroups[joins ? group : ++group]);
    this.groupsWithConstants = {
      norms: this.#norms.length,
      joined: bits(({ joins }) => joins),
      absent: 0,
    };
    const absent = bits(({ part }) => part >= state.length); // what never changes
    this.groups = { ...this.groupsWithConstants, absent };
  }

  /** Records the sums of all norms; of constants only at the start. */
  record(
    entry: "norm_start" | "norm_change" | "norm_error",
    state: OdeState,
    others: (part: number) => Readonly<Record<string, Tensor>>,
  ): Tensor {
    const { plan, options: { constants = [] } } = this;
    const op = new Operation(plan, "norms", entry, kernel);
    const partials = op.constant([mostNorms * 64 * 4], "rows", "partials");
    this.#norms.forEach(({ part, range }, i) => {
      const changes = part < state.length;
      if (!changes && entry !== "norm_start") return;
      const y0 = changes ? state[part] : constants[part - state.length];
      const bindings = { partials, y0, dims: this.dims(y0, i, range) };
      if (changes) op.run(entry, { ...bindings, ...others(part) }, [64], { part: "" });
      else op.run("norm_constant", bindings, [64], { part: "" });
    });
    return partials;
  }

  dims(
    { size, shape, layout }: Tensor,
    norm = 0,
    [first, count]: readonly [number, number] = [0, size],
  ): Uniform {
    const { rtol, atol } = this.options;
    const inBlocks = layout === "blocks";
    return {
      size: first + count,
      norm,
      first,
      count: this.#counts[norm],
      block_size: inBlocks ? shape[2] * blockPoints : size,
      blocks: inBlocks ? blocksOf(shape[1]) : 1,
      points: inBlocks ? shape[1] : blockPoints, // rows have no padding
      rtol,
      atol,
    };
  }
}
