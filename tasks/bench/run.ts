/**
 * Measuring one set of sizes.
 *
 * @module
 */
import type { Gpu } from "../../src/runtime/device.ts";
import type { ProfileRow, Program } from "../../src/runtime/program.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import type { Stage } from "../../src/training/stages.ts";
import { Progress } from "../terminal/progress.ts";
import type { BenchCase } from "./command.ts";
import { fastest, type Job, median, timeJobs } from "./jobs.ts";
import { byParts, usefulFlops } from "./parts.ts";
import { fastestProducts } from "./products.ts";
import { memoryTable, partsTable, sizesLine, speedTable, type StepTiming } from "./report.ts";
import { syntheticPair } from "./scene.ts";
import { Workbench } from "./workbench.ts";

/** Measures the stages of a case and prints what it finds. */
export async function bench(gpu: Gpu, of: BenchCase, signal: AbortSignal): Promise<void> {
  const { recipe } = of;
  const scenes = syntheticPair(recipe);
  console.log(`\n${sizesLine(recipe, scenes)}\n`);
  const progress = Deno.stdout.isTerminal() ? new Progress() : undefined;
  const started = gpu.allocatedBytes;
  gpu.peakBytes = started;
  const workbench = await Workbench.create(gpu, recipe, scenes);
  const memory: Record<string, number> = { ...workbench.bytes };
  let peak = gpu.peakBytes - started;
  const timings: StepTiming[] = [];
  for (const name of of.stages) {
    const before = gpu.allocatedBytes;
    const stage = await workbench.open(name);
    memory[`${name} plan`] = stage.program.bytes;
    memory[`${name} moments, batch`] = gpu.allocatedBytes - before - stage.program.bytes;
    peak = Math.max(peak, gpu.allocatedBytes - started);
    if (of.steps > 0) timings.push(await timeStep(gpu, of, stage, progress, signal));
    stage.destroy();
  }
  progress?.close();
  workbench.destroy();
  for (const timing of timings) console.log(`${partsTable(timing)}\n`);
  if (timings.length > 0) console.log(`${speedTable(timings, of.wantedRatio)}\n`);
  console.log(memoryTable({ ...memory, peak }));
}

/** Times a stage's step beside matrix products, then its dispatches. */
async function timeStep(
  gpu: Gpu,
  { recipe, steps }: BenchCase,
  stage: Stage,
  progress: Progress | undefined,
  signal: AbortSignal,
): Promise<StepTiming> {
  const { name, program } = stage;
  const products = await fastestProducts(gpu, recipe.model, signal);
  const step: Job = { name: `${name} step`, program, flops: usefulFlops(program.dispatches) };
  const [timing, ...others] = await timeJobs(gpu, [step, ...products.jobs], steps, {
    onJob: (job, round) => progress?.update({ what: job.name, step: round, steps }),
    signal,
  });
  products.destroy();
  await requireFinite(gpu, stage);
  const rounds = timing.seconds > longStep ? 1 : Math.min(steps, 3);
  const parts = gpu.timestamps ? byParts(await profile(program, rounds)) : undefined;
  return { name, timing, product: fastest(others), parts };
}

/** Steps that do not compute what they should are not worth timing. */
export async function requireFinite(
  gpu: Gpu,
  { name, logged, loggedTensors }: Stage,
): Promise<void> {
  const values = (await readTensors(gpu, ...loggedTensors)).flatMap((part) => [...part]);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new Error(
    `Cannot trust the ${name} step's time: its ${logged[bad]} is ${
      values[bad]
    }; see whether \`deno task test\` passes here`,
  );
}

/** Seconds; a step that takes longer is taken to pieces once only. */
const longStep = 20;

/** The median time of each dispatch. */
async function profile(program: Program, rounds: number): Promise<ProfileRow[]> {
  const all: ProfileRow[][] = [];
  for (let i = 0; i < rounds; i++) all.push(await program.profile());
  return all[0].map((row, i) => ({
    ...row,
    milliseconds: median(all.map((rows) => rows[i].milliseconds)),
  }));
}
