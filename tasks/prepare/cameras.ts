/**
 * Where the frames were taken from: by COLMAP, or as the user has it.
 *
 * @module
 */
import { colmapPoses, unregisteredFrames } from "../../src/data/given/colmap/poses.ts";
import { loadColmapModel } from "../../src/data/given/colmap/load.ts";
import type { ColmapCamera, ColmapModel } from "../../src/data/given/colmap/model.ts";
import { DataError } from "../../src/data/files.ts";
import { givenPosesFiles, loadGivenPoses } from "../../src/data/given/given_poses.ts";
import { encodeNpy } from "../../src/data/formats/npy.ts";
import { type PosedFrames, someNames } from "../../src/data/given/posed_frames.ts";
import { camerasFromLlff } from "../../src/data/scene/camera.ts";
import { requireForwardFacing } from "../../src/data/scene/forward_facing.ts";
import { posesBoundsOf } from "../../src/preparation/poses_bounds.ts";
import {
  largestShiftPixels,
  NOTICEABLE_SHIFT_PIXELS,
  straightCamera,
} from "../../src/preparation/undistort.ts";
import {
  type ColmapJob,
  type ColmapSettings,
  findCameras,
  findFeatures,
  findMatches,
  matchingOf,
  whatToTry,
} from "./colmap.ts";
import { contentOf } from "./content_hash.ts";
import { coarseDepths } from "./depth.ts";
import { type Straightening, straightening } from "./lens.ts";
import type { Done, Json } from "./preparation_folder.ts";
import { frameNames, type Work, workPath } from "./work.ts";

/** What is known of the cameras when they are there. */
export type CamerasInfo = {
  /** What they were read from. */
  readonly source: string;
  /** Focal length of the scene's frames, pixels. */
  readonly focalPixels: number;
  /** How far the lens moves a pixel, at most; pixels. */
  readonly shiftPixels: number;
  /** Share of the lens's view that straight frames can show, as they show only what was filmed. */
  readonly shown: number;
  /** What the frames are to be straightened by; null where they stay. */
  readonly lens: Straightening | null;
};

/** What is known of COLMAP's work when it is done. */
export type ModelInfo = {
  /** Frames that have a camera. */
  readonly registered: number;
  /** Names of those that have none. */
  readonly missing: readonly string[];
};

/** COLMAP's cameras. */
export interface FoundModel extends Done<ModelInfo> {
  /** Reads them. */
  load(): Promise<ColmapModel>;
}

/**
 * COLMAP from the frames to a model, which may lack frames.
 *
 * @param name Of the step: there may be two.
 * @param output Where it goes.
 * @param masks Where no features are wanted, as `background_mask`.
 */
export async function runColmap(
  { command, folder, frames, signal }: Work,
  name: string,
  output: string,
  masks?: Done<Json>,
): Promise<FoundModel> {
  const names = frameNames({ frames }), count = names.length;
  const settings: ColmapSettings = {
    matching: command.matching ?? matchingOf(count),
    maxFeatures: command.maxFeatures,
  };
  const machine = { threads: command.threads || -1, gpu: command.colmapGpu };
  const job: ColmapJob = { images: frames.path, frames: count, settings, machine, signal };
  const from = { frames: frames.sha256, masks: masks?.sha256 ?? null, ...settings };
  const parts = [`${name}: features`, `${name}: matches`];
  const model = await folder.folder<ModelInfo>({
    name,
    output: workPath(output),
    from,
    tell: ({ registered, missing }) =>
      `${registered} of ${
        registered + missing.length
      } frames by COLMAP, ${settings.matching} matching`,
  }, async (into) => {
    // Each of its parts is a step of its own, so that what took long is not done again.
    const features = await folder.folder({
      name: parts[0],
      output: workPath(`${output}-features`),
      from,
    }, async (into) => {
      await findFeatures(job, masks?.path, into);
      return null;
    });
    const matches = await folder.folder({
      name: parts[1],
      output: workPath(`${output}-matches`),
      from: { features: features.sha256, matching: settings.matching },
    }, async (into) => {
      await findMatches(job, features.path, into);
      return null;
    });
    const missing = unregisteredFrames(await findCameras(job, matches.path, into), names);
    return { registered: count - missing.length, missing };
  });
  for (const part of parts) await folder.remove(part); // large, and of no use any more
  return { ...model, load: () => loadColmapModel(`${model.path}/sparse/0`) };
}

/**
 * Writes the poses of a COLMAP model that has all frames.
 *
 * @throws {DataError} If it lacks one: names it and says what to try.
 */
export async function writeModelPoses(
  work: Work,
  found: FoundModel,
): Promise<Done<CamerasInfo>> {
  const { missing, registered } = found.info;
  if (missing.length > 0) throw missingCameras(work, registered, missing);
  return await writePoses(
    work,
    { model: found.sha256 },
    async () => colmapPoses(await found.load(), frameNames(work)),
  );
}

/**
 * Writes the poses that the user has.
 *
 * @throws {DataError} If they cannot be read, or lack a frame.
 */
export async function writeGivenPoses(work: Work, path: string): Promise<Done<CamerasInfo>> {
  const { command: { near, far, depth, depthIs, givenPixels }, frames, signal } = work;
  const { width, height, orientations } = frames.info;
  const hash = async (path: string) => (await contentOf(path, signal)).sha256;
  const knowsDepth = depth !== undefined && depthIs === "depth"; // for near and far, where the poses say nothing of them
  const from = {
    given: await Promise.all((await givenPosesFiles(path)).map(hash)),
    near,
    far,
    depth: knowsDepth ? await hash(depth) : null,
    givenPixels: givenPixels ?? null,
  };
  return await writePoses(work, from, async () =>
    await loadGivenPoses(path, frames.info, {
      size: { width, height },
      orientations,
      ...(givenPixels ? { pixels: givenPixels } : {}),
      ...(near > 0 ? { near } : {}),
      ...(far > 0 ? { far } : {}),
      ...(knowsDepth ? { depths: await coarseDepths(work, depth) } : {}),
    }));
}

async function writePoses(
  { command, folder, frames }: Work,
  from: { readonly [key: string]: Json },
  load: () => Promise<PosedFrames>,
): Promise<Done<CamerasInfo>> {
  return await folder.file<CamerasInfo>({
    name: "poses",
    output: "poses_bounds.npy",
    from: { frames: frames.sha256, ...from, undistort: command.undistort },
    tell: tellCameras,
  }, async () => {
    const posed = await load();
    const { source, camera } = posed;
    const own = posed.frames.flatMap(({ lens }) => lens ?? []);
    const lenses: [ColmapCamera, ...ColmapCamera[]] = own.length > 0
      ? [own[0], ...own.slice(1)]
      : [camera];
    const shiftPixels = Math.max(...lenses.map(largestShiftPixels));
    const bends = own.length > 0 || shiftPixels > NOTICEABLE_SHIFT_PIXELS;
    const encode = (posed: PosedFrames) => {
      const bounds = posesBoundsOf(posed), { width, height } = posed.camera;
      const { cameras } = camerasFromLlff(bounds, { width, height, focalScale: 1 });
      requireForwardFacing(cameras, source);
      return encodeNpy(bounds, "float64");
    };
    if (!bends || !command.undistort) {
      const { focalPixels } = posed;
      const info = { source, focalPixels, shiftPixels, shown: 1, lens: null };
      return { bytes: encode(posed), info };
    }
    const straight = straightCamera(...lenses), [focalPixels] = straight.parameters;
    const mean = lenses.reduce((sum, { parameters }) => sum + parameters[0], 0) / lenses.length;
    const frames = posed.frames.map(({ lens: _, ...frame }) => frame);
    const lens = straightening(lenses), shown = (mean / focalPixels) ** 2;
    return {
      bytes: encode({ ...posed, camera: straight, focalPixels, frames }),
      info: { source, focalPixels, shiftPixels, shown, lens },
    };
  });
}

function tellCameras({ source, focalPixels, shiftPixels, shown, lens }: CamerasInfo): string {
  const several = lens && lens.lenses.length > 1 ? `${lens.lenses.length} lenses, ` : "";
  const bend = shiftPixels < 0.05
    ? "no distortion"
    : `distortion of up to ${shiftPixels.toFixed(1)} pixels, ${
      lens ? "taken out of the frames" : "left in the frames"
    }`;
  const cropped = shown < 0.999
    ? `, cropped to the ${(100 * shown).toFixed(1)} % of the view that were filmed`
    : "";
  return `${source}, ${several}focal length ${focalPixels.toFixed(1)} pixels, ${bend}${cropped}`;
}

function missingCameras(
  { command, frames }: Work,
  registered: number,
  missing: readonly string[],
): DataError {
  const { sources } = frames.info;
  const named = missing.map((name) => `${name} (${sources[Number.parseInt(name)]})`);
  const of = registered + missing.length;
  return new DataError(
    `Cannot find the cameras of all frames: COLMAP found ${registered} of ${of}, and none for ${
      someNames(named)
    }. ${whatToTry(command.matching ?? matchingOf(of))}`,
  );
}
