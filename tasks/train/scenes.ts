/**
 * The scenes of a run: which folders, loaded at which size, and what is known of their truth.
 *
 * @module
 */
import { basename, join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { ensureProceduralScene, proceduralScenes } from "../../src/data/procedural/mod.ts";
import { ProceduralScene } from "../../src/data/procedural/procedural_scene.ts";
import { DataError, exists } from "../../src/data/files.ts";
import { loadScene, type Scene } from "../../src/data/scene/scene.ts";
import type { View } from "../../src/evaluation/baselines.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";

/** Scenes on disk. */
export interface SceneFolders {
  /** Their folders. */
  directories: string[];
  /** What to know of the choice; empty where it is what the recipe asks for. */
  note: string;
}

/**
 * Finds the folders of a recipe's scenes under `data`.
 *
 * Where none of them is there and no folder was named, the procedural scenes of the same names stand in for them; where one
 * of the pair of `balloon` is there, it trains alone.
 *
 * @param named Whether the user named the folder.
 * @throws {DataError} If a scene is missing.
 */
export async function findScenes(
  { name, scenes, preset }: Recipe,
  data: string,
  named: boolean,
): Promise<SceneFolders> {
  const directories = scenes.map((scene) => join(data, scene));
  requireDistinctNames(directories);
  const found = await Promise.all(directories.map(exists));
  if (found.every(Boolean)) return { directories, note: "" };
  const present = directories.filter((_, i) => found[i]);
  const missing = directories.filter((_, i) => !found[i]);
  const absent = missing.map((path) => `"${path}"`).join(" and ");
  const note = `as ${absent} ${missing.length === 1 ? "is" : "are"} not there`;
  if (name === "balloon" && present.length > 0) {
    return { directories: present, note: `alone, ${note}` };
  }
  const standIns = scenes.map((scene) => scene.toLowerCase());
  const known = standIns.every((scene) => proceduralScenes().includes(scene));
  if (name !== "own" && !named && known && present.length === 0) {
    const made = await makeProceduralScenes(standIns, join(data, "procedural"), preset);
    return { directories: made, note: `procedural, ${note}` };
  }
  throw new DataError(
    `Cannot train on "${missing[0]}": there is no such folder; ${await whatIsThere(data)}, ` +
      `or fetch the official scenes: deno task data`,
  );
}

/**
 * Scenes are told apart by their folders' names: in the report, in renders, and by `deno task render`.
 *
 * @throws {DataError} If two have one name, or names that a file system may take for one.
 */
function requireDistinctNames(directories: readonly string[]): void {
  const names = directories.map((directory) => basename(directory).normalize("NFC").toLowerCase());
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice < 0) return;
  throw new DataError(
    `Cannot train on "${directories[names.indexOf(names[twice])]}" and "${
      directories[twice]
    }": their folders have one ` +
      `name, by which results are told apart; name each scene once, or rename one of the folders`,
  );
}

async function whatIsThere(data: string): Promise<string> {
  if (!await exists(data)) {
    return `there is no "${data}" at all: name the folder of your scenes by --data`;
  }
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(data)) {
    if (isDirectory && await exists(join(data, name, "poses_bounds.npy"))) names.push(name);
  }
  if (names.length === 0) return `"${data}" has no scene: name the folder of your scenes by --data`;
  return `"${data}" has ${names.sort().join(", ")}`;
}

/** Frames on disk are twice the preset's size in training. */
const proceduralSizes = {
  small: { width: 192, height: 108, time: "ten seconds" },
  full: { width: 960, height: 540, time: "some minutes" },
};

async function makeProceduralScenes(
  scenes: readonly string[],
  data: string,
  preset: Recipe["preset"],
): Promise<string[]> {
  const { width, height, time } = proceduralSizes[preset];
  const folder = join(data, `${width}x${height}`);
  const directories = scenes.map((name) => join(folder, name));
  if (!(await Promise.all(directories.map(exists))).every(Boolean)) {
    console.log(`Making the procedural scenes in "${folder}": ${time}, once.`);
  }
  for (const [i, name] of scenes.entries()) {
    await ensureProceduralScene(name, directories[i], { width, height });
  }
  return directories;
}

/** Loads scenes at the size of a recipe. */
export async function loadScenes(
  directories: readonly string[],
  { factor, frameWidth }: Recipe,
): Promise<Scene[]> {
  const scenes: Scene[] = [];
  for (const directory of directories) {
    const scene = await loadScene(directory, { factor, frameWidth, onNotice: console.log });
    requireLarge(scene);
    scenes.push(scene);
  }
  return scenes;
}

/** Frames that training needs, a neighbour in time for each, and pixels that the window of SSIM has each way. */
const FEWEST_FRAMES = 2, SMALLEST_SIDE = 7;

/** @throws {DataError} If a scene can be trained on, but not scored. */
function requireLarge({ directory, frames, width, height }: Scene): void {
  const fail = (what: string) => new DataError(`Cannot train on "${directory}": ${what}`);
  if (frames < FEWEST_FRAMES) {
    throw fail(
      `it has ${frames} frame, wanted ${FEWEST_FRAMES} or more: what moves shows in several only`,
    );
  }
  if (Math.min(width, height) >= SMALLEST_SIDE) return;
  throw fail(
    `its frames are ${width} x ${height} in training, wanted ${SMALLEST_SIDE} pixels or more each way; ` +
      `train at a larger size (--factor 1, or --frame-width)`,
  );
}

/** The whole truth about those scenes that are procedural, at their own size. */
export async function proceduralTruth(
  scenes: readonly Scene[],
): Promise<ReadonlyMap<Scene, ProceduralScene>> {
  const known = new Map<Scene, ProceduralScene>();
  for (const scene of scenes) {
    const stamp = join(scene.directory, "procedural.json");
    if (!await exists(stamp)) continue;
    const { name } = JSON.parse(await Deno.readTextFile(stamp)) as { name: string };
    const { width, height } = scene;
    known.set(scene, new ProceduralScene(name, { width, height, factor: 1 }));
  }
  return known;
}

/** What truly moves in a view, `[height, width]`, for the scenes that are procedural. */
export function movingTruth(
  known: ReadonlyMap<Scene, ProceduralScene>,
): (scene: Scene, view: View) => NdArray<Uint8Array> | undefined {
  return (scene, { camera, time }) => {
    const movers = known.get(scene)?.moverMap(camera, time);
    return movers &&
      ndarray(Uint8Array.from(movers.data, (mover) => mover > 0 ? 1 : 0), movers.shape);
  };
}
