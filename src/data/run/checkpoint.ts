/**
 * Checkpoints: a model with its recipe and how far it is trained, as one safetensors file.
 *
 * The file holds the parameters under the official names and, while a stage is under way, Adam's moments as
 * `optimizer.<parameter>.exp_avg` and `….exp_avg_sq`. Its metadata holds the recipe, the stage and the step. Random numbers
 * are functions of the recipe's seed and the step, so this is all that a run needs to go on exactly. Nothing else is in it,
 * no time and no machine: equal states give equal bytes.
 *
 * @module
 */
import { asRecipe } from "../../recipes/as_recipe.ts";
import type { Recipe } from "../../recipes/recipe.ts";
import { DataError, readFile } from "../files.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsTensor,
} from "../formats/safetensors.ts";

/** A float32 tensor in memory, row-major. */
export interface NamedTensor {
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
  /** The numbers. */
  readonly data: Float32Array;
}

/** Where a run can stand: in one of its two stages, or past both. */
export const checkpointStages = ["static", "dynamic", "done"] as const;

/** Where a run stands. */
export type CheckpointStage = typeof checkpointStages[number];

/** A model, its recipe, and how far it is trained. */
export interface Checkpoint {
  /** What is trained, and how. */
  readonly recipe: Recipe;
  /** The stage under way. */
  readonly stage: CheckpointStage;
  /** Steps done in that stage. */
  readonly step: number;
  /** Parameters by official name. */
  readonly tensors: Map<string, NamedTensor>;
  /** Adam's moments of the stage under way: `<parameter>.exp_avg`, `<parameter>.exp_avg_sq`. */
  readonly optimizer: Map<string, NamedTensor>;
}

const FORMAT = "mononerf";
const VERSION = "1";
const OPTIMIZER = "optimizer.";
const REMEDY = "take a checkpoint.safetensors that this program wrote";

/**
 * Encodes a checkpoint as a safetensors file; equal checkpoints give equal bytes.
 *
 * @example Keep what a trainer has learned
 * ```ts
 * import type { Trainer } from "../../training/mod.ts";
 * import { encodeCheckpoint } from "../mod.ts";
 *
 * async function save(trainer: Trainer, path: string) {
 *   const checkpoint = { recipe: trainer.recipe, ...await trainer.state() };
 *   await Deno.writeFile(path, encodeCheckpoint(checkpoint));
 * }
 * ```
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const { recipe, stage, step, tensors, optimizer } = checkpoint;
  const stored = ({ shape, data }: NamedTensor): SafetensorsTensor => ({
    dtype: "F32",
    shape: [...shape],
    data,
  });
  const all = new Map<string, SafetensorsTensor>();
  for (const [name, tensor] of tensors) all.set(name, stored(tensor));
  for (const [name, tensor] of optimizer) all.set(OPTIMIZER + name, stored(tensor));
  return encodeSafetensors(all, {
    format: FORMAT,
    version: VERSION,
    stage,
    step: String(step),
    recipe: JSON.stringify(recipe),
  });
}

/**
 * Decodes a checkpoint.
 *
 * @param name Where the bytes came from, for messages.
 * @throws {DataError} If the bytes are damaged or cut short, are no checkpoint, or one of another version.
 */
export function decodeCheckpoint(bytes: Uint8Array, name: string): Checkpoint {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}`);
  const { tensors: all, metadata } = decodeSafetensors(bytes, name);
  const { format, version, stage, step } = metadata;
  if (format !== FORMAT) {
    throw fail(`its metadata has format "${format}", wanted "${FORMAT}"; ${REMEDY}`);
  }
  if (version !== VERSION) {
    throw fail(
      `its format has version "${version}", wanted "${VERSION}"; use the program that wrote it`,
    );
  }
  if (!isStage(stage)) {
    throw fail(`its stage is "${stage}", wanted ${checkpointStages.join(" or ")}; ${REMEDY}`);
  }
  if (!/^\d+$/.test(step)) throw fail(`its step is "${step}", wanted a whole number; ${REMEDY}`);
  const tensors = new Map<string, NamedTensor>(), optimizer = new Map<string, NamedTensor>();
  for (const [key, { dtype, shape, data }] of all) {
    if (dtype !== "F32") throw fail(`tensor "${key}" has dtype ${dtype}, wanted F32; ${REMEDY}`);
    const moment = key.startsWith(OPTIMIZER);
    (moment ? optimizer : tensors).set(moment ? key.slice(OPTIMIZER.length) : key, { shape, data });
  }
  return {
    recipe: readRecipe(metadata.recipe, fail),
    stage,
    step: Number(step),
    tensors,
    optimizer,
  };
}

/**
 * Loads a checkpoint from a file, a URL, or bytes.
 *
 * @param source A path, a `file:` or `http(s):` URL, or the file's bytes.
 * @throws {DataError} If it cannot be had, or {@linkcode decodeCheckpoint} cannot use it.
 *
 * @example Say how far a run has come
 * ```ts
 * import { loadCheckpoint } from "../mod.ts";
 *
 * const { recipe, stage, step } = await loadCheckpoint("runs/balloon-small/checkpoint.safetensors");
 * console.log(`${recipe.scenes.join(", ")}: step ${step} of stage ${stage}`);
 * ```
 */
export async function loadCheckpoint(source: string | URL | Uint8Array): Promise<Checkpoint> {
  if (source instanceof Uint8Array) return decodeCheckpoint(source, "checkpoint");
  const name = String(source);
  if (/^https?:/.test(name)) return decodeCheckpoint(await fetchBytes(name), name);
  const { fileURLToPath } = await import("node:url");
  const path = /^file:/.test(name) ? fileURLToPath(name) : name;
  return decodeCheckpoint(await readFile(path), path);
}

function isStage(text: string): text is CheckpointStage {
  return (checkpointStages as readonly string[]).includes(text);
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DataError(`Cannot read "${url}": ${message}; check the address`, { cause: error });
  }
}

function readRecipe(text: string | undefined, fail: (what: string) => DataError): Recipe {
  try {
    return asRecipe(JSON.parse(text ?? ""));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw fail(`its recipe cannot be used (${message}); ${REMEDY}`);
  }
}
