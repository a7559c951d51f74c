/**
 * The folder of one training run.
 *
 * ```
 * runs/balloon-small/
 *   recipe.json             every setting, the scenes, adapter and version
 *   metrics.jsonl           one line a report: losses, PSNR, dynamicness
 *   checkpoint.safetensors  the model, and what the run needs to go on
 *   evaluation.json         scores of held-out views; there when the run is finished
 *   renders/                pictures of each scored view
 *   contact-sheet.png       a few of them side by side
 *   report.html             scores, curves and pictures, in one file
 * ```
 *
 * Evaluations by a protocol that was asked for stand beside these: `evaluation-mononerf.json`, `report-mononerf.html` ….
 *
 * @module
 */
import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { asRecipe } from "../../recipes/as_recipe.ts";
import type { Recipe } from "../../recipes/recipe.ts";
import {
  type Checkpoint,
  type CheckpointStage,
  checkpointStages,
  decodeCheckpoint,
  encodeCheckpoint,
} from "./checkpoint.ts";
import { DataError, exists, readFile, writeFileAtomically } from "../files.ts";
import { encodePng } from "../formats/png.ts";

/** A scene as a run trained on it. */
export interface RunScene {
  /** The scene's folder. */
  directory: string;
  /** Its number of frames. */
  frames: number;
  /** Their size in training, pixels. */
  width: number;
  /** See `width`. */
  height: number;
}

/** A file of weights; null: seeded ones. */
export type EncoderSource = { file: string; sha256: string } | null;

/** What the encoders of a run started from. */
export interface EncoderSources {
  /** The video encoder. */
  video: EncoderSource;
  /** The image encoder. */
  image: EncoderSource;
}

/** The content of `recipe.json`: all that decides a run. */
export interface RunRecord {
  /** Version of this program. */
  version: string;
  /** What the run was started on, in words. */
  adapter: string;
  /** Its scenes. */
  scenes: RunScene[];
  /** What its encoders started from; older runs do not say. Their weights are in the checkpoint. */
  encoders?: EncoderSources | undefined;
  /** The run or checkpoint whose model it started from. */
  from?: string | undefined;
  /** Its settings. */
  recipe: Recipe;
}

/** How far a line of metrics or a checkpoint is. */
export interface RunPosition {
  /** The stage under way. */
  stage: CheckpointStage;
  /** Steps done in that stage. */
  step: number;
}

const RECIPE = "recipe.json";
const METRICS = "metrics.jsonl";
const CHECKPOINT = "checkpoint.safetensors";
const EVALUATION = "evaluation.json";
const SHEET = "contact-sheet.png";
const REPORT = "report.html";
const RENDERS = "renders";

/** A run's folder, made or opened. */
export class RunFolder {
  private constructor(
    /** The folder's path. */
    readonly directory: string,
    /** What `recipe.json` says. */
    readonly record: RunRecord,
  ) {}

  /**
   * Makes a new run's folder with its `recipe.json`; `name` is made unique by a number where it is taken.
   *
   * @param parent The folder of all runs; made where it is missing.
   * @param name `balloon-small`
   * @throws {DataError} If the folder cannot be written.
   */
  static async create(parent: string, name: string, record: RunRecord): Promise<RunFolder> {
    await make(parent);
    for (let number = 1;; number++) {
      const directory = join(parent, number === 1 ? name : `${name}-${number}`);
      try {
        await Deno.mkdir(directory);
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) continue;
        throw cannotWrite(directory, error);
      }
      return await RunFolder.#begin(directory, record);
    }
  }

  /**
   * Makes a new run's folder at a path of its own.
   *
   * @throws {DataError} If something is there, or the folder cannot be written.
   */
  static async createAt(directory: string, record: RunRecord): Promise<RunFolder> {
    await make(directory);
    for await (const entry of Deno.readDir(directory)) {
      throw new DataError(
        `Cannot start a run in "${directory}": it is not empty (it has "${entry.name}"); choose another folder, ` +
          `or go on with the run in it: --resume ${directory}`,
      );
    }
    return await RunFolder.#begin(directory, record);
  }

  static async #begin(directory: string, record: RunRecord): Promise<RunFolder> {
    await writeJson(join(directory, RECIPE), record);
    return new RunFolder(directory, record);
  }

  /**
   * Opens a run's folder.
   *
   * @throws {DataError} If it is none, or its `recipe.json` cannot be used.
   */
  static async open(directory: string): Promise<RunFolder> {
    const path = join(directory, RECIPE);
    const bytes = await readFile(path, `"${directory}" is no run's folder; name one under runs/`);
    try {
      return new RunFolder(directory, asRecord(JSON.parse(new TextDecoder().decode(bytes))));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new DataError(`Cannot use "${path}": ${message}; start a new run`, { cause: error });
    }
  }

  /** Path of something in the folder. */
  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** Whether the run has its scores. */
  isFinished(): Promise<boolean> {
    return exists(this.path(EVALUATION));
  }

  /** Adds a line to `metrics.jsonl`. */
  async appendMetrics(report: RunPosition & Record<string, unknown>): Promise<void> {
    const path = this.path(METRICS);
    try {
      await Deno.writeTextFile(path, `${JSON.stringify(report)}\n`, { append: true });
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  /** The lines of `metrics.jsonl`, but for one that was cut short. */
  async readMetrics(): Promise<(RunPosition & Record<string, unknown>)[]> {
    const path = this.path(METRICS);
    if (!await exists(path)) return [];
    const lines = new TextDecoder().decode(await readFile(path)).split("\n");
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return []; // the last line of a run that was killed, and the empty one at the end
      }
    });
  }

  /** Drops the lines of `metrics.jsonl` after a position: those of steps that a resumed run makes again. */
  async trimMetrics(position: RunPosition): Promise<void> {
    const path = this.path(METRICS);
    if (!await exists(path)) return;
    const lines = (await this.readMetrics()).filter((line) => !isAfter(line, position));
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    await writeFileAtomically(path, encode(text));
  }

  /** Writes the checkpoint; the one before stays until the new one is whole. */
  async writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    await writeFileAtomically(this.path(CHECKPOINT), encodeCheckpoint(checkpoint));
  }

  /**
   * Reads the checkpoint.
   *
   * @throws {DataError} If it is missing, cannot be used, or belongs to another recipe.
   */
  async readCheckpoint(): Promise<Checkpoint> {
    const path = this.path(CHECKPOINT);
    const bytes = await readFile(
      path,
      "the run ended before its first checkpoint; start a new one",
    );
    const checkpoint = decodeCheckpoint(bytes, path);
    const [own, stored] = [this.record.recipe, checkpoint.recipe].map((part) =>
      JSON.stringify(part)
    );
    if (own !== stored) {
      throw new DataError(
        `Cannot go on from "${path}": it was trained with another recipe than "${
          this.path(RECIPE)
        }" says; ` +
          "put back the files that belong together",
      );
    }
    return checkpoint;
  }

  /** Writes `evaluation.json`, which ends the run; or that of a protocol that was asked for. */
  async writeEvaluation(evaluation: unknown, protocol?: string): Promise<void> {
    await writeJson(this.path(variant(EVALUATION, protocol)), evaluation);
  }

  /**
   * Reads an evaluation; undefined where there is none.
   *
   * @throws {DataError} If it cannot be read.
   */
  async readEvaluation(protocol?: string): Promise<unknown> {
    const path = this.path(variant(EVALUATION, protocol));
    if (!await exists(path)) return undefined;
    const bytes = await readFile(path);
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new DataError(`Cannot read "${path}": it is no JSON; remove it and evaluate again`, {
        cause,
      });
    }
  }

  /** Writes the report; its path. */
  async writeReport(html: string, protocol?: string): Promise<string> {
    const path = this.path(variant(REPORT, protocol));
    await writeFileAtomically(path, encode(html));
    return path;
  }

  /** Writes a picture `[height, width, 3]` into `renders/`, as a PNG. */
  async writeRender(name: string, picture: NdArray<Uint8Array>): Promise<void> {
    await make(this.path(RENDERS));
    await writeFileAtomically(this.path(RENDERS, `${name}.png`), encodePng(picture));
  }

  /** Writes the contact sheet `[height, width, 3]`; its path. */
  async writeContactSheet(sheet: NdArray<Uint8Array>, protocol?: string): Promise<string> {
    const path = this.path(variant(SHEET, protocol));
    await writeFileAtomically(path, encodePng(sheet));
    return path;
  }
}

/**
 * The run to go on with when none is named: among those that are not finished, the one that was written to last.
 *
 * @param parent The folder of all runs.
 * @throws {DataError} If there is none.
 */
export async function latestUnfinishedRun(parent: string): Promise<string> {
  const unfinished = (directory: string) => lacks(join(directory, EVALUATION));
  return await latestRun(parent, unfinished) ?? raise(
    new DataError(
      `Cannot go on with a run: "${parent}" has none that is unfinished; start one, or name its folder: --resume FOLDER`,
    ),
  );
}

/**
 * The finished run of a recipe that was written to last; undefined where there is none.
 *
 * @param parent The folder of all runs.
 */
export async function latestFinishedRun(
  parent: string,
  recipe: string,
): Promise<string | undefined> {
  return await latestRun(parent, async (directory) => {
    if (await lacks(join(directory, EVALUATION))) return false;
    const { record } = await RunFolder.open(directory);
    return record.recipe.name === recipe;
  });
}

/** The accepted run with the youngest checkpoint. */
async function latestRun(
  parent: string,
  accepts: (directory: string) => Promise<boolean>,
): Promise<string | undefined> {
  const found: { directory: string; time: number }[] = [];
  for (const name of await folders(parent)) {
    const directory = join(parent, name);
    if (await lacks(join(directory, CHECKPOINT)) || !await accepts(directory)) continue;
    const { mtime } = await Deno.stat(join(directory, CHECKPOINT));
    found.push({ directory, time: mtime?.getTime() ?? 0 });
  }
  found.sort((a, b) => b.time - a.time || a.directory.localeCompare(b.directory));
  return found[0]?.directory;
}

async function lacks(path: string): Promise<boolean> {
  return !await exists(path);
}

function raise(error: Error): never {
  throw error;
}

async function folders(parent: string): Promise<string[]> {
  if (!await exists(parent)) return [];
  const names: string[] = [];
  for await (const entry of Deno.readDir(parent)) if (entry.isDirectory) names.push(entry.name);
  return names;
}

/** `report.html` → `report-mononerf.html` */
function variant(name: string, protocol: string | undefined): string {
  return protocol === undefined ? name : name.replace(/(?=\.\w+$)/, `-${protocol}`);
}

/** Whether a position is after another. */
function isAfter(one: RunPosition, other: RunPosition): boolean {
  const stages = checkpointStages.indexOf(one.stage) - checkpointStages.indexOf(other.stage);
  return stages > 0 || (stages === 0 && one.step > other.step);
}

function asRecord(value: unknown): RunRecord {
  const { version, adapter, scenes, encoders, from = "", recipe } = (value ?? {}) as Partial<
    RunRecord
  >;
  for (const [name, text] of Object.entries({ version, adapter, from })) {
    if (typeof text !== "string") {
      throw new TypeError(`"${name}" is ${JSON.stringify(text)}, wanted a text`);
    }
  }
  const isScene = (scene: RunScene) =>
    typeof scene?.directory === "string" &&
    [scene.frames, scene.width, scene.height].every(Number.isInteger);
  if (!Array.isArray(scenes) || !scenes.every(isScene)) {
    throw new TypeError('"scenes" is wanted as a list of {directory, frames, width, height}');
  }
  const isSource = (source?: EncoderSource) =>
    source === null || (typeof source?.file === "string" && typeof source.sha256 === "string");
  if (encoders !== undefined && !(isSource(encoders?.video) && isSource(encoders.image))) {
    throw new TypeError('"encoders" is wanted as {video, image}, each null or {file, sha256}');
  }
  return { ...value as RunRecord, recipe: asRecipe(recipe) };
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomically(path, encode(`${JSON.stringify(value, null, 2)}\n`));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function make(directory: string): Promise<void> {
  try {
    await Deno.mkdir(directory, { recursive: true });
  } catch (error) {
    throw cannotWrite(directory, error);
  }
}

function cannotWrite(path: string, error: unknown): DataError {
  const message = error instanceof Error ? error.message : String(error);
  return new DataError(`Cannot write "${path}": ${message}`, { cause: error });
}
