/**
 * Trajectories measured: how exact their solvers and gradients are, what they take, and what they make of a training step.
 *
 * @module
 */
import { recipeValues, withValues } from "../../src/recipes/recipe_values.ts";
import type { OdeTrajectory, Recipe, Trajectory } from "../../src/recipes/recipe.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import type { Stage } from "../../src/training/stages.ts";
import { Progress } from "../terminal/progress.ts";
import { renderTable } from "../terminal/table.ts";
import type { BenchCase } from "./command.ts";
import { timeJobs, type Timing } from "./jobs.ts";
import { convergence, tolerances } from "./known_equation.ts";
import { usefulFlops } from "./parts.ts";
import { sizesLine } from "./report.ts";
import { requireFinite } from "./run.ts";
import { syntheticPair } from "./scene.ts";
import { differenceOf, oscillatorGradients, trajectoryGradients } from "./trajectory_gradients.ts";
import { Workbench } from "./workbench.ts";

/** Measures trajectories at a case's sizes and prints what it finds, part by part. */
export async function benchTrajectories(
  gpu: Gpu,
  { recipe, steps }: BenchCase,
  signal: AbortSignal,
): Promise<void> {
  const parts = [
    () => ordersTable(gpu),
    () => tolerancesTable(gpu),
    () => gradientsTable(gpu),
    () => networkTable(gpu, recipe),
    ...steps > 0 ? [() => stepsTable(gpu, recipe, steps, signal)] : [],
  ];
  for (const part of parts) {
    signal.throwIfAborted();
    console.log(`\n${await part()}`);
  }
}

async function ordersTable(gpu: Gpu): Promise<string> {
  const rows = (await convergence(gpu)).map(({ solver, steps, coarse, fine, order }) => [
    solver,
    String(steps),
    coarse.toExponential(2),
    fine.toExponential(2),
    order.toFixed(2),
  ]);
  const heading = ["forced oscillators", "steps", "error", "with twice the steps", "order"];
  return table(heading, rows);
}

async function tolerancesTable(gpu: Gpu): Promise<string> {
  const rows = (await tolerances(gpu)).map(({ rtol, atol, ratio, evaluations, rejected }) => [
    "dopri5",
    rtol.toExponential(0),
    atol.toExponential(0),
    ratio.toFixed(2),
    String(evaluations),
    String(rejected),
  ]);
  const heading = ["", "rtol", "atol", "error / (atol + rtol |p|)", "evaluations", "rejected"];
  return table(heading, rows);
}

/** dopri5's gradients of the known equation: the field is smooth, so they get better as its tolerances do. */
async function gradientsTable(gpu: Gpu): Promise<string> {
  const rows: string[][] = [];
  for (const [rtol, maxSteps] of [[1e-3, 16], [1e-4, 16], [1e-5, 16], [1e-5, 32]]) {
    const options = { rtol, atol: rtol / 10, maxSteps };
    const backprop = await oscillatorGradients(gpu, options, "backprop");
    const adjoint = await oscillatorGradients(gpu, options, "adjoint");
    const { all, worst } = differenceOf(backprop, adjoint);
    rows.push([
      rtol.toExponential(0),
      String(maxSteps),
      all.toExponential(1),
      worst.toExponential(1),
      adjoint.evaluations.join(" + "),
      megabytes(backprop.bytes),
      megabytes(adjoint.bytes),
    ]);
  }
  return table(
    [
      "dopri5, rtol",
      "attempts",
      "adjoint - backprop, all",
      "worst tensor",
      "evaluations",
      "backprop MB",
      "adjoint MB",
    ],
    rows,
  );
}

/** The same along the velocity field of a network. Its ReLUs have kinks: gradients get better with the first power of a step. */
async function networkTable(gpu: Gpu, recipe: Recipe): Promise<string> {
  const rows: string[][] = [];
  const ode = odeOf(recipe);
  const cases: (readonly [string, OdeTrajectory])[] = [
    ...[2, 4, 8, 16].map((steps) =>
      [`rk4, ${steps} steps`, { ...ode, solver: "rk4", stepSize: 1 / steps }] as const
    ),
    ...[4, 8, 16].map((maxSteps) =>
      [`dopri5, ${maxSteps} attempts`, { ...ode, solver: "dopri5", maxSteps }] as const
    ),
  ];
  for (const [name, trajectory] of cases) {
    const [backprop, adjoint] = [
      await trajectoryGradients(gpu, recipe, { ...trajectory, gradient: "backprop" }),
      await trajectoryGradients(gpu, recipe, { ...trajectory, gradient: "adjoint" }),
    ];
    const { all, worst } = differenceOf(adjoint, backprop);
    rows.push([
      name,
      all.toExponential(1),
      worst.toExponential(1),
      megabytes(backprop.bytes),
      megabytes(adjoint.bytes),
    ]);
  }
  const heading = [
    `velocity field, width ${recipe.model.hidden}`,
    "adjoint - backprop, all",
    "worst tensor",
    "backprop MB",
    "adjoint MB",
  ];
  return `${table(heading, rows)}\n` +
    `dopri5 at rtol ${ode.rtol} steps over the encoding's finest waves: backpropagation gives the gradient of its few steps,\n` +
    "the adjoint method that of the equation.";
}

/** Training steps with each trajectory, timed in turn. */
async function stepsTable(
  gpu: Gpu,
  recipe: Recipe,
  rounds: number,
  signal: AbortSignal,
): Promise<string> {
  const ode = odeOf(recipe);
  const trajectories: [string, Trajectory][] = [
    ["discrete, 2 steps", { kind: "discrete", steps: 2 }],
    ["euler", { ...ode, solver: "euler" }],
    ["midpoint", { ...ode, solver: "midpoint" }],
    ["rk4", { ...ode, solver: "rk4" }],
    ["rk4, adjoint", { ...ode, solver: "rk4", gradient: "adjoint" }],
    ["dopri5", { ...ode, solver: "dopri5" }],
    ["dopri5, adjoint", { ...ode, solver: "dopri5", gradient: "adjoint" }],
  ];
  const scenes = syntheticPair(recipe);
  const opened: { stage: Stage; workbench: Workbench }[] = [];
  const progress = Deno.stdout.isTerminal() ? new Progress() : undefined;
  let timings: Timing[];
  try {
    for (const [, trajectory] of trajectories) {
      const workbench = await Workbench.create(gpu, { ...recipe, trajectory }, scenes);
      opened.push({ stage: await workbench.open("dynamic"), workbench });
    }
    const jobs = opened.map(({ stage: { program } }, i) => ({
      name: trajectories[i][0],
      program,
      flops: usefulFlops(program.dispatches),
    }));
    timings = await timeJobs(gpu, jobs, rounds, {
      onJob: (job, round) => progress?.update({ what: job.name, step: round, steps: rounds }),
      signal,
    });
    for (const { stage } of opened) await requireFinite(gpu, stage);
  } finally {
    progress?.close();
    for (const { stage, workbench } of opened) {
      stage.destroy();
      workbench.destroy();
    }
  }
  const rows = timings.map(({ job, seconds }) => [
    job.name,
    (1 / seconds).toFixed(2),
    (1000 * seconds).toFixed(0),
    (timings[0].seconds / seconds).toFixed(2),
    megabytes(job.program.bytes),
  ]);
  const heading = ["dynamic step", "steps/s", "ms", "of discrete", "plan MB"];
  return `${sizesLine(recipe, scenes)}\n\n${table(heading, rows)}`;
}

/** The differential equation as the command line has it by default. */
function odeOf(recipe: Recipe): OdeTrajectory {
  const values = recipeValues(recipe);
  return withValues(recipe, { ...values, trajectory: "ode" }).trajectory as OdeTrajectory;
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const align = heading.map((_, i) => i === 0 ? "left" as const : "right" as const);
  return renderTable([heading, ...rows], { align });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}
