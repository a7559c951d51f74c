import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { checkPath, DataError, exists } from "../files.ts";
import { readSized, type Size } from "./frames.ts";
import { readImage } from "../formats/image.ts";
import { camerasFromLlff } from "./camera.ts";
import { requireForwardFacing } from "./forward_facing.ts";
import { readPosesBounds } from "./poses_bounds.ts";
import {
  disparityFiles,
  flowFiles,
  type FrameFiles,
  frameNames,
  LAYOUT,
  listMultiview,
  maskFiles,
  posesScale,
  readDisparity,
  readFlow,
  readMask,
} from "./scene_files.ts";

/** A part of a scene folder, and what was found of it. */
export interface PartCheck {
  /** `images`, `flow forward`, `multiview_GT`. */
  part: string;
  /** What cannot be done without it. */
  neededFor: "training" | "evaluation";
  /** Files that could be read. */
  good: number;
  /** Files that there must be; for held-out views one of each camera at each time. */
  wanted: number;
  /** Sizes or shapes found, the most frequent first: `960 x 540`. */
  shapes: string[];
  /** What is wrong with the first file that is, and what to do; undefined where nothing is. */
  wrong?: string;
}

/** What a scene folder has. */
export interface SceneCheck {
  /** The folder. */
  directory: string;
  /** Pictures in `images/`. */
  frames: number;
  /** One a part, in the order of the layout. */
  parts: PartCheck[];
  /** What forbids training, and what to do; undefined where nothing does. */
  trainingFault?: string | undefined;
  /** What forbids scores against held-out views; undefined where nothing does. */
  evaluationFault?: string | undefined;
}

/** Who follows a check. */
export interface CheckOptions {
  /** Ends it. */
  signal?: AbortSignal;
  /** Hears how many files of a part have been read. */
  onProgress?: (part: string, done: number, of: number) => void;
}

/** A part's files, as they are listed and read. */
interface Part {
  name: string;
  neededFor: "training" | "evaluation";
  wanted: number;
  /** Finds its files. */
  find(): Promise<FrameFiles>;
  /** Reads one; its size in words. */
  read(path: string): Promise<string>;
}

/**
 * Reads every file of a scene folder as {@linkcode loadScene} does, and tells what is there, what is missing and which file of
 * each part is the first that cannot be used. Nothing is kept and nothing written.
 *
 * @throws {DataError} If there is no such folder.
 */
export async function checkScene(
  directory: string,
  options: CheckOptions = {},
): Promise<SceneCheck> {
  if (!await exists(directory)) {
    throw new DataError(
      `Cannot check "${directory}": there is no such folder; ${checkPath(directory)}`,
    );
  }
  const { parts, frames } = await partsOf(directory);
  const checks: PartCheck[] = [];
  for (const part of parts) checks.push(await checkPart(part, options));
  const fault = (use: "training" | "evaluation") =>
    checks.find(({ neededFor, wrong }) => neededFor === use && wrong !== undefined)?.wrong;
  return {
    directory,
    frames,
    parts: checks,
    trainingFault: fault("training"),
    evaluationFault: fault("evaluation"),
  };
}

async function partsOf(directory: string): Promise<{ parts: Part[]; frames: number }> {
  let fault: DataError | undefined;
  const names = await frameNames(directory).catch((error) => {
    if (!(error instanceof DataError)) throw error;
    fault = error;
    return [];
  });
  const frames = names.length;
  let first: Size | undefined;

  const images = {
    name: "images",
    wanted: frames,
    find: () => found(names.map((name) => join(directory, "images", name)), fault),
    async read(path: string) {
      const image = first ? await readSized(path, first) : await readImage(path);
      return inWords(first = sizeOf(image));
    },
  };
  const poses = {
    name: "poses_bounds.npy",
    wanted: 1,
    find: () => found([join(directory, "poses_bounds.npy")]),
    async read(path: string) {
      const posesBounds = await readPosesBounds(path, frames, LAYOUT);
      if (first) {
        const focalScale = posesScale(path, posesBounds, first);
        requireForwardFacing(camerasFromLlff(posesBounds, { ...first, focalScale }).cameras, path);
      }
      return `(${posesBounds.shape.join(", ")})`;
    },
  };
  const flow = (name: string, direction: "fwd" | "bwd") => ({
    name,
    wanted: Math.max(0, frames - 1),
    find: () => flowFiles(directory, direction, names),
    read: async (path: string) => inWords(sizeOf((await readFlow(path)).valid)),
  });
  const forTraining = [
    images,
    poses,
    {
      name: "disp",
      wanted: frames,
      find: () => disparityFiles(directory, names),
      read: async (path: string) => inWords(sizeOf(await readDisparity(path))),
    },
    {
      name: "motion_masks",
      wanted: frames,
      find: () => maskFiles(directory, names),
      read: async (path: string) => inWords(sizeOf(await readMask(path))),
    },
    flow("flow forward", "fwd"),
    flow("flow backward", "bwd"),
  ].map((part) => ({ ...part, neededFor: "training" as const }));
  return { parts: [...forTraining, multiview(directory, frames)], frames };
}

/** One view of each camera at each time, as the protocols of the field want. */
function multiview(directory: string, frames: number): Part {
  return {
    name: "multiview_GT",
    neededFor: "evaluation",
    wanted: frames ** 2,
    async find() {
      const views = await listMultiview(directory), folder = join(directory, "multiview_GT");
      const paths = views.map(({ path }) => path);
      if (views.length === 0) return found(paths, new DataError(`There is no "${folder}"`));
      const there = new Set(views.map(({ time, camera }) => time * frames + camera));
      const missing = Array.from({ length: frames ** 2 }, (_, i) => i).find((i) => !there.has(i));
      if (missing === undefined) return found(paths);
      const two = (number: number, digits: number) => String(number + 1).padStart(digits, "0");
      const name = `${two(Math.floor(missing / frames), 8)}/cam${two(missing % frames, 2)}.jpg`;
      const wanted = `wanted ${frames} times x ${frames} cameras`;
      return found(paths, new DataError(`Cannot use "${folder}": ${name} is missing, ${wanted}`));
    },
    read: async (path) => inWords(sizeOf(await readImage(path))),
  };
}

async function checkPart(
  { name, neededFor, wanted, find, read }: Part,
  { signal, onProgress }: CheckOptions,
): Promise<PartCheck> {
  const shapes = new Map<string, number>();
  const faults: string[] = [];
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      faults.push(error.message);
    }
  };
  await attempt(async () => {
    const { paths, fault } = await find();
    if (fault) faults.push(fault.message);
    const files = paths.filter((path) => path !== undefined);
    for (const [i, path] of files.entries()) {
      signal?.throwIfAborted();
      await attempt(async () => {
        const shape = await read(path);
        shapes.set(shape, (shapes.get(shape) ?? 0) + 1);
      });
      onProgress?.(name, i + 1, files.length);
    }
  });
  const byCount = [...shapes].sort(([, a], [, b]) => b - a);
  const good = byCount.reduce((sum, [, count]) => sum + count, 0);
  return {
    part: name,
    neededFor,
    good,
    wanted,
    shapes: byCount.map(([shape]) => shape),
    wrong: faults[0],
  };
}

function found(paths: string[], fault?: DataError): Promise<FrameFiles> {
  return Promise.resolve({ paths, fault });
}

function sizeOf({ shape: [height, width] }: NdArray): Size {
  return { width, height };
}

function inWords({ width, height }: Size): string {
  return `${width} x ${height}`;
}
