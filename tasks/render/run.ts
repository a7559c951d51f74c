/**
 * Rendering views of a run: from its folder to frames and films.
 *
 * @module
 */
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { DataError, readFile } from "../../src/data/files.ts";
import { encodeGif } from "../../src/data/formats/gif.ts";
import { encodeMp4 } from "../../src/data/formats/mp4.ts";
import { type CameraPose, loadPoses } from "../../src/data/given/poses_file.ts";
import { RunFolder } from "../../src/data/run/run_folder.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import { sha256 } from "../../src/data/sha256.ts";
import { layerPicture } from "../../src/viewing/layers.ts";
import { type PathScene, pathViews, poseViews, type SceneView } from "../../src/viewing/paths.ts";
import { openGpu } from "../../src/runtime/device.ts";
import { nameScenes, openModel, scenesOfRun } from "../evaluate/open_run.ts";
import { unknownName } from "../../src/recipes/unknown_name.ts";
import { Progress } from "../terminal/progress.ts";
import type { RenderCommand, Shard } from "./command.ts";
import { editName, editOf, scenesToEdit } from "./edit.ts";
import { drawTracks, followPoints, type ViewTracks } from "./tracks.ts";
import { type PictureName, ViewFolder } from "./view_folder.ts";

/** What is rendered of one scene. */
interface SceneJob {
  /** Its number in the run's batch. */
  number: number;
  scene: Scene;
  /** All views of the path. */
  all: readonly SceneView[];
  /** Those of them that are asked for. */
  views: readonly SceneView[];
  folder: ViewFolder;
}

/** Renders the views that are not there yet, and makes films; after Ctrl-C the same command goes on. */
export async function render(command: RenderCommand, signal: AbortSignal): Promise<void> {
  const { run, shard, merge, films, out, edit } = command;
  const folder = await RunFolder.open(run);
  const scenes = await scenesOfRun(folder, { verb: "render", remedy: nameScenes }, command.data);
  const jobs = await sceneJobs(command, folder, scenes);
  const total = jobs.reduce((sum, { views }) => sum + views.length, 0);
  const parts = jobs.map(({ scene, views: { length } }) => `${length} of ${scene.name}`);
  const shown = [
    parts.join(" + "),
    ...(edit ? [editName(edit)] : []),
    picturesOf(command).join(", "),
  ];
  console.log(`${total} views, ${shown.join("; ")}; in "${out}".`);
  try {
    if (!merge) await renderFrames(command, folder, scenes, jobs, signal);
  } finally {
    if (signal.aborted) console.log("Stopped. The same command goes on.");
  }
  if (!shard) await joinFrames(jobs, command);
  else if (films.mp4 || films.gif) {
    console.log("When all shards are done: the same command with --merge instead of --shard.");
  }
}

/** The scenes asked for, with their views and the folders for these. */
async function sceneJobs(
  command: RenderCommand,
  run: RunFolder,
  scenes: readonly Scene[],
): Promise<SceneJob[]> {
  const { path, scenes: wanted, edit, tracks } = command;
  const names = scenes.map(({ name }) => name);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new DataError(unknownName("scene", unknown, names));
  const shown = edit
    ? scenesToEdit(edit, scenes, wanted)
    : scenes.filter(({ name }) => wanted?.includes(name) ?? true);
  const poses = typeof path === "string" ? [] : await loadPoses(path.poses);
  const checkpoint = await sha256(await readFile(run.path("checkpoint.safetensors")));
  const jobs: SceneJob[] = [];
  for (const [number, scene] of scenes.entries()) {
    if (!shown.includes(scene)) continue;
    const { all, wanted: views } = viewsOf(scene, command, poses);
    const record = { version: config.version, checkpoint, views: all, edit, tracks };
    jobs.push({
      number,
      scene,
      all,
      views,
      folder: await ViewFolder.open(join(command.out, scene.name), record),
    });
  }
  return jobs;
}

/**
 * All views of a scene on the path that is asked for, and those wanted of them.
 *
 * @param poses The content of the file, where it is poses that are asked for.
 * @throws {DataError} If the scene has no such views.
 */
export function viewsOf(
  scene: PathScene,
  { path, options, frames }: Pick<RenderCommand, "path" | "options" | "frames">,
  poses: readonly CameraPose[],
): { all: SceneView[]; wanted: SceneView[] } {
  const all = refusable(() =>
    typeof path === "string" ? pathViews(scene, path, options) : poseViews(scene, poses, options)
  );
  const { first, last } = frames ?? { first: 0, last: all.length - 1 };
  if (last < all.length) return { all, wanted: all.slice(first, last + 1) };
  throw new DataError(
    `Cannot render frame ${last} of "${scene.name}": its views are 0 to ${all.length - 1}`,
  );
}

/** A shard's share of anything: every so many. */
export function shareOf<T>(all: readonly T[], { index, count }: Shard): T[] {
  return all.filter((_, i) => i % count === index);
}

/** What is written of each view. */
function picturesOf({ layers, tracks }: Pick<RenderCommand, "layers" | "tracks">): PictureName[] {
  return [...layers, ...tracks ? ["tracks" as const] : []];
}

/** Renders what is missing of this process's share. */
async function renderFrames(
  { layers, shard = { index: 0, count: 1 }, features, edit, tracks }: RenderCommand,
  run: RunFolder,
  scenes: readonly Scene[],
  jobs: readonly SceneJob[],
  signal: AbortSignal,
): Promise<void> {
  const share = shareOf(jobs.flatMap((job) => job.views.map((view) => ({ job, view }))), shard);
  const missing: typeof share = [];
  for (const { job, view } of share) {
    const there = await Promise.all(
      picturesOf({ layers, tracks }).map((name) => job.folder.hasFrame(name, view)),
    );
    if (!there.every(Boolean)) missing.push({ job, view });
  }
  const kept = share.length - missing.length;
  if (kept > 0) console.log(`${kept} of ${share.length} views are there already.`);
  if (missing.length === 0) return;

  const gpu = await openGpu();
  console.log(gpu.description + (gpu.software ? " (software)" : ""));
  const { renderer, tracker, destroy } = await openModel(gpu, run, scenes, features, signal);
  const drawn = new Map<SceneJob, ViewTracks>();
  const progress = new Progress({ every: Math.ceil(missing.length / 10) });
  try {
    for (const [i, { job, view }] of missing.entries()) {
      signal.throwIfAborted();
      const image = edit
        ? await renderer.renderEdit(editOf(edit, scenes, job.number, view.time), view.camera)
        : await renderer.render(job.number, view.camera, view.time);
      for (const layer of layers) {
        await job.folder.writeFrame(layer, view, layerPicture(image, layer));
      }
      if (tracks) {
        let paths = drawn.get(job);
        if (!paths && !drawn.has(job)) {
          const onNotice = (line: string) => progress.log(line);
          paths = await followPoints({ renderer, tracker, onNotice }, job, tracks);
          drawn.set(job, paths);
        }
        await job.folder.writeFrame("tracks", view, drawTracks(image, view, paths, tracks));
      }
      progress.update({ what: "rendering", step: i + 1, steps: missing.length });
    }
  } finally {
    progress.close();
    destroy();
  }
}

/** Makes films of frames that are all there. */
async function joinFrames(
  jobs: readonly SceneJob[],
  { layers, tracks, films: { mp4, gif, fps } }: RenderCommand,
): Promise<void> {
  const missing: string[] = [];
  const pictures = picturesOf({ layers, tracks });
  for (const { folder, views } of jobs) {
    for (const layer of pictures) {
      for (const view of views) {
        if (!await folder.hasFrame(layer, view)) missing.push(folder.framePath(layer, view));
      }
    }
  }
  if (missing.length > 0) {
    const named = missing.slice(0, 5).map((path) => `\n  ${path}`).join("");
    const more = missing.length > 5 ? `\n  and ${missing.length - 5} more` : "";
    throw new DataError(
      `Cannot join the frames: ${missing.length} are missing or damaged; start their shards again:${named}${more}`,
    );
  }
  for (const { folder, views } of jobs) {
    for (const layer of pictures) {
      const frames = folder.frames(layer, views);
      const written: string[] = [];
      if (mp4) written.push(await folder.writeFilm(layer, "mp4", await encodeMp4(frames, fps)));
      if (gif) written.push(await folder.writeFilm(layer, "gif", await encodeGif(frames, fps)));
      if (written.length > 0) console.log(`Film: ${written.map((path) => `"${path}"`).join(", ")}`);
    }
  }
}

/** What paths throw are mistakes of the command line, not ours. */
function refusable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new DataError(error.message);
    throw error;
  }
}
