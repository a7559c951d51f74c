/**
 * What moves: for COLMAP, which must not look at it, and for training.
 *
 * @module
 */
import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { PinholeCamera } from "../../src/data/scene/camera.ts";
import type { RigidPose } from "../../src/data/given/colmap/model.ts";
import { writeFileAtomically } from "../../src/data/files.ts";
import { PICTURES } from "../../src/data/scene/frames.ts";
import { readPosesBounds } from "../../src/data/scene/poses_bounds.ts";
import { resizeNearest } from "../../src/data/resize.ts";
import { turnedMap } from "../../src/data/given/turning.ts";
import { encodeMask, readMask } from "../../src/data/scene/scene_files.ts";
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
import { cacheFolder } from "../driver/swiftshader.ts";
import type { CamerasInfo, FoundModel } from "./cameras.ts";
import { contentOf } from "./content_hash.ts";
import { type FlowInfo, type FlowPair, requireProportions, straightPairs } from "./flow.ts";
import { frameName } from "./frames.ts";
import { filesOfFrames } from "./given_files.ts";
import { lensOfFrame, type Straightening, straightening } from "./lens.ts";
import type { Done, Json } from "./preparation_folder.ts";
import { PersonSegmenter } from "./person_masks.ts";
import { StepProgress } from "./step_progress.ts";
import { frameNames, readFrame, turnOf, type Work, workPath } from "./work.ts";

/** What is known of masks when they are there. */
export type MasksInfo = {
  /** What they were made by. */
  readonly source: string;
  /** Share of the pixels that move. */
  readonly moving: number;
};

/** Masks of what may move, whatever the geometry says: pictures by frame, anything but black. */
export interface ObjectMasks {
  /** Their folder. */
  path: string;
  /** Of what it holds. */
  sha256: string;
  /** Where they are from: `yours from "masks"`. */
  source: string;
}

/** The user's masks, or those of a network that was asked for; undefined where there are neither. */
export async function findObjects(work: Work): Promise<ObjectMasks | undefined> {
  const { command, folder, frames, signal } = work;
  const given = command.masks;
  if (given !== undefined) {
    return { path: given, ...await contentOf(given, signal), source: `yours from "${given}"` };
  }
  if (command.personMasks === undefined) return undefined;
  const source = "persons by MediaPipe's selfie segmentation";
  const found = await folder.folder<MasksInfo>({
    name: "person masks",
    output: workPath("person_masks"),
    from: { frames: frames.sha256, network: command.personMasks },
    tell: tellMasks,
  }, async (into) => {
    const segmenter = await PersonSegmenter.load(cacheFolder(), frames.info);
    try {
      const write = (name: string, mask: NdArray<Uint8Array>) =>
        writeFileAtomically(join(into, name), encodeMask(mask));
      return { source, moving: await writeMasks(work, personMasks(work, segmenter), write) };
    } finally {
      segmenter.destroy();
    }
  });
  return { path: found.path, sha256: found.sha256, source };
}

/** The user's motion masks, for COLMAP; undefined where there are none. */
export async function motionObjects({ command, signal }: Work): Promise<ObjectMasks | undefined> {
  const path = command.motionMasks;
  if (path === undefined) return undefined;
  return { path, ...await contentOf(path, signal), source: `yours from "${path}"` };
}

async function* personMasks(
  { frames }: Work,
  segmenter: PersonSegmenter,
): AsyncGenerator<NdArray<Uint8Array>> {
  for (const i of frames.info.sources.keys()) {
    yield await segmenter.mask(await readFrame(frames, i));
  }
}

/** A mask's settings, as far as the record is concerned. */
function motionSettings({ command }: Work): { [key: string]: Json } {
  const { epipolarThreshold, epipolarWidth, requireValidity } = command;
  return { epipolarThreshold, epipolarWidth, requireValidity };
}

/** Masks as COLMAP wants them: black where no features are wanted. */
export async function backgroundFromObjects(
  work: Work,
  { path, sha256, source }: ObjectMasks,
): Promise<Done<MasksInfo>> {
  const { folder, frames } = work;
  return await folder.folder<MasksInfo>({
    name: "masks for COLMAP",
    output: workPath("background_mask"),
    from: { frames: frames.sha256, objects: sha256, pixels: work.command.givenPixels ?? null },
    tell: tellMasks,
  }, async (into) => {
    const moving = await writeMasks(work, givenMasks(work, path, null), (name, mask) => {
      return writeFileAtomically(join(into, `${name}.png`), encodeMask(inverted(mask)));
    });
    return { source, moving };
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
    const by = bends ? straightening([camera]) : null;
    const seen = lensOfFrame(by, 0)?.straight ?? camera;
    const poses = frameNames(work).map((frame) => model.images.find(({ name }) => name === frame));
    const masks = geometricMasks(
      work,
      straightPairs(work, flow, by),
      { focalPixels: seen.parameters[0], width: seen.width, height: seen.height },
      poses,
    );
    const moving = await writeMasks(work, masks, (name, mask) => {
      const filmed = bends ? distortMask(mask, camera, seen) : mask;
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
 * @param objects What counts as moving whatever the geometry says.
 */
export async function makeMotionMasks(
  work: Work,
  poses: Done<CamerasInfo>,
  flow: Done<FlowInfo>,
  objects?: ObjectMasks,
): Promise<Done<MasksInfo>> {
  const { command: { motionMasks: given }, folder, frames, signal } = work;
  const { lens } = poses.info, pixels = work.command.givenPixels ?? null;
  const from: Json = given === undefined
    ? {
      poses: poses.sha256,
      flow: flow.sha256,
      ...motionSettings(work),
      ...(objects ? { objects: objects.sha256, lens, pixels } : {}),
    }
    : { frames: frames.sha256, given: (await contentOf(given, signal)).sha256, lens, pixels };
  return await folder.folder<MasksInfo>({
    name: "motion masks",
    output: "motion_masks",
    from,
    tell: tellMasks,
  }, async (into) => {
    const write = (name: string, mask: NdArray<Uint8Array>) =>
      writeFileAtomically(join(into, name), encodeMask(mask));
    if (given !== undefined) {
      const moving = await writeMasks(work, givenMasks(work, given, lens), write);
      return { source: `yours from "${given}"`, moving };
    }
    const { camera, poses: rigid } = await readPoses(work, poses);
    const marked = objects && await Array.fromAsync(givenMasks(work, objects.path, lens));
    const pairs = straightPairs(work, flow, null);
    const masks = geometricMasks(work, pairs, camera, rigid, marked);
    const moving = await writeMasks(work, masks, write);
    const source = `against the epipolar geometry${objects ? `, and ${objects.source}` : ""}`;
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

/** @throws {DataError} If a frame has no mask in the user's folder, or the first one cannot be used. */
export async function requireMasks(work: Work, given: string): Promise<void> {
  for await (const _ of givenMasks(work, given, null)) return;
}

/** The user's masks at the frames' size, straightened by `lens`. */
async function* givenMasks(
  work: Work,
  given: string,
  lens: Straightening | null,
): AsyncGenerator<NdArray<Uint8Array>> {
  const { frames } = work, { width, height } = frames.info;
  const paths = await filesOfFrames({ folder: given, endings: PICTURES }, frames.info);
  for (const [i, path] of paths.entries()) {
    const filmed = await readMask(path), by = lensOfFrame(lens, i);
    const mask = turnedMap(filmed, turnOf(work, path, filmed.shape, i));
    requireProportions(path, mask.shape, frames.info);
    const sized = resizeNearest(mask, width, height);
    yield by ? undistortMask(sized, by.camera, by.straight) : sized;
  }
}

/** Writes masks by the names of their frames; the share that is marked. */
async function writeMasks(
  { frames, signal }: Work,
  masks: AsyncIterable<NdArray<Uint8Array>>,
  write: (name: string, mask: NdArray<Uint8Array>) => Promise<void>,
): Promise<number> {
  using progress = new StepProgress("masks", frames.info.sources.length);
  let i = 0, marked = 0, pixels = 0;
  for await (const mask of masks) {
    signal.throwIfAborted();
    await write(frameName(i), mask);
    for (const value of mask.data) marked += value ? 1 : 0;
    pixels += mask.data.length;
    progress.update(++i);
  }
  return marked / pixels;
}

/** Shares of moving pixels that no camera films: masks are the wrong way round, or say nothing. */
const ALL_BUT = 0.9;

/** What is to be said of masks, and where they cannot be meant so. */
export function tellMasks({ source, moving }: MasksInfo): string {
  return `${source}, ${(100 * moving).toFixed(1)} % of the pixels move${doubt(source, moving)}`;
}

function doubt(source: string, moving: number): string {
  if (moving === 0) return ": nothing at all, so that the scene is taken for one that stands still";
  if (moving <= ALL_BUT) return "";
  return source.startsWith("yours")
    ? ": do the masks say what moves? All but black does, and an alpha channel is not looked at; if they are the other way " +
      "round, turn them (mogrify -alpha remove -negate FILES)"
    : ": nearly all of them, as where poses or flow are not those of these frames; look at the preview";
}

function inverted({ data, shape }: NdArray<Uint8Array>): NdArray<Uint8Array> {
  return ndarray(data.map((value) => value ? 0 : 1), shape);
}
