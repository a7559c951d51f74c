/**
 * Gradients of solutions by the adjoint method (Chen et al. 2018): memory does not grow with steps. As in torchdiffeq, the
 * gradients of time and of each parameter take part in the control of adaptive steps.
 *
 * It fits the plan: the forward solution is recorded without a tape. The backward solution is that of one more equation, solved
 * from the end of the span to its start by the same solver, whose right-hand side is the field recorded again together with its
 * hand-written backward pass (a vector-Jacobian product); activations live for one evaluation and share their memory with all
 * others.
 *
 * @module
 */
import text from "../../wgsl/trajectory/adjoint.wgsl" with { type: "text" };
import { addRates } from "./add_rates.ts";
import type { Parameters } from "../nets/parameters.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { flatLayout } from "../runtime/views.ts";
import type { AdaptiveOptions, Norm } from "./dopri5.ts";
import type { OdeRates, OdeState, OdeTime } from "./ode.ts";

const kernel = defineKernel("wgsl/trajectory/adjoint.wgsl", text);

/** An equation `dp/ds = rate(p, s; code, parameters)` and how it is solved. */
export interface AdjointProblem {
  /** p at the start, `(scenes, points, 3)` in blocks. */
  readonly points: Tensor;
  /** `(scenes, 1, channels)` in blocks. */
  readonly code: Tensor;
  readonly group: Parameters;
  /** The parameters that the rate reads. */
  readonly names: readonly string[];
  /** `(2)` rows: the span's length, and 0. */
  readonly span: Tensor;
  /** Records the rate with a code and parameters. */
  rate(group: Parameters, code: Tensor, points: Tensor, time: OdeTime): Tensor;
  /** Records a solution: of the equation itself, or of the one that goes backward. */
  solve(
    start: OdeState,
    rates: OdeRates,
    options: Pick<AdaptiveOptions, "span" | "first" | "norms" | "constants">,
    pass: "forward" | "backward",
  ): { state: OdeState; control?: Tensor | undefined };
}

/**
 * Records the solution at the end of the span, differentiated by the adjoint method with respect to points, code and parameters.
 *
 * @param first the rate at the start, where it is known
 * @param onBackward told of the control of the backward solution, when it is recorded
 */
export function solveWithAdjoint(
  plan: Plan,
  problem: AdjointProblem,
  first: Tensor | undefined,
  onBackward: (control: Tensor) => void,
): { end: Tensor; control?: Tensor | undefined } {
  const { points, code, group, span } = problem;
  const { state: [end], control } = plan.untaped(() =>
    problem.solve(
      [points],
      ([at], time) => [problem.rate(group, code, at, time)],
      { span, first: first && [first], constants: [code] },
      "forward",
    )
  );
  plan.backward([end], ([dEnd]) => {
    const { control } = plan.scoped(
      "adjoint",
      () => plan.untaped(() => solveBackward(plan, problem, end, dEnd)),
    );
    if (control) onBackward(control);
  });
  return { end, control };
}

/** Records the augmented equation from the end to the start, and adds what it gives to the gradients. */
function solveBackward(
  plan: Plan,
  problem: AdjointProblem,
  end: Tensor,
  dEnd: Tensor,
): { control?: Tensor | undefined } {
  const { points, code, group, names, span } = problem;
  const zeros = (label: string, { shape, layout }: Tensor): Tensor => {
    const tensor = plan.activation(label, shape, layout);
    plan.fill(tensor, 0);
    return tensor;
  };
  const flat = flatLayout(names.map((name) => group.get(name).shape));
  const aliases = new Map(names.map((name) => [name, plan.alias(group.get(name))]));
  const aliased: Parameters = {
    label: group.label,
    get: (name) => aliases.get(name) ?? group.get(name),
  };
  const minusOne = plan.activation("minus_one", [2]);
  plan.fill(minusOne, -1);

  // d(p, a, a_g, a_s, a_θ)/ds = (f, −aᵀ ∂f/∂(p, g, s, θ)); a_s stands behind a zero, like the solver's clock
  const rates: OdeRates = ([p, a], { clock, fraction }) => {
    const at = plan.alias(p);
    const codeAlias = plan.alias(code);
    const now = plan.alias(recordTime(plan, clock, fraction));
    const dParameters = plan.activation("d_parameters", [flat.size]);
    plan.fill(dParameters, 0);
    flat.offsets.forEach((offset, i) => {
      const alias = aliases.get(names[i])!;
      const range = plan.range(dParameters, `d(${names[i]})`, alias.shape, offset);
      plan.writeGradientTo(alias, range);
    });
    const seed = addRates(plan, "seed", minusOne, undefined, [{ rate: a, factor: 1 }]);
    const { output, gradients } = plan.vjp(
      () => problem.rate(aliased, codeAlias, at, { clock: now, fraction: 0 }),
      seed,
      [at, codeAlias, now, ...aliases.values()],
    );
    const [dAt, dCode, dNow] = gradients;
    return [
      output,
      dAt ?? zeros("d_points", at),
      dCode ?? zeros("d_code", code),
      dNow ?? zeros("d_time", now),
      dParameters,
    ];
  };
  const backwards = recordBackwards(plan, span);
  const aCode = zeros("a_code", code);
  const aParameters = plan.activation("a_parameters", [flat.size]);
  plan.fill(aParameters, 0);
  const aTime = zeros("a_time", backwards);
  const norms: Norm[] = [
    ...[{ part: 0 }, { part: 5, joins: true }], // p and g
    ...[{ part: 1 }, { part: 2, joins: true }], // their gradients
    { part: 3, range: [1, 1] },
    ...names.map((name, i): Norm => ({
      part: 4,
      range: [flat.offsets[i], group.get(name).size],
    })),
  ];
  const start = [end, dEnd, aCode, aTime, aParameters];
  const options = { span: backwards, norms, constants: [code] };
  const { state, control } = problem.solve(start, rates, options, "backward");
  const [, dPoints, dCode, , dParameters] = state;
  plan.shareGradient(points, dPoints);
  plan.shareGradient(code, dCode);
  names.forEach((name, i) => {
    const parameter = group.get(name);
    const range = plan.range(dParameters, `a(${name})`, parameter.shape, flat.offsets[i]);
    plan.shareGradient(parameter, range);
  });
  return { control };
}

/** Records a clock that stands at a time: (0, s). */
function recordTime(plan: Plan, clock: Tensor, fraction: number): Tensor {
  const op = new Operation(plan, "recordTime", "now", kernel);
  const y = op.output([2], "rows", []);
  op.run("now", { clock, y, dims: { fraction } }, [1], { part: "" });
  return y;
}

/** Records the span backwards: (−length, its end). */
function recordBackwards(plan: Plan, span: Tensor): Tensor {
  const op = new Operation(plan, "recordBackwards", "backwards", kernel);
  const y = op.output([2], "rows", []);
  op.run("backwards", { clock: span, y }, [1], { part: "" });
  return y;
}
