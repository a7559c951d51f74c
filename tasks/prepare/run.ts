/**
 * The preparation of a scene, step by step.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { checkPath, DataError, exists, writeFileAtomically } from "../../src/data/files.ts";
import { encodePng } from "../../src/data/formats/png.ts";
import { undistortImage } from "../../src/preparation/undistort.ts";
import { checkScenes } from "../data/check.ts";
import {
  type CamerasInfo,
  type FoundModel,
  runColmap,
  writeGivenPoses,
  writeModelPoses,
} from "./cameras.ts";
import { requireColmap } from "./colmap.ts";
import type { PrepareCommand, Redoable } from "./command.ts";
import { contentOf } from "./content_hash.ts";
import { DEPTH, makeDepth, requireDepth } from "./depth.ts";
import { type FlowInfo, MEASURED_FLOW, measureFlow, straightenFlow } from "./flow.ts";
import {
  copyFrames,
  extractFrames,
  type FramesInfo,
  imageNames,
  requireFfmpeg,
  tellFrames,
} from "./frames.ts";
import { lensOfFrame, type Straightening } from "./lens.ts";
import {
  backgroundFromGeometry,
  backgroundFromObjects,
  findObjects,
  makeMotionMasks,
  motionObjects,
  type ObjectMasks,
  requireMasks,
  tellStillCameras,
} from "./masks.ts";
import { Networks } from "./networks.ts";
import { type Done, type Json, PreparationFolder } from "./preparation_folder.ts";
import { writePictures, writePreview } from "./preview.ts";
import { StepProgress } from "./step_progress.ts";
import { frameNames, readFrame, type Work, workPath } from "./work.ts";

/** Steps of the record that `--redo` means. */
const REDONE: Readonly<Record<Redoable, readonly string[]>> = {
  frames: ["frames"],
  flow: [MEASURED_FLOW, "flow"],
  cameras: ["cameras without masks", "cameras", "poses"],
  depth: [DEPTH],
  masks: ["person masks", "masks for COLMAP", "motion masks"],
  preview: ["preview"],
};

/** Makes a scene of a video or a folder of images; after Ctrl-C, or with other flags, the same command goes on. */
export async function prepare(command: PrepareCommand, signal: AbortSignal): Promise<void> {
  const tell = (line: string) => console.log(line);
  const networks = new Networks(command, signal, tell);
  const { input, out } = command;
  const isFolder = await requireInput(input);
  await requireAll(command, isFolder, networks, signal);

  const { sha256 } = await contentOf(input, signal, isFolder ? await imageNames(input) : undefined);
  const { replace, redo } = command;
  using folder = await PreparationFolder.open(
    out,
    { path: input, sha256 },
    { signal, onLine: tell, replace },
  );
  for (const step of redo ? REDONE[redo] : []) await folder.forget(step);
  if (!folder.done.includes(MEASURED_FLOW)) await networks.check("raft");
  if (!folder.done.includes(DEPTH)) await networks.check("midas");
  try {
    const frames = await folder.folder<FramesInfo>({
      name: "frames",
      output: workPath("frames"),
      from: { source: sha256, maxFrames: command.maxFrames },
      tell: tellFrames,
    }, (into) => (isFolder ? copyFrames : extractFrames)(input, into, command.maxFrames, signal));
    await prepareFrames({ command, folder, frames, signal, tell }, networks);
  } finally {
    if (signal.aborted) tell("Stopped. The same command goes on.");
  }
}

/** From frames to a scene that was checked. */
async function prepareFrames(work: Work, networks: Networks): Promise<void> {
  const { command, folder, signal, tell } = work;
  await requireGivenFiles(work);
  const given = command.poses === undefined
    ? undefined
    : await writeGivenPoses(work, command.poses);
  const measured = await measureFlow(work, networks);
  const objects = await findObjects(work);
  const poses = given ?? await findPoses(work, measured, objects);
  const { lens } = poses.info;
  const images = await straightenFrames(work, lens);
  const depth = await makeDepth(work, images, lens, networks);
  const flow = await straightenFlow(work, measured, lens);
  const masks = await makeMotionMasks(work, poses, flow, objects);
  await tellStillCameras(work, poses);
  const parts = { images, depth, flow, masks };
  if (command.pictures) await writePictures(work, parts);
  const preview = await writePreview(work, parts);
  tell("");
  await checkScenes([folder.directory], signal);
  tell(`\nLook at "${preview.path}" first. Then: ${trainCommand(folder.directory)}`);
}

/** Finds out what is wrong with files of the user that are read only after what takes long. */
async function requireGivenFiles(work: Work): Promise<void> {
  const { depth, masks, motionMasks } = work.command;
  for (const folder of [masks, motionMasks]) {
    if (folder !== undefined) await requireMasks(work, folder);
  }
  if (depth !== undefined) await requireDepth(work, depth);
}

/** COLMAP's poses, with masks of what moves, which one line names. */
async function findPoses(
  work: Work,
  flow: Done<FlowInfo>,
  objects: ObjectMasks | undefined,
): Promise<Done<CamerasInfo>> {
  const hidden = objects ?? await motionObjects(work);
  if (hidden) {
    work.tell(`COLMAP leaves out what masks mark: ${hidden.source}.`);
    const masks = await backgroundFromObjects(work, hidden);
    return await writeModelPoses(work, await runColmap(work, "cameras", "colmap", masks));
  }
  work.tell(
    "No masks are given (--masks): COLMAP looks at everything first, then leaves out what moves against its cameras.",
  );
  const first = await runColmap(work, "cameras without masks", "colmap_first");
  const masks = await backgroundFromGeometry(work, first, flow);
  const second = await runColmap(work, "cameras", "colmap", masks);
  return await writeModelPoses(work, better(work, first, second));
}

/** The cameras with masks, but where they lack a frame that those without have. */
function better(work: Work, first: FoundModel, second: FoundModel): FoundModel {
  if (first.info.registered <= second.info.registered) return second;
  work.tell(
    `With masks COLMAP found ${second.info.registered} cameras, without ${first.info.registered}: these are taken.`,
  );
  return first;
}

/** The scene's frames: `images/`, straightened where the lens bends them. */
async function straightenFrames(work: Work, lens: Straightening | null): Promise<Done<Json>> {
  const { folder, frames, signal } = work;
  return await folder.folder<Json>({
    name: "images",
    output: "images",
    from: { frames: frames.sha256, lens },
  }, async (into) => {
    await removeShrunk(folder.directory);
    const names = frameNames(work);
    using progress = new StepProgress("images", names.length);
    for (const [i, name] of names.entries()) {
      signal.throwIfAborted();
      const by = lensOfFrame(lens, i);
      if (by) {
        const image = undistortImage(await readFrame(frames, i), by.camera, by.straight);
        await writeFileAtomically(join(into, name), encodePng(image));
      } else await Deno.copyFile(join(frames.path, name), join(into, name));
      progress.update(i + 1);
    }
    return null;
  });
}

/** Removes what training has made of earlier frames: `images_2`, `images_96x54`. */
async function removeShrunk(directory: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    if (!/^images_[\d.]+(x\d+)?$/.test(name)) continue;
    await Deno.remove(join(directory, name), { recursive: true });
  }
}

/** Whether the input is a folder. */
async function requireInput(path: string): Promise<boolean> {
  if (!await exists(path)) {
    throw new DataError(
      `Cannot prepare "${path}": there is no such file; name a video, or a folder of images` +
        (path.startsWith("/") ? "" : ", by a path from the project's folder"),
    );
  }
  return (await Deno.stat(path)).isDirectory;
}

/** Finds out before anything long begins what cannot be done, and says all of it at once. */
async function requireAll(
  { input, poses, depth, flow, masks, motionMasks }: PrepareCommand,
  isFolder: boolean,
  networks: Networks,
  signal: AbortSignal,
): Promise<void> {
  const missing: string[] = [];
  const attempt = async (check: () => Promise<unknown>) => {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      missing.push(error.message);
    }
  };
  if (!isFolder) await attempt(() => requireFfmpeg(signal));
  if (poses === undefined) await attempt(() => requireColmap(signal));
  for (const path of [poses, depth, flow, masks, motionMasks]) {
    if (path === undefined || await exists(path)) continue;
    missing.push(`"${path}": there is no such file or folder; ${checkPath(path)}`);
  }
  missing.push(...await networks.missing());
  if (missing.length === 0) return;
  throw new DataError(
    `Cannot prepare "${input}" yet, as this is missing:\n` +
      missing.map((line) => `- ${line}`).join("\n"),
  );
}

/** What to type next. */
function trainCommand(directory: string): string {
  const name = basename(directory), parent = dirname(directory);
  const quoted = (text: string) => /^[\w./-]+$/.test(text) ? text : `"${text}"`;
  const data = parent === "data" ? "" : ` --data ${quoted(parent)}`;
  return `deno task train own ${quoted(name)}${data}`;
}
