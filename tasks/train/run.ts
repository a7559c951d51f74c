/**
 * A run from scenes on disk to scores: begun or gone on with, trained, evaluated.
 *
 * @module
 */
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { removeLeftovers } from "../../src/data/files.ts";
import type { Checkpoint } from "../../src/data/run/checkpoint.ts";
import {
  type EncoderSources,
  latestUnfinishedRun,
  RunFolder,
  type RunRecord,
} from "../../src/data/run/run_folder.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import type { Evaluation } from "../../src/evaluation/report.ts";
import { presets, type Recipe, type RecipeName, recipes } from "../../src/recipes/recipe.ts";
import { ImageRenderer } from "../../src/viewing/image_renderer.ts";
import { PointTracker } from "../../src/viewing/point_tracker.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import type { EncodingReport } from "../../src/training/encode_scenes.ts";
import { Trainer, TrainingError } from "../../src/training/trainer.ts";
import { openLpips } from "../evaluate/lpips.ts";
import { scenesOfRun } from "../evaluate/open_run.ts";
import { scoreRun } from "../evaluate/score.ts";
import { type FeatureKeeping, openFeatureCache } from "../terminal/feature_cache.ts";
import { Progress } from "../terminal/progress.ts";
import { type Pace, resumeCommand, type TrainCommand } from "./command.ts";
import { beganWith, chooseEncoders } from "./encoders.ts";
import { findScenes, loadScenes } from "./scenes.ts";
import { chooseModel } from "./start_model.ts";
import { encodingLine, factsLine, twinLine } from "./summary.ts";

/** Where runs are kept. */
const RUNS = "runs";

/** What is to be done: a recipe on scenes, from the start or from a checkpoint. */
interface Run {
  recipe: Recipe;
  scenes: Scene[];
  /** What to know of the choice of scenes. */
  note: string;
  /** Of a run that begins: parameters that are not seeded, by official name, and what they come from. */
  parameters?: ReadonlyMap<string, Float32Array>;
  encoders?: EncoderSources;
  from?: string;
  /** The folder of a run that goes on. */
  folder?: RunFolder;
  checkpoint?: Checkpoint;
}

/** Does what the command line asks for; after Ctrl-C the run is saved and can go on. */
export async function train(
  gpu: Gpu,
  command: Exclude<TrainCommand, { kind: "list" }>,
  signal: AbortSignal,
): Promise<void> {
  const run = command.kind === "resume"
    ? await resume(command.run, command.data)
    : await begin(command);
  console.log(factsLine(gpu, run.recipe, run.scenes, run.note));
  const directory = command.kind === "start" ? command.run : undefined;
  const trained = await carryOut(gpu, run, command, directory, signal);
  if (!trained || command.kind !== "start" || run.from === undefined || !command.twin) return;
  const twin = scratchTwin(run, command.encoders.given.has("learningRate"));
  console.log(
    `\nThe same from scratch, to compare, with a learning rate of ${twin.recipe.learningRate}:`,
  );
  const scratch = await carryOut(gpu, twin, command, join(trained.directory, "scratch"), signal);
  if (scratch) console.log(twinLine(trained.evaluation, scratch.evaluation));
}

/** The same run without its trained model, at the preset's own learning rate where none is given: a fair start from scratch. */
function scratchTwin({ from: _, parameters: __, recipe, ...rest }: Run, rateGiven: boolean): Run {
  const { learningRate } = rateGiven ? recipe : presets[recipe.preset];
  return { ...rest, recipe: { ...recipe, learningRate } };
}

/** Trains a run to its end and scores it; undefined where it was stopped before. */
async function carryOut(
  gpu: Gpu,
  run: Run,
  command: Exclude<TrainCommand, { kind: "list" }>,
  directory: string | undefined,
  signal: AbortSignal,
): Promise<{ directory: string; evaluation: Evaluation } | undefined> {
  const { recipe, scenes, checkpoint } = run;
  if (run.folder && run.folder.record.adapter !== gpu.description) {
    console.log(
      `The run began on "${run.folder.record.adapter}": on another adapter its numbers differ in the last digits.`,
    );
  }
  const trainer = await prepare(gpu, run, command.features, signal);
  try {
    const folder = run.folder ?? await newFolder(gpu, directory, run);
    console.log(`${checkpoint ? "Going on in" : "Writing to"} "${folder.directory}".`);
    try {
      const save = async () => await folder.writeCheckpoint({ recipe, ...await trainer.state() });
      if (!checkpoint) await save(); // from now on the folder can be gone on with
      const outcome = await trainSteps(trainer, folder, command.pace, save, signal);
      await save();
      if (outcome === "aborted") return undefined;
      const views = command.kind === "resume" ? command.evaluationViews : undefined;
      const count = views ?? recipe.evaluationViews;
      const evaluation = await score(trainer, folder, scenes, count, signal);
      return { directory: folder.directory, evaluation };
    } catch (error) {
      if (error instanceof TrainingError) {
        console.log(`The last good checkpoint stays in "${folder.directory}".`);
      }
      throw error;
    } finally {
      if (signal.aborted) {
        console.log(`Stopped. To go on: ${resumeCommand(folder.directory)}`);
      }
    }
  } finally {
    trainer.destroy();
  }
}

async function begin(command: Extract<TrainCommand, { kind: "start" }>): Promise<Run> {
  const start = await chooseStart(command);
  const { directories, note } = await findScenes(command.recipe, command.data, command.dataGiven);
  const scenes = await loadScenes(directories, start.recipe);
  for (const line of start.lines) console.log(line);
  const recipe = { ...start.recipe, scenes: scenes.map(({ name }) => name) };
  return { ...start, recipe, scenes, note };
}

/** What a run that begins starts from: a trained model, or encoders and seeded fields. */
async function chooseStart(
  { recipe, encoders, from }: Extract<TrainCommand, { kind: "start" }>,
): Promise<Pick<Run, "recipe" | "parameters" | "encoders" | "from"> & { lines: string[] }> {
  if (from !== undefined || recipes[recipe.name as RecipeName].fromModel) {
    const { line, ...model } = await chooseModel(recipe, from, encoders.given, RUNS);
    return { ...model, lines: [line] };
  }
  const { recipe: fitted, encoderWeights, sources, lines } = await chooseEncoders(recipe, encoders);
  return { recipe: fitted, parameters: encoderWeights, encoders: sources, lines };
}

async function resume(directory?: string, data?: string): Promise<Run> {
  const folder = await RunFolder.open(directory ?? await latestUnfinishedRun(RUNS));
  await removeLeftovers(folder.directory);
  const checkpoint = await folder.readCheckpoint();
  const { recipe } = folder.record;
  const scenes = await scenesOfRun(folder, { verb: "go on with", remedy: "start a new run" }, data);
  await folder.trimMetrics(checkpoint);
  for (const line of folder.record.encoders ? beganWith(folder.record.encoders) : []) {
    console.log(line);
  }
  return { recipe, scenes, note: "", folder, checkpoint };
}

async function newFolder(
  gpu: Gpu,
  directory: string | undefined,
  { recipe, scenes, encoders, from }: Run,
): Promise<RunFolder> {
  const record: RunRecord = {
    version: config.version,
    adapter: gpu.description,
    scenes: scenes.map(({ directory, frames, width, height }) => ({
      directory,
      frames,
      width,
      height,
    })),
    encoders,
    from,
    recipe,
  };
  return directory !== undefined
    ? await RunFolder.createAt(directory, record)
    : await RunFolder.create(RUNS, `${recipe.name}-${recipe.preset}`, record);
}

async function prepare(
  gpu: Gpu,
  { recipe, scenes, parameters, checkpoint }: Run,
  features: FeatureKeeping,
  signal: AbortSignal,
): Promise<Trainer> {
  const progress = new Progress({ every: Infinity }); // a bar in a terminal, no lines elsewhere
  const reports: EncodingReport[] = [];
  try {
    return await Trainer.create(gpu, recipe, scenes, {
      state: checkpoint,
      parameters,
      cache: openFeatureCache(features, (line) => progress.log(line)),
      onEncoded: (report) => reports.push(report),
      signal,
      onProgress: (what, fraction) =>
        progress.update({ what, step: Math.min(99, Math.round(100 * fraction)), steps: 100 }),
    });
  } finally {
    progress.close();
    if (reports.length > 0) console.log(encodingLine(reports));
  }
}

async function trainSteps(
  trainer: Trainer,
  folder: RunFolder,
  { reportEvery, checkpointEvery }: Pace,
  save: () => Promise<void>,
  signal: AbortSignal,
): Promise<"done" | "aborted"> {
  const progress = new Progress({ every: 5 * reportEvery });
  const { skipNorm } = trainer.recipe;
  let told = false;
  try {
    return await trainer.run({
      signal,
      reportEvery,
      onReport: async (report) => {
        const { stage, step, steps, losses, psnr } = report;
        progress.update({ what: stage, step, steps, loss: losses.total, psnr });
        if (!told && stage === "dynamic" && skipNorm > 0 && report.gradientNorm > skipNorm) {
          told = true;
          progress.log(
            `Step ${step} is left out: its gradient's norm is ${
              report.gradientNorm.toFixed(0)
            }, over ${skipNorm} (--skip-norm). ` +
              "If metrics.jsonl has many such steps the model stands still: try a smaller --learning-rate.",
          );
        }
        await folder.appendMetrics({ ...report });
      },
      checkpointEvery,
      onCheckpoint: save,
    });
  } finally {
    progress.close();
  }
}

/** Renders and scores views, and writes all that a person looks at; `evaluation.json` comes last. */
async function score(
  trainer: Trainer,
  folder: RunFolder,
  scenes: readonly Scene[],
  views: number,
  signal: AbortSignal,
): Promise<Evaluation> {
  const { model, recipe, gpu } = trainer;
  const encoded = await trainer.encode({ signal });
  const renderer = await ImageRenderer.create(model, encoded, recipe);
  const tracker = await PointTracker.create(model, encoded, recipe);
  const lpips = await openLpips(gpu);
  try {
    return await scoreRun({ renderer, tracker, folder, scenes, views, lpips, signal });
  } finally {
    lpips.lpips?.destroy();
    tracker.destroy();
    renderer.destroy();
  }
}
