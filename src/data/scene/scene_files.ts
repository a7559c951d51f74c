import { basename, extname, join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError, exists, listFiles } from "../files.ts";
import { allImages, matchFlow, matchFrames } from "../frame_matching.ts";
import { imageNames, PICTURES, type Size } from "./frames.ts";
import { readImage } from "../formats/image.ts";
import { readNpy } from "../formats/npy.ts";
import { encodeNpz, readNpz } from "../formats/npz.ts";
import { encodePng } from "../formats/png.ts";

// Which files a scene folder has, and what one of each kind holds: for those who load a scene and those who check one.

/** A held-out view on disk. */
export interface MultiviewFile {
  /** Number of the frame, from 0. */
  time: number;
  /** Number of the camera, from 0. */
  camera: number;
  /** The picture's file. */
  path: string;
}

/** Ends the messages about what is missing. */
export const LAYOUT = "a scene has images/, poses_bounds.npy, disp/, motion_masks/ and flow/";

/**
 * Names of a scene's frames in `images/`, in time order.
 *
 * @throws {DataError} As {@linkcode imageNames}.
 */
export async function frameNames(directory: string): Promise<string[]> {
  return await imageNames(join(directory, "images"), LAYOUT);
}

/** The files of one kind that belong to the frames. */
export interface FrameFiles {
  /** One a frame; undefined where there is none. */
  paths: (string | undefined)[];
  /** Says which frame lacks its file, or that a file belongs to no frame. */
  fault?: DataError | undefined;
}

/** The paths, if every frame has its file and every file its frame. */
export function requireAll({ paths, fault }: FrameFiles): (string | undefined)[] {
  if (fault) throw fault;
  return paths;
}

/**
 * Finds inverse depths, one a frame.
 *
 * @param frames Names of the frames' images.
 * @throws {DataError} If there is no such folder.
 */
export function disparityFiles(directory: string, frames: readonly string[]): Promise<FrameFiles> {
  return filesOfFrames(join(directory, "disp"), frames, [".npy"]);
}

/**
 * Finds motion masks, one a frame.
 *
 * @param frames Names of the frames' images.
 * @throws {DataError} If there is no such folder.
 */
export function maskFiles(directory: string, frames: readonly string[]): Promise<FrameFiles> {
  return filesOfFrames(join(directory, "motion_masks"), frames, PICTURES);
}

/**
 * Finds flow from each frame to the next (`fwd`) or last (`bwd`) one; undefined for the frame without that neighbour.
 *
 * @param frames Names of the frames' images.
 * @throws {DataError} If there is no such folder.
 */
export async function flowFiles(
  directory: string,
  direction: "fwd" | "bwd",
  frames: readonly string[],
): Promise<FrameFiles> {
  const folder = join(directory, "flow"), ending = `_${direction}.npz`;
  const names = (await listFiles(folder, LAYOUT)).filter((name) => /_(fwd|bwd)\.npz$/.test(name));
  const without = direction === "fwd" ? frames.length - 1 : 0;
  const ours = names.filter((name) => name.endsWith(ending));
  try {
    const { forward, backward } = matchFlow(names, allImages(frames), folder);
    const entries = direction === "fwd" ? forward : backward;
    const found = entries.map((i) => i === undefined ? i : names[i]);
    const files = framesFiles(folder, frames, found, { ending, there: ours.length, without });
    // One that the frame without a neighbour has is not looked at.
    return { ...files, paths: files.paths.map((path, i) => i === without ? undefined : path) };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { paths: frames.map(() => undefined), fault: error };
  }
}

/** The held-out views in `multiview_GT`, by time, then camera; none without that folder. */
export async function listMultiview(scene: string): Promise<MultiviewFile[]> {
  const directory = join(scene, "multiview_GT");
  const views: MultiviewFile[] = [];
  if (!(await exists(directory))) return views;
  for await (const folder of Deno.readDir(directory)) {
    if (!folder.isDirectory || !/^\d+$/.test(folder.name)) continue;
    for (const name of await listFiles(join(directory, folder.name))) {
      const camera = /^cam(\d+)\.(png|jpe?g)$/i.exec(name)?.[1];
      if (camera === undefined) continue;
      const path = join(directory, folder.name, name);
      views.push({ time: Number(folder.name) - 1, camera: Number(camera) - 1, path });
    }
  }
  return views.sort((a, b) => a.time - b.time || a.camera - b.camera);
}

/**
 * Reads relative inverse depth, `[height, width]` of its own size.
 *
 * @throws {DataError} If the file is damaged, has another shape or type, or holds what is no number.
 */
export async function readDisparity(path: string): Promise<NdArray<Float32Array>> {
  const stored = await readNpy(path, ["float32", "float64"]);
  requireShape(path, stored.shape, [undefined, undefined]);
  const disparity = asFloat32(stored);
  requireFinite(path, disparity.data);
  return disparity;
}

/**
 * Reads a motion mask, `[height, width]` of its own size: 1 where value/255 > 1e-3 in any channel, that is anywhere but black.
 *
 * @throws {DataError} If the file is no picture or damaged.
 */
export async function readMask(path: string): Promise<NdArray<Uint8Array>> {
  const image = await readImage(path);
  const [height, width] = image.shape;
  const marks = new Uint8Array(height * width);
  image.data.forEach((value, i) => {
    if (value > 0) marks[Math.floor(i / 3)] = 1;
  });
  return ndarray(marks, [height, width]);
}

/**
 * Reads optical flow of its own size: `flow` `[height, width, 2]`, pixels, x then y, and where it is `valid`, `[height, width]`.
 *
 * @throws {DataError} If the archive is damaged, lacks an array, or one has another shape or type or holds what is no number.
 */
export async function readFlow(
  path: string,
): Promise<{ flow: NdArray<Float32Array>; valid: NdArray<Uint8Array> }> {
  const npz = await readNpz(path);
  const stored = npz.array("flow", ["float32", "float64"]);
  requireShape(`${path}[flow]`, stored.shape, [undefined, undefined, 2]);
  const flow = asFloat32(stored);
  requireFinite(`${path}[flow]`, flow.data);
  const mask = npz.array("mask", ["bool", "uint8", "float32", "float64"]);
  requireShape(`${path}[mask]`, mask.shape, stored.shape.slice(0, 2));
  const valid = ndarray(Uint8Array.from(mask.data, (value) => value ? 1 : 0), mask.shape);
  return { flow, valid };
}

/**
 * A flow file as {@linkcode readFlow} reads it.
 *
 * @param flow `[height, width, 2]`, pixels, x then y.
 * @param valid `[height, width]`: 1 where it can be trusted.
 */
export function encodeFlow(
  flow: NdArray<Float32Array>,
  valid: NdArray<Uint8Array>,
): Uint8Array<ArrayBuffer> {
  return encodeNpz({
    flow: { array: flow, dtype: "float32" },
    mask: { array: valid, dtype: "bool" },
  });
}

/**
 * A mask file as {@linkcode readMask} reads it: a gray PNG, 255 where the mask is not 0.
 *
 * @param mask `[height, width]`.
 */
export function encodeMask(mask: NdArray<Uint8Array>): Uint8Array<ArrayBuffer> {
  return encodePng(ndarray(mask.data.map((value) => value ? 255 : 0), mask.shape));
}

/**
 * How many times wider the frames are than those that the poses were estimated for.
 *
 * @param original Size of the pictures in `images/`.
 * @throws {DataError} If their proportions differ.
 */
export function posesScale(
  path: string,
  posesBounds: NdArray<Float64Array>,
  original: Size,
  onNotice: (notice: string) => void = () => {},
): number {
  const poses = { height: posesBounds.data[4], width: posesBounds.data[9] };
  if (poses.width !== original.width || poses.height !== original.height) {
    const sizes = `it is for frames of ${poses.width} x ${poses.height}, images/ has ` +
      `${original.width} x ${original.height}`;
    if (Math.abs(poses.height * original.width / poses.width - original.height) > 1) {
      throw new DataError(`Cannot use "${path}": ${sizes}; estimate the poses for these images`);
    }
    onNotice(`"${path}": ${sizes}; the focal length is scaled to fit.`);
  }
  return original.width / poses.width;
}

/** Finds the files that belong to the frames, by the names of their images or by number. */
async function filesOfFrames(
  directory: string,
  frames: readonly string[],
  endings: readonly string[],
): Promise<FrameFiles> {
  const names = (await listFiles(directory, LAYOUT))
    .filter((name) => endings.includes(extname(name).toLowerCase()));
  try {
    const { entries } = matchFrames(names, allImages(frames), { path: directory });
    const found = entries.map((i) => i === undefined ? i : names[i]);
    return framesFiles(directory, frames, found, { ending: endings[0], there: names.length });
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { paths: frames.map(() => undefined), fault: error };
  }
}

/**
 * The frames' files, and what is wrong with them.
 *
 * @param there How many files there are.
 * @param without A frame that needs none.
 */
function framesFiles(
  directory: string,
  frames: readonly string[],
  found: readonly (string | undefined)[],
  { ending, there, without = -1 }: { ending: string; there: number; without?: number },
): FrameFiles {
  const paths = found.map((name) => name && join(directory, name));
  const missing = found.findIndex((name, frame) => name === undefined && frame !== without);
  const extra = there - found.filter((name) => name !== undefined).length;
  if (missing < 0 && extra <= 0) return { paths };
  const what = missing >= 0
    ? `${basename(frames[missing], extname(frames[missing]))}${ending} is missing`
    : `it has ${extra} files ${ending} too many`;
  const wanted = `images/ has ${frames.length} frames; make the two agree`;
  return { paths, fault: new DataError(`Cannot load "${directory}": ${what}, ${wanted}`) };
}

/** @throws {DataError} If the shape is another; an undefined length may be any. */
export function requireShape(name: string, shape: number[], wanted: (number | undefined)[]): void {
  const fits = shape.length === wanted.length &&
    shape.every((length, i) => length === (wanted[i] ?? length) && length > 0);
  if (fits) return;
  const words = wanted.map((length, i) => length ?? ["height", "width"][i]);
  throw new DataError(
    `Cannot use "${name}": shape is (${shape.join(", ")}), wanted (${
      words.join(", ")
    }); save it again`,
  );
}

/** @throws {DataError} If a value is no finite number. */
export function requireFinite(name: string, data: Float32Array): void {
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new DataError(
    `Cannot use "${name}": value ${bad} is ${data[bad]}, wanted a number; make it again`,
  );
}

/** The array in single precision, where large numbers become infinite: check afterwards. */
export function asFloat32(array: NdArray<Float32Array | Float64Array>): NdArray<Float32Array> {
  return ndarray(Float32Array.from(array.data), array.shape);
}
