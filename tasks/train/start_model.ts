/**
 * The trained model that a run starts from.
 *
 * @module
 */
import { type Checkpoint, loadCheckpoint } from "../../src/data/run/checkpoint.ts";
import { DataError, exists } from "../../src/data/files.ts";
import { latestFinishedRun, RunFolder } from "../../src/data/run/run_folder.ts";
import { loadWeightsFile } from "../../src/data/weights/weights_file.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";
import { withModel } from "../../src/training/pretrained.ts";
import { toFlag } from "../terminal/options.ts";

/** A trained model, and the recipe fitted to it. */
export interface StartModel {
  /** The recipe with the model's widths, and its frames encoded as the model knows them. */
  readonly recipe: Recipe;
  /** Parameters by official name. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** The run's folder or the file. */
  readonly from: string;
  /** What it is, in words. */
  readonly line: string;
}

/** What the features of a model depend on besides its parameters. */
const encoding = [
  "encoderWidth",
  "encoderHeight",
  "encoderStatistics",
  "standardizeFeatures",
] as const;

/**
 * Loads a model and fits a recipe to it.
 *
 * @param from A run's folder, a checkpoint, or a checkpoint of the authors; by default the last finished `balloon` run.
 * @param given Numbers of the recipe that the command line gives.
 * @throws {DataError} If there is no such model, or a flag contradicts it.
 */
export async function chooseModel(
  recipe: Recipe,
  from: string | undefined,
  given: ReadonlySet<string>,
  runs: string,
): Promise<StartModel> {
  const path = from ?? await latestFinishedRun(runs, "balloon");
  if (path === undefined) {
    throw new DataError(
      `Cannot train "${recipe.name}": it starts from a trained model, and "${runs}" has no finished balloon run; ` +
        "run deno task train balloon before it, or name a run or checkpoint by --from",
    );
  }
  const { recipe: trained, tensors, about } = await open(path, recipe);
  const kept = Object.fromEntries(encoding.map((field) => [field, trained[field]]));
  const own = { ...kept, ...trained.model };
  const asked: Record<string, unknown> = { ...recipe, ...recipe.model };
  for (const [field, value] of Object.entries(own)) {
    if (!given.has(field) || asked[field] === value) continue;
    throw new DataError(
      `Cannot train with --${toFlag(field)} ${
        asked[field]
      }: the model of "${path}" has ${value}; leave the flag out`,
    );
  }
  return {
    recipe: { ...recipe, ...kept, model: trained.model },
    parameters: new Map([...tensors].map(([name, { data }]) => [name, data])),
    from: path,
    line: `Starting from "${path}": ${about}.`,
  };
}

async function open(
  path: string,
  recipe: Recipe,
): Promise<Pick<Checkpoint, "recipe" | "tensors"> & { about: string }> {
  if (!await exists(path)) {
    throw new DataError(`Cannot start from "${path}": there is no such run or file`);
  }
  if ((await Deno.stat(path)).isDirectory) {
    const run = await RunFolder.open(path);
    return described(await run.readCheckpoint());
  }
  const file = await loadWeightsFile(path);
  if (file.values.get("format") === "mononerf") return described(await loadCheckpoint(path));
  const kind = file.format === "safetensors" ? "safetensors" : "PyTorch";
  return { ...withModel(recipe, file), about: `parameters of a ${kind} file` };
}

function described(checkpoint: Checkpoint) {
  const { recipe, stage, step } = checkpoint;
  const far = stage === "done" ? "trained to its end" : `${step} steps into its ${stage} stage`;
  return { ...checkpoint, about: `${recipe.name} of ${recipe.scenes.join(" and ")}, ${far}` };
}
