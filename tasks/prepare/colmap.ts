/**
 * COLMAP as a program: features, matches, and the cameras that explain them.
 *
 * @module
 */
import { join } from "node:path";
import { loadColmapModel } from "../../src/data/given/colmap/load.ts";
import type { ColmapModel } from "../../src/data/given/colmap/model.ts";
import { DataError, exists } from "../../src/data/files.ts";
import { askProgram, runProgram } from "./program.ts";
import { StepProgress } from "./step_progress.ts";

/** Which pairs of frames are compared: all, or neighbours in time. */
export type Matching = "exhaustive" | "sequential";

/** Above so many frames neighbours in time are compared, not all pairs. */
const EXHAUSTIVE_FRAMES = 30;

/** Which pairs of so many frames are worth their time. */
export function matchingOf(frames: number): Matching {
  return frames > EXHAUSTIVE_FRAMES ? "sequential" : "exhaustive";
}

/** How COLMAP works. */
export interface ColmapSettings {
  /** Which pairs of frames are compared. */
  matching: Matching;
  /** SIFT features of a frame, at the most. */
  maxFeatures: number;
}

/** What does not change its results, or only in the last digits. */
export interface ColmapMachine {
  /** Processor threads; -1: all. */
  threads: number;
  /** Whether features and matches are found on a GPU, which COLMAP must have been built for. */
  gpu: boolean;
}

/** The frames that COLMAP looks at, and how. */
export interface ColmapJob {
  /** Folder of the frames. */
  images: string;
  /** How many. */
  frames: number;
  settings: ColmapSettings;
  machine: ColmapMachine;
  /** Ends it. */
  signal: AbortSignal;
}

/** Neighbours in time that a frame is compared with. */
const OVERLAP = 10;
/** Frames in a row and column of the blocks of pairs that COLMAP compares. */
const BLOCK = 50;
/** The database in the folders of features and matches. */
const DATABASE = "database.db";

// From version 4 on these options are not SIFT's alone.
const FEATURES_GPU = ["SiftExtraction.use_gpu", "FeatureExtraction.use_gpu"];
const FEATURES_THREADS = ["SiftExtraction.num_threads", "FeatureExtraction.num_threads"];
const MATCHES_GPU = ["SiftMatching.use_gpu", "FeatureMatching.use_gpu"];
const MATCHES_THREADS = ["SiftMatching.num_threads", "FeatureMatching.num_threads"];

/**
 * Finds features of all frames.
 *
 * @param masks Folder of masks, `000.png.png` …: no features where they are black.
 * @param folder Where its database goes.
 */
export async function findFeatures(
  { images, frames, settings, machine, signal }: ColmapJob,
  masks: string | undefined,
  folder: string,
): Promise<void> {
  const options = await knownOptions("feature_extractor", signal);
  await run("feature_extractor", [
    ...["--database_path", join(folder, DATABASE)],
    ...["--image_path", images],
    ...(masks ? ["--ImageReader.mask_path", masks] : []),
    ...["--ImageReader.single_camera", "1"],
    ...options(["SiftExtraction.max_num_features"], settings.maxFeatures),
    ...options(FEATURES_GPU, machine.gpu ? 1 : 0),
    ...options(FEATURES_THREADS, machine.threads),
  ], {
    what: "features",
    steps: frames,
    things: "frames",
    done: (line) => firstNumber(/Processed file \[(\d+)\//, line),
  }, signal);
}

/**
 * Compares frames.
 *
 * @param features Folder with the database of the features.
 * @param folder Where its database goes.
 */
export async function findMatches(
  { frames, settings: { matching }, machine, signal }: ColmapJob,
  features: string,
  folder: string,
): Promise<void> {
  await Deno.copyFile(join(features, DATABASE), join(folder, DATABASE));
  const command = `${matching}_matcher`, isSequential = matching === "sequential";
  const options = await knownOptions(command, signal);
  const blocks = Math.ceil(frames / BLOCK);
  await run(command, [
    ...["--database_path", join(folder, DATABASE)],
    ...options(MATCHES_GPU, machine.gpu ? 1 : 0),
    ...options(MATCHES_THREADS, machine.threads),
    ...(isSequential ? options(["SequentialMatching.overlap"], OVERLAP) : []),
    ...(isSequential ? options(["SequentialMatching.quadratic_overlap"], 0) : []),
  ], {
    what: "matches",
    steps: isSequential ? frames : blocks ** 2,
    things: isSequential ? "frames" : "blocks",
    done(line) {
      if (isSequential) return firstNumber(/Matching image \[(\d+)\//, line);
      const [, row, column] = /Matching block \[(\d+)\/\d+, (\d+)\//.exec(line)?.map(Number) ?? [];
      return row === undefined ? undefined : (row - 1) * blocks + column;
    },
  }, signal);
}

/**
 * Finds the cameras.
 *
 * @param matches Folder with the database of the matches.
 * @param folder Where the model goes: `sparse/0/`.
 * @returns The model with the most frames.
 * @throws {DataError} If there is none.
 */
export async function findCameras(
  { images, frames, settings, machine, signal }: ColmapJob,
  matches: string,
  folder: string,
): Promise<ColmapModel> {
  const options = await knownOptions("mapper", signal);
  const sparse = join(folder, "sparse");
  await Deno.mkdir(sparse);
  await run(
    "mapper",
    [
      ...["--database_path", join(matches, DATABASE)],
      ...["--image_path", images],
      ...["--output_path", sparse],
      ...options(["Mapper.init_min_tri_angle"], 4),
      ...options(["Mapper.multiple_models"], 0),
      ...options(["Mapper.extract_colors"], 0),
      ...options(["Mapper.num_threads"], machine.threads),
    ],
    {
      what: "cameras",
      steps: frames,
      things: "frames",
      // "Registering image #5 (3)", in later versions "(num_reg_frames=3)": which makes so many
      done: (line) => firstNumber(/Registering image #\d+ \((?:\w+=)?(\d+)\)/, line),
    },
    signal,
    NO_MODEL,
  );
  return await largestModel(sparse, frames, settings.matching);
}

/** The mapper's way to say that it found no cameras. */
const NO_MODEL = /failed to create (any )?sparse model/i;

/**
 * The model with the most frames, which is kept as `0` with its three files. There may be others, of starts that were given up.
 *
 * @throws {DataError} If there is none.
 */
async function largestModel(
  sparse: string,
  frames: number,
  matching: Matching,
): Promise<ColmapModel> {
  const models: { folder: string; model: ColmapModel }[] = [];
  for (const { name } of await Array.fromAsync(Deno.readDir(sparse))) {
    const folder = join(sparse, name);
    if (!await exists(join(folder, "images.bin"))) continue;
    models.push({ folder, model: await loadColmapModel(folder) });
  }
  models.sort((a, b) =>
    b.model.images.length - a.model.images.length || (a.folder < b.folder ? -1 : 1)
  );
  const [largest, ...others] = models;
  if (!largest) {
    throw new DataError(
      `Cannot find the cameras of ${frames} frames: COLMAP found no two that see the same from different places. ${
        whatToTry(matching)
      }`,
    );
  }
  for (const { folder } of others) await Deno.remove(folder, { recursive: true });
  const kept = join(sparse, "0");
  if (largest.folder !== kept) await Deno.rename(largest.folder, kept);
  await Deno.remove(join(kept, "project.ini")).catch(() => {}); // it names folders that are gone
  return largest.model;
}

/** Ends the messages about frames without a camera. */
export function whatToTry(matching: Matching): string {
  const exhaustive = matching === "exhaustive" ? "" : "--matching exhaustive, ";
  return `Try --max-features 16384, ${exhaustive}or masks of what moves (--masks FOLDER); ` +
    "take a stretch of the video where the camera moves sideways past something with texture, sharp and not too fast; " +
    "or give poses of your own with --poses.";
}

/** @throws {DataError} If COLMAP is missing. */
export async function requireColmap(signal: AbortSignal): Promise<void> {
  await askProgram("colmap", ["-h"], signal);
}

/** A flag and its value, under the first of its names that this version of COLMAP knows; nothing where it knows none. */
async function knownOptions(
  command: string,
  signal: AbortSignal,
): Promise<(names: readonly string[], value: number) => string[]> {
  const help = await askProgram("colmap", [command, "-h"], signal);
  const known = new Set([...help.matchAll(/--([\w.]+)/g)].map(([, name]) => name));
  return (names, value) => {
    const name = names.find((name) => known.has(name));
    return name ? [`--${name}`, String(value)] : [];
  };
}

/** How far a command is, by what it prints. */
interface Following {
  what: string;
  steps: number;
  things: string;
  /** Steps done after a line; undefined where it does not say. */
  done(line: string): number | undefined;
}

async function run(
  command: string,
  args: readonly string[],
  { what, steps, things, done }: Following,
  signal: AbortSignal,
  expected?: RegExp,
): Promise<void> {
  using progress = new StepProgress(what, steps, things);
  const { code, lines } = await runProgram("colmap", [command, ...args], {
    signal,
    onLine(line) {
      const step = done(line);
      if (step !== undefined) progress.update(step);
    },
  });
  if (code === 0 || (expected && lines.some((line) => expected.test(line)))) return;
  throw new DataError(
    `Cannot find the cameras: colmap ${command} ended with ${code}, its last lines are\n` +
      lines.slice(-8).map((line) => `  ${line.trimEnd()}`).join("\n"),
  );
}

function firstNumber(pattern: RegExp, line: string): number | undefined {
  const text = pattern.exec(line)?.[1];
  return text === undefined ? undefined : Number(text);
}
