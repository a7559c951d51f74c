/**
 * What moves: for COLMAP, which must not look at it, and for training.
 *
 * @module
 */
import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { PinholeCamera } from "../../src/data/camera.ts";
import type { RigidPose } from "../../src/data/colmap/model.ts";
import { writeFileAtomically } from "../../src/data/files.ts";
import { PICTURES } from "../../src/data/frames.ts";
import { readPosesBounds } from "../../src/data/poses_bounds.ts";
import { resizeNearest } from "../../src/data/resize.ts";
import { encodeMask, readMask } from "../../src/data/scene_files.ts";
import {
  baselineWarning,
  type FrameMotion,
  motionMask,
} from "../../src/preparation/motion_mask.ts";
import { posesOf } from "../../src/preparation/poses_bounds.ts";
import {
  largestShiftPixels,
  NOTICEABLE_SHIFT_PIXELS,
  undistortMask,
} from "../../src/preparation/undistort.ts";
import { distortMask } from "../../src/preparation/undistort_flow.ts";
import { counted, Progress } from "../terminal/progress.ts";
import { asLens, cameraOf, type CamerasInfo, type FoundModel, type Lens } from "./cameras.ts";
import { contentOf } from "./content_hash.ts";
import { type FlowInfo, type FlowPair, requireProportions, straightPairs } from "./flow.ts";
import { frameName } from "./frames.ts";
import { filesOfFrames } from "./given_files.ts";
import type { Done, Json } from "./preparation_folder.ts";
import { frameNames, type Work, workPath } from "./work.ts";

/** What is known of masks when they are there. */
export type MasksInfo = {
  /** What they were made by. */
  readonly source: string;
  /** Share of the pixels that move. */
  readonly moving: number;
};

/** A mask's settings, as far as the record is concerned. */
function motionSettings({ command }: Work): { [key: string]: Json } {
  const { epipolarThreshold, epipolarWidth, requireValidity } = command;
  return { epipolarThreshold, epipolarWidth, requireValidity };
}

/**
 * The user's masks as COLMAP wants them: black where no features are wanted.
 *
 * @param given Folder of pictures, anything but black where something may move.
 */
export async function backgroundFromGiven(work: Work, given: string): Promise<Done<MasksInfo>> {
  const { folder, frames, signal } = work;
  return await folder.folder<MasksInfo>({
    name: "masks for COLMAP",
    output: workPath("background_mask"),
    from: { frames: frames.sha256, given: (await contentOf(given, signal)).sha256 },
    tell: tellMasks,
  }, async (into) => {
    const moving = await writeMasks(work, givenMasks(work, given, null), (name, mask) => {
      return writeFileAtomically(join(into, `${name}.png`), encodeMask(inverted(mask)));
    });
    return { source: `yours from "${given}"`, moving };
  });
}

/**
 * Masks as COLMAP wants them from geometry alone: what moves against the epipolar geometry of cameras that were found without
 * masks. A frame that has no camera yet, and so has its neighbours' sides, is left whole.
 */
export async function backgroundFromGeometry(
  work: Work,
  first: FoundModel,
  flow: Done<FlowInfo>,
): Promise<Done<MasksInfo>> {
  return await work.folder.folder<MasksInfo>({
    name: "masks for COLMAP",
    output: workPath("background_mask"),
    from: { model: first.sha256, flow: flow.sha256, ...motionSettings(work) },
    tell: tellMasks,
  }, async (into) => {
    const model = await first.load();
    const [camera] = model.cameras;
    const bends = largestShiftPixels(camera) > NOTICEABLE_SHIFT_PIXELS;
    const poses = frameNames(work).map((frame) => model.images.find(({ name }) => name === frame));
    const masks = geometricMasks(
      work,
      straightPairs(work, flow, bends ? asLens(camera) : null),
      { focalPixels: camera.parameters[0], width: camera.width, height: camera.height },
      poses,
    );
    const moving = await writeMasks(work, masks, (name, mask) => {
      const filmed = bends ? distortMask(mask, camera) : mask;
      return writeFileAtomically(join(into, `${name}.png`), encodeMask(inverted(filmed)));
    });
    return { source: "geometry alone", moving };
  });
}

/**
 * The scene's motion masks: `motion_masks/`.
 *
 * @param poses The file `poses_bounds.npy`.
 * @param flow Between the scene's frames, straight like them.
 */
export async function makeMotionMasks(
  work: Work,
  poses: Done<CamerasInfo>,
  flow: Done<FlowInfo>,
): Promise<Done<MasksInfo>> {
  const { command, folder, frames, signal } = work;
  const { lens } = poses.info, given = command.motionMasks ?? command.masks;
  const givenHash = given === undefined ? null : (await contentOf(given, signal)).sha256;
  return await folder.folder<MasksInfo>({
    name: "motion masks",
    output: "motion_masks",
    from: {
      lens,
      given: givenHash,
      ...(command.motionMasks === undefined
        ? { poses: poses.sha256, flow: flow.sha256, ...motionSettings(work) }
        : { frames: frames.sha256 }),
    },
    tell: tellMasks,
  }, async (into) => {
    const write = (name: string, mask: NdArray<Uint8Array>) =>
      writeFileAtomically(join(into, name), encodeMask(mask));
    if (command.motionMasks !== undefined) {
      const masks = givenMasks(work, command.motionMasks, lens);
      return {
        source: `yours from "${command.motionMasks}"`,
        moving: await writeMasks(work, masks, write),
      };
    }
    const { camera, poses: rigid } = await readPoses(work, poses);
    const objects = command.masks === undefined
      ? undefined
      : await Array.fromAsync(givenMasks(work, command.masks, lens));
    const masks = geometricMasks(work, straightPairs(work, flow, null), camera, rigid, objects);
    const moving = await writeMasks(work, masks, write);
    const source = "against the epipolar geometry" +
      (objects ? `, and your masks from "${command.masks}"` : "");
    return { source, moving };
  });
}

/** Says where the cameras stood too still for motion to be told; nothing where they did not, or masks are given. */
export async function tellStillCameras(work: Work, poses: Done<CamerasInfo>): Promise<void> {
  if (work.command.motionMasks !== undefined) return;
  const { poses: rigid, depths } = await readPoses(work, poses);
  const warning = baselineWarning(rigid, depths, frameNames(work));
  if (warning !== undefined) work.tell(warning);
}

/** The poses of the scene for frames of their size, and the middle of near and far of each. */
async function readPoses({ frames }: Work, { path }: Done<CamerasInfo>): Promise<
  { camera: PinholeCamera; poses: RigidPose[]; depths: number[] }
> {
  const { width, height, sources } = frames.info;
  const bounds = await readPosesBounds(path, sources.length, "prepare the poses again");
  const { camera, poses } = posesOf(bounds);
  const depths = sources.map((_, i) => (bounds.get(i, 15) + bounds.get(i, 16)) / 2);
  const focalPixels = camera.focalPixels * width / camera.width;
  return { camera: { focalPixels, width, height }, poses, depths };
}

/**
 * What moves against the epipolar geometry, frame by frame.
 *
 * @param flow Between each frame and the next, straight.
 * @param poses Undefined for frames without a camera: nothing moves in them, nor against them.
 * @param objects What counts as moving whatever the geometry says.
 */
async function* geometricMasks(
  { command }: Work,
  flow: AsyncGenerator<FlowPair>,
  camera: PinholeCamera,
  poses: readonly (RigidPose | undefined)[],
  objects?: readonly NdArray<Uint8Array>[],
): AsyncGenerator<NdArray<Uint8Array>> {
  const { epipolarThreshold, epipolarWidth, requireValidity } = command;
  const options = {
    ...(epipolarWidth > 0
      ? { thresholdOfWidth: epipolarThreshold / epipolarWidth }
      : { thresholdPixels: epipolarThreshold }),
    requireValid: requireValidity,
  };
  let before: FlowPair | undefined;
  for (const [i, pose] of poses.entries()) {
    const step = i + 1 < poses.length ? await flow.next() : undefined;
    const after = step?.done ? undefined : step?.value;
    const [previous, next] = [poses[i - 1], poses[i + 1]];
    const frame: FrameMotion = { pose: pose ?? ANYWHERE };
    if (objects) frame.semantic = objects[i];
    if (pose && previous && before) {
      frame.previous = { pose: previous, flow: before.backward, valid: before.backwardValid };
    }
    if (pose && next && after) {
      frame.next = { pose: next, flow: after.forward, valid: after.forwardValid };
    }
    yield motionMask(camera, frame, options).mask;
    before = after;
  }
}

const ANYWHERE: RigidPose = {
  rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  translation: new Float64Array(3),
};

/** The user's masks at the frames' size, straightened by `lens`. */
async function* givenMasks(
  { frames }: Work,
  given: string,
  lens: Lens | null,
): AsyncGenerator<NdArray<Uint8Array>> {
  const camera = cameraOf(lens), { width, height } = frames.info;
  for (const path of await filesOfFrames({ folder: given, endings: PICTURES }, frames.info)) {
    const mask = await readMask(path);
    requireProportions(path, mask.shape, frames.info);
    const sized = resizeNearest(mask, width, height);
    yield camera ? undistortMask(sized, camera) : sized;
  }
}

/** Writes masks by the names of their frames; the share that is marked. */
async function writeMasks(
  { frames, signal }: Work,
  masks: AsyncIterable<NdArray<Uint8Array>>,
  write: (name: string, mask: NdArray<Uint8Array>) => Promise<void>,
): Promise<number> {
  const count = frames.info.sources.length;
  const progress = new Progress({
    every: Math.max(1, Math.ceil(count / 4)),
    unit: counted("frames"),
  });
  let i = 0, marked = 0, pixels = 0;
  try {
    for await (const mask of masks) {
      signal.throwIfAborted();
      await write(frameName(i), mask);
      for (const value of mask.data) marked += value ? 1 : 0;
      pixels += mask.data.length;
      progress.update({ stage: "masks", step: ++i, steps: count });
    }
  } finally {
    progress.clear();
  }
  return marked / pixels;
}

function tellMasks({ source, moving }: MasksInfo): string {
  return `${source}, ${(100 * moving).toFixed(1)} % of the pixels move`;
}

function inverted({ data, shape }: NdArray<Uint8Array>): NdArray<Uint8Array> {
  return ndarray(data.map((value) => value ? 0 : 1), shape);
}
