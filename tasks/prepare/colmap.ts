/**
 * COLMAP as a program: features, matches, and the cameras that explain them.
 *
 * @module
 */
import { join } from "node:path";
import { loadColmapModel } from "../../src/data/colmap/load.ts";
import type { ColmapModel } from "../../src/data/colmap/model.ts";
import { DataError, exists } from "../../src/data/files.ts";
import { askProgram, runProgram } from "./program.ts";
import { StepProgress } from "./step_progress.ts";

/** Which pairs of frames are compared: all, or neighbours in time. */
export type Matching = "exhaustive" | "sequential";

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

/** Neighbours in time that a frame is compared with. */
const OVERLAP = 10;
/** The database in the folders of features and matches. */
const DATABASE = "database.db";

const FEATURES_GPU = ["SiftExtraction.use_gpu", "FeatureExtraction.use_gpu"];
const FEATURES_THREADS = ["SiftExtraction.num_threads", "FeatureExtraction.num_threads"];
const MATCHES_GPU = ["SiftMatching.use_gpu", "FeatureMatching.use_gpu"];
const MATCHES_THREADS = ["SiftMatching.num_threads", "FeatureMatching.num_threads"];

/**
 * Finds features of all frames.
 *
 * @param images Folder of the frames.
 * @param masks Folder of masks, `000.png.png` …: no features where they are black.
 * @param folder Where its database goes.
 */
export async function findFeatures(
  images: string,
  masks: string | undefined,
  folder: string,
  { maxFeatures }: ColmapSettings,
  machine: ColmapMachine,
  frames: number,
  signal: AbortSignal,
): Promise<void> {
  const options = await knownOptions("feature_extractor", signal);
  await run("feature_extractor", [
    ...["--database_path", join(folder, DATABASE)],
    ...["--image_path", images],
    ...(masks ? ["--ImageReader.mask_path", masks] : []),
    ...["--ImageReader.single_camera", "1"],
    ...options(["SiftExtraction.max_num_features"], maxFeatures),
    ...options(FEATURES_GPU, machine.gpu ? 1 : 0),
    ...options(FEATURES_THREADS, machine.threads),
  ], {
    stage: "features",
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
  features: string,
  folder: string,
  { matching }: ColmapSettings,
  machine: ColmapMachine,
  frames: number,
  signal: AbortSignal,
): Promise<void> {
  await Deno.copyFile(join(features, DATABASE), join(folder, DATABASE));
  const command = `${matching}_matcher`;
  const options = await knownOptions(command, signal);
  const blocks = Math.ceil(frames / BLOCK);
  await run(command, [
    ...["--database_path", join(folder, DATABASE)],
    ...options(MATCHES_GPU, machine.gpu ? 1 : 0),
    ...options(MATCHES_THREADS, machine.threads),
    ...(matching === "sequential"
      ? [
        ...options(["SequentialMatching.overlap"], OVERLAP),
        ...options(["SequentialMatching.quadratic_overlap"], 0),
      ]
      : []),
  ], {
    stage: "matches",
    steps: matching === "sequential" ? frames : blocks ** 2,
    things: matching === "sequential" ? "frames" : "blocks",
    done(line) {
      const [, row, , column] = /Matching (?:image|block) \[(\d+)\/(\d+)(?:, (\d+)\/\d+)?\]/
        .exec(line)?.map(Number) ?? [];
      if (row === undefined) return undefined;
      return Number.isNaN(column) ? row : (row - 1) * blocks + column;
    },
  }, signal);
}

/** Frames in a row and column of COLMAP's blocks of pairs. */
const BLOCK = 50;

/**
 * Finds the cameras.
 *
 * @param images Folder of the frames.
 * @param matches Folder with the database of the matches.
 * @param folder Where the model goes, in `sparse/`.
 * @returns The model with the most frames.
 * @throws {DataError} If there is none.
 */
export async function findCameras(
  images: string,
  matches: string,
  folder: string,
  machine: ColmapMachine,
  frames: number,
  signal: AbortSignal,
): Promise<ColmapModel> {
  const options = await knownOptions("mapper", signal);
  const sparse = join(folder, "sparse");
  await Deno.mkdir(sparse);
  let registered = 0;
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
      stage: "cameras",
      steps: frames,
      things: "frames",
      done(line) {
        if (/Initializing with image pair|Registering initial image pair/.test(line)) {
          registered = 0;
        }
        // "Registering image #5 (3)", later "Registering image #5 (num_reg_frames=3)": the frames before it are 2
        const number = firstNumber(/Registering image #\d+ \((?:\w+=)?(\d+)\)/, line);
        return number === undefined ? undefined : registered = Math.max(registered, number);
      },
    },
    signal,
    [noModelExit],
  );
  return await largestModel(sparse, frames);
}

/** The mapper's way to say that it found no cameras. */
const noModelExit = /failed to create (any )?sparse model/i;

/** Several models are possible though one was asked for: where a start was given up, for another. */
async function largestModel(sparse: string, frames: number): Promise<ColmapModel> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(sparse)) names.push(name);
  const models: { name: string; model: ColmapModel }[] = [];
  for (const name of names.sort()) {
    if (!await exists(join(sparse, name, "images.bin"))) continue;
    models.push({ name, model: await loadColmapModel(join(sparse, name)) });
  }
  models.sort((a, b) => b.model.images.length - a.model.images.length);
  const [first] = models;
  if (first) {
    // the largest one is the scene's: no other is kept
    for (const { name } of models.slice(1)) {
      await Deno.remove(join(sparse, name), { recursive: true });
    }
    if (first.name !== "0") await Deno.rename(join(sparse, first.name), join(sparse, "0"));
    return first.model;
  }
  throw new DataError(
    `Cannot find the cameras of ${frames} frames: COLMAP found no two that see the same from different places. ${WHAT_TO_TRY}`,
  );
}

/** Ends the messages about frames without a camera. */
export const WHAT_TO_TRY =
  "Try --max-features 16384, --matching exhaustive, or masks of what moves (--masks FOLDER); " +
  "take a stretch of the video where the camera moves sideways past something with texture, sharp and not too fast; " +
  "or give poses of your own with --poses.";

/** Refuses what COLMAP cannot do before anything long begins. */
export async function requireColmap(signal: AbortSignal): Promise<string> {
  const help = await askProgram("colmap", ["-h"], signal);
  return /COLMAP (\d[\w.-]*)/.exec(help)?.[1] ?? "of an unknown version";
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
  stage: string;
  steps: number;
  things: string;
  /** Steps done after a line; undefined where it does not say. */
  done(line: string): number | undefined;
}

async function run(
  command: string,
  args: readonly string[],
  { stage, steps, things, done }: Following,
  signal: AbortSignal,
  expected: readonly RegExp[] = [],
): Promise<void> {
  using progress = new StepProgress(stage, steps, things);
  const { code, lines } = await runProgram("colmap", [command, ...args], {
    signal,
    onLine(line) {
      const step = done(line);
      if (step !== undefined) progress.update(step);
    },
  });
  if (code === 0 || expected.some((pattern) => lines.some((line) => pattern.test(line)))) return;
  throw new DataError(
    `Cannot find the cameras: colmap ${command} ended with ${code}, its last lines are\n` +
      lines.slice(-8).map((line) => `  ${line.trimEnd()}`).join("\n"),
  );
}

function firstNumber(pattern: RegExp, line: string): number | undefined {
  const text = pattern.exec(line)?.[1];
  return text === undefined ? undefined : Number(text);
}
