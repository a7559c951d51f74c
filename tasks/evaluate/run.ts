/**
 * Evaluating runs: each scored where that is wanted, then all of them in one table.
 *
 * @module
 */
import { DataError } from "../../src/data/files.ts";
import { RunFolder } from "../../src/data/run/run_folder.ts";
import { scoredViews } from "../../src/evaluation/protocols.ts";
import type { Evaluation } from "../../src/evaluation/report.ts";
import { type Gpu, openGpu } from "../../src/runtime/device.ts";
import type { EvaluateCommand } from "./command.ts";
import { comparisonTables, type ScoredRun } from "./compare.ts";
import { openLpips } from "./lpips.ts";
import { nameScenes, openModel, scenesOfRun } from "./open_run.ts";
import { scoreRun } from "./score.ts";

/** Does what the command line asks for: scores one run again, or compares several. */
export async function evaluateRuns(command: EvaluateCommand, signal: AbortSignal): Promise<void> {
  const folders: RunFolder[] = [];
  for (const run of command.runs) folders.push(await RunFolder.open(run)); // all of them before work begins
  const reuse = folders.length > 1 && !command.again && command.views === undefined;
  let gpu: Gpu | undefined;
  const scored: ScoredRun[] = [];
  for (const folder of folders) {
    const known = reuse ? await knownScores(folder, command) : undefined;
    if (!known) gpu ??= await openGpu();
    const evaluation = known ?? await evaluateRun(gpu!, folder, command, signal);
    scored.push({ run: folder.directory, evaluation });
  }
  if (scored.length > 1) console.log(`\n${comparisonTables(scored)}`);
}

async function evaluateRun(
  gpu: Gpu,
  folder: RunFolder,
  { protocol, views, data, lpips: files, features }: EvaluateCommand,
  signal: AbortSignal,
): Promise<Evaluation> {
  const { recipe } = folder.record;
  console.log(`\n"${folder.directory}", on ${gpu.description}`);
  const scenes = await scenesOfRun(folder, { verb: "evaluate", remedy: nameScenes }, data);
  const count = views ?? (protocol === undefined ? recipe.evaluationViews : 0);
  for (const scene of scenes) { // what cannot be scored is said before the model is loaded
    scoredViews(scene, count, { protocol, seenFrames: recipe.dynamicFrames });
  }
  const lpips = await openLpips(gpu, files);
  try {
    const model = await openModel(gpu, folder, scenes, features, signal);
    try {
      const { renderer, tracker } = model;
      const request = { renderer, tracker, folder, scenes, views: count, protocol, lpips, signal };
      return await scoreRun(request);
    } finally {
      model.destroy();
    }
  } finally {
    lpips.lpips?.destroy();
  }
}

/** The scores that a run has already. */
async function knownScores(
  folder: RunFolder,
  { protocol }: EvaluateCommand,
): Promise<Evaluation | undefined> {
  const value = await folder.readEvaluation(protocol);
  if (value === undefined) return undefined;
  const { protocol: title, psnr, scenes, baselines } = value as Partial<Evaluation>;
  if (typeof title === "string" && typeof psnr === "number" && scenes && baselines) {
    return value as Evaluation;
  }
  throw new DataError(
    `Cannot use the scores in "${folder.directory}": they are not those of an evaluation; ` +
      "evaluate the run alone to write them anew",
  );
}
