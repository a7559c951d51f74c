/**
 * The gradients of trajectories by backpropagation and by the adjoint method, and the memory that they take:
 * `deno task bench --trajectories` prints both, tests hold how far the gradients are apart.
 *
 * @module
 */
import { trunkCodes, velocityParameters } from "../../src/nets/dynamic_field.ts";
import { createMonoNerf, destroyMonoNerf } from "../../src/nets/mono_nerf.ts";
import { linearSpecs, ParameterGroup, type Parameters } from "../../src/nets/parameters.ts";
import { linear } from "../../src/ops/linear.ts";
import type { OdeTrajectory, Recipe } from "../../src/recipes/recipe.ts";
import { type AdjointProblem, solveWithAdjoint } from "../../src/trajectory/adjoint.ts";
import { controls, solveAdaptive } from "../../src/trajectory/dopri5.ts";
import { frameTrajectories } from "../../src/rendering/evaluate_fields.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { randomUniform } from "../../src/runtime/random.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, destroyTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { oscillators } from "./known_equation.ts";

/** How a solution is differentiated. */
export type GradientMethod = OdeTrajectory["gradient"];

/** Gradients of a random weighted sum of where points end. */
export interface SolutionGradients {
  /** With respect to the points, the code and each parameter, by name. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Bytes of the plan. */
  readonly bytes: number;
  /** Evaluations of steps that were chosen: of the forward solution, and by the adjoint method of the backward one too. */
  readonly evaluations: readonly number[];
}

/** Two sets of gradients beside each other: the norm of their difference over that of the first. */
export interface GradientDifference {
  /** Of all numbers together. */
  readonly all: number;
  /** Of the tensor whose own is largest. */
  readonly worst: number;
}

/** What is differentiated: records the end, and returns the controls of steps that are chosen, those of the backward solution when they come. */
type RecordSolution = (
  plan: Plan,
  points: Tensor,
  code: Tensor,
  onBackward: (control: Tensor) => void,
) => { end: Tensor; controls: readonly Tensor[] };

/** Records, runs and differentiates a solution. */
async function gradientsOf(
  gpu: Gpu,
  group: ParameterGroup,
  names: readonly string[],
  inputs: { points: Float32Array; code: Float32Array },
  record: RecordSolution,
): Promise<SolutionGradients> {
  const blocks = (
    name: string,
    channels: number,
    data: Float32Array,
    requiresGradient: boolean,
  ) => {
    const shape = [1, data.length / channels, channels];
    return createTensor(gpu, name, shape, { layout: "blocks", data, requiresGradient });
  };
  const points = blocks("points", 3, inputs.points, true);
  const code = blocks("code", inputs.code.length, inputs.code, true);
  const seed = blocks("seed", 3, noise(3, inputs.points.length), false);
  const plan = new Plan(gpu, "solution", { recompute: false });
  const solved: Tensor[] = [];
  const { end, controls: forward } = record(plan, points, code, (control) => solved.push(control));
  solved.push(...forward);
  group.recordGradients(plan);
  plan.differentiate([{ tensor: end, gradient: seed }]);
  const own = [points, code].map((tensor) => plan.keep(plan.gradientOf(tensor)!));
  for (const control of solved) plan.keep(control);
  const program = await plan.build();
  program.run();
  const [ofPoints, ofCode, ...controlled] = await readTensors(gpu, ...own, ...solved);
  const parameters = await group.read(group.gradients);
  const { bytes } = program;
  program.destroy();
  for (const tensor of [points, code, seed]) destroyTensor(gpu, tensor);
  if (controlled.some((control) => control[controls.open] !== 0)) {
    throw new Error("Cannot differentiate the solution: it was not found in the steps allowed");
  }
  return {
    gradients: new Map<string, Float32Array>([
      ["points", ofPoints],
      ["code", ofCode],
      ...names.map((name) => [name, parameters.get(name)!] as const),
    ]),
    bytes,
    evaluations: controlled.map((control) => control[controls.evaluations]),
  };
}

/** Gradients of trajectories to the next frame along the velocity field of a model that was not trained yet. */
export async function trajectoryGradients(
  gpu: Gpu,
  { model: sizes, seed }: Pick<Recipe, "model" | "seed">,
  trajectory: OdeTrajectory,
  points = 257,
): Promise<SolutionGradients> {
  const model = createMonoNerf(gpu, { sizes, seed });
  const { dynamic: group } = model;
  const times = createTensor(gpu, "times", [1, 2], { data: Float32Array.of(-0.1, 1 / 6) });
  const inputs = { points: noise(1, 3 * points), code: noise(2, sizes.globalCode) };
  try {
    return await gradientsOf(gpu, group, velocityParameters, inputs, (plan, points, code) => {
      const context = { group, code, codes: trunkCodes(plan, group, code), times, trajectory };
      const { moved: [end], controls } = frameTrajectories(plan, context, points, 0, [1]);
      return { end, controls };
    });
  } finally {
    destroyTensor(gpu, times);
    destroyMonoNerf(model);
  }
}

/** Gradients of the known equation's solution by dopri5; its code is a force of its own, and its parameters the layer's. */
export async function oscillatorGradients(
  gpu: Gpu,
  tolerances: { rtol: number; atol: number; maxSteps: number },
  gradient: GradientMethod,
): Promise<SolutionGradients> {
  const group = new ParameterGroup(gpu, "oscillators", linearSpecs("layer", 3, 3), true);
  group.write(
    new Map([["layer.weight", oscillators.weight], ["layer.bias", oscillators.bias]]),
  );
  const names = group.specs.map(({ name }) => name);
  const span = createTensor(gpu, "span", [2], { data: Float32Array.of(1, 0) });
  const inputs = { points: oscillators.start, code: Float32Array.of(0.3, -0.2, 0) };
  const rate = (plan: Plan, of: Parameters, code: Tensor, at: Tensor) =>
    linear(plan, "oscillators", at, {
      weight: of.get("layer.weight"),
      bias: of.get("layer.bias"),
      groupBias: code,
    });
  try {
    return await gradientsOf(gpu, group, names, inputs, (plan, points, code, onBackward) => {
      if (gradient === "adjoint") {
        const problem: AdjointProblem = {
          ...{ points, code, group, names, span },
          rate: (of, code, at) => rate(plan, of, code, at),
          solve: (start, rates, options, pass) =>
            solveAdaptive(plan, start, rates, {
              ...tolerances,
              ...options,
              maxSteps: (pass === "backward" ? 4 : 1) * tolerances.maxSteps,
            }),
        };
        const { end, control } = solveWithAdjoint(plan, problem, undefined, onBackward);
        return { end, controls: [control!] };
      }
      const { state: [end], control } = solveAdaptive(
        plan,
        [points],
        ([at]) => [rate(plan, group, code, at)],
        { ...tolerances, span, constants: [code] },
      );
      return { end, controls: [control] };
    });
  } finally {
    destroyTensor(gpu, span);
    group.destroy();
  }
}

/** How far two sets of gradients are apart. */
export function differenceOf(
  { gradients: one }: SolutionGradients,
  { gradients: other }: SolutionGradients,
): GradientDifference {
  const square = (of: Float32Array) => of.reduce((sum, x) => sum + x * x, 0);
  const each = [...one].map(([name, of]) => {
    const others = other.get(name)!;
    return { error: square(of.map((x, i) => x - others[i])), size: square(of) };
  });
  const sum = (key: "error" | "size") => each.reduce((sum, of) => sum + of[key], 0);
  return {
    all: Math.sqrt(sum("error") / sum("size")),
    worst: Math.sqrt(Math.max(...each.map(({ error, size }) => error / size))),
  };
}

/** Random numbers in ±1. */
function noise(stream: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 2 * randomUniform(0, stream, 0, i) - 1);
}
