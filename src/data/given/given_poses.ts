import { basename, dirname, extname, join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { findColmapModel, hasColmapModel } from "./colmap/load.ts";
import { COLMAP_CAMERA_MODELS, type ColmapCamera } from "./colmap/model.ts";
import { colmapPoses } from "./colmap/poses.ts";
import { DataError, exists, readFile } from "../files.ts";
import type { Size } from "../scene/frames.ts";
import { decodePly } from "../formats/ply.ts";
import type { Orientation } from "../formats/exif.ts";
import { type FilmedFrames, rowsOfFrames } from "../frame_matching.ts";
import { shown } from "../shown.ts";
import { hasNerfiesCameras, readNerfies } from "./nerfies.ts";
import {
  type DepthBounds,
  depthsSeen,
  filmedFrames,
  type Frames,
  lensesOf,
  nearAndFar,
  type PosedFrame,
  type PosedFrames,
} from "./posed_frames.ts";
import { readPosesBounds } from "../scene/poses_bounds.ts";
import { parseTransforms, pointsFileOf } from "./transforms_json.ts";
import { type GivenPixels, isForStored, turnedLens, turnedPose } from "./turning.ts";

/** What {@linkcode loadGivenPoses} is to know beside the file. */
export interface GivenPosesOptions extends DepthBounds {
  /** Of the frames: a lens for frames of another size, in their proportions, is scaled to it. */
  size?: Size;
  /** Depth of each frame `[height, width]` in the units of the poses, of any size, for near and far where the file has no points. */
  depths?: readonly NdArray<Float32Array>[];
  /** How the pictures of the frames were turned upright; by default they were not. */
  orientations?: readonly Orientation[];
  /** For which pixels of turned pictures the poses are, where their size does not tell it. */
  pixels?: GivenPixels;
}

/**
 * Reads poses that another tool estimated: the folder of a COLMAP model, a `transforms.json` (nerfstudio, instant-ngp) or a
 * `poses_bounds.npy` (LLFF), or a folder that holds one of them; of several it is the first of these.
 * Or a folder of Nerfies, HyperNeRF or DyCheck, with `camera/…json` and `scene.json`.
 *
 * Near and far are those of the file; of a `transforms.json` the 5th and 95th percentile of the depths in
 * {@linkcode GivenPosesOptions.depths}, or of the points of its `ply_file_path` that a frame sees.
 *
 * @param frames Names of the frames' images in time order, `000.png`, or how the frames were filmed; they are found by their names
 * without ending or by number, rows of `poses_bounds.npy` by their order.
 * @throws {DataError} If the file is missing or damaged, lacks a frame, or near and far cannot be known.
 *
 * @example Read the cameras of a transforms.json
 * ```ts
 * import { loadGivenPoses } from "../mod.ts";
 *
 * const posed = await loadGivenPoses("my/transforms.json", ["000.png", "001.png"], { near: 1, far: 20 });
 * console.log(posed.camera.model, posed.frames[0].cameraToWorld);
 * ```
 */
export async function loadGivenPoses(
  path: string,
  frames: Frames,
  options: GivenPosesOptions = {},
): Promise<PosedFrames> {
  const { near, far, size } = options;
  if ((near !== undefined && !(near > 0)) || (far !== undefined && !(far > 0))) {
    throw new DataError(`Cannot use near ${near} and far ${far}: wanted depths above 0`);
  }
  const file = await posesFile(path);
  const read = await readPoses(file, filmedFrames(frames), options);
  const bounded = read.frames.map((frame) => ({
    ...frame,
    near: near ?? frame.near,
    far: far ?? frame.far,
  }));
  const wrong = bounded.find(({ near, far }) => !(near > 0 && far > near && far < Infinity));
  if (wrong) {
    throw new DataError(
      `Cannot use "${file}": frame "${
        shown(wrong.name)
      }" sees depths from ${wrong.near} to ${wrong.far}, wanted ` +
        `0 < near < far; give both as --near and --far, in the units of its poses`,
    );
  }
  const turned = turnedFrames({ ...read, frames: bounded }, file, options);
  const lenses = turned.map(({ lens }) => size ? scaledTo(size, lens, file) : lens);
  const { camera, own } = lensesOf(lenses);
  const { width, height, parameters } = camera;
  return {
    source: read.source,
    camera,
    focalPixels: parameters[0],
    width,
    height,
    frames: turned.map(({ lens: _, ...frame }, i) => own[i] ? { ...frame, lens: own[i] } : frame),
  };
}

/** The files that {@linkcode loadGivenPoses} reads: that of the poses, and one of points that it names. */
export async function givenPosesFiles(path: string): Promise<string[]> {
  const file = await posesFile(path);
  if (extname(file).toLowerCase() !== ".json" || !await exists(file)) return [path];
  const points = pointsFileOf(new TextDecoder().decode(await readFile(file)));
  const pointsPath = points === undefined ? undefined : join(dirname(file), points);
  return pointsPath !== undefined && await exists(pointsPath) ? [path, pointsPath] : [path];
}

async function posesFile(path: string): Promise<string> {
  if (/\.(json|npy)$/i.test(path) || await hasColmapModel(path)) return path;
  for (const name of ["transforms.json", "poses_bounds.npy"]) {
    if (await exists(join(path, name))) return join(path, name);
  }
  return path;
}

async function readPoses(
  file: string,
  frames: FilmedFrames,
  options: GivenPosesOptions,
): Promise<PosedFrames> {
  switch (extname(file).toLowerCase()) {
    case ".json":
      return await readTransforms(file, frames, options);
    case ".npy":
      return await readLlff(file, frames);
    default: {
      const { near, far } = options;
      const bounds = {
        ...(near !== undefined ? { near } : {}),
        ...(far !== undefined ? { far } : {}),
      };
      if (!await hasColmapModel(file) && await hasNerfiesCameras(file)) {
        return await readNerfies(file, frames, bounds);
      }
      const { model, folder } = await findColmapModel(file, frames);
      const poses = colmapPoses(model, frames, bounds, folder);
      return folder === file ? poses : { ...poses, source: `${poses.source} ${folder}` };
    }
  }
}

/** Frames with a lens each, turned upright where the poses are for stored pixels. */
function turnedFrames(
  { camera, frames }: PosedFrames,
  path: string,
  { size = camera, orientations = [], pixels }: GivenPosesOptions,
): (PosedFrame & { lens: ColmapCamera })[] {
  const stored = isForStored(path, camera, { size, orientations, ...(pixels ? { pixels } : {}) });
  return frames.map((frame, i) => {
    const lens = frame.lens ?? camera, orientation = orientations[i] ?? 1;
    if (!stored || orientation === 1) return { ...frame, lens };
    const cameraToWorld = turnedPose(frame.cameraToWorld, orientation, frame.name);
    return { ...frame, cameraToWorld, lens: turnedLens(lens, orientation) };
  });
}

async function readLlff(path: string, filmed: FilmedFrames): Promise<PosedFrames> {
  const remedy = "give a file poses_bounds.npy, as LLFF writes it";
  const { data, shape } = await readPosesBounds(path, undefined, remedy);
  const rows = rowsOfFrames(shape[0], filmed, path).map((row) =>
    data.subarray(row * 17, row * 17 + 17)
  );
  const { camera, own } = lensesOf(rows.map((row) => {
    const [height, width, focal] = [row[4], row[9], row[14]];
    const parameters = Float64Array.of(focal, width / 2, height / 2);
    return { id: 1, model: "SIMPLE_PINHOLE", width, height, parameters };
  }));
  const frames = rows.map((row, frame): PosedFrame => {
    const cameraToWorld = Float64Array.from([0, 5, 10].flatMap((start) => {
      const [down, right, back, origin] = row.subarray(start, start + 4);
      return [right, -down, back, origin];
    }));
    const posed = { name: filmed.sources[frame], cameraToWorld, near: row[15], far: row[16] };
    return own[frame] ? { ...posed, lens: own[frame] } : posed;
  });
  const { width, height, parameters: [focalPixels] } = camera;
  return { source: "poses_bounds.npy", camera, focalPixels, width, height, frames };
}

async function readTransforms(
  path: string,
  filmed: FilmedFrames,
  { size, near, far, depths, orientations = [], pixels }: GivenPosesOptions,
): Promise<PosedFrames> {
  const text = new TextDecoder().decode(await readFile(path));
  const isTurned = pixels === "stored" && orientations.some((orientation) => orientation >= 5);
  const assumed = isTurned && size ? { width: size.height, height: size.width } : size;
  const { camera, own, poses, pointsFile } = parseTransforms(text, path, filmed, assumed);
  const { width, height, parameters } = camera;
  const all = {
    source: "transforms.json",
    camera,
    focalPixels: parameters[0],
    width,
    height,
  };
  const framesOf = (seen: (frame: number) => ArrayLike<number>) =>
    poses.map((cameraToWorld, frame): PosedFrame => {
      const depths = Float64Array.from(seen(frame)).filter((d) => d > 0 && d < Infinity);
      const posed = { name: filmed.sources[frame], cameraToWorld, ...nearAndFar(depths) };
      return own[frame] ? { ...posed, lens: own[frame] } : posed;
    });
  if (near !== undefined && far !== undefined) return { ...all, frames: framesOf(() => []) };
  if (depths) return { ...all, frames: framesOf((frame) => depths[frame].data) };
  if (pointsFile !== undefined) {
    const pointsPath = join(dirname(path), pointsFile);
    const remedy = `"${
      basename(path)
    }" names it as its points; put it there, or give --near and --far`;
    const points = decodePly(await readFile(pointsPath, remedy), pointsPath);
    return { ...all, frames: framesOf((frame) => depthsSeen(points, camera, poses[frame])) };
  }
  throw new DataError(
    `Cannot use "${path}": it has poses but no points, so that near and far are not known; give both as ` +
      `--near and --far, in the units of its poses, or depth in these units`,
  );
}

/** The lens for frames of another size in the same proportions. */
function scaledTo({ width, height }: Size, camera: ColmapCamera, path: string): ColmapCamera {
  if (camera.width === width && camera.height === height) return camera;
  const scale = width / camera.width;
  if (Math.abs(camera.height * scale - height) > 1) {
    throw new DataError(
      `Cannot use "${path}": it is for frames of ${camera.width} x ${camera.height}, found frames of ` +
        `${width} x ${height}; estimate the poses for these frames`,
    );
  }
  const parameters = camera.parameters.slice();
  COLMAP_CAMERA_MODELS[camera.model].forEach((name, i) => {
    if (/^(f|fx|fy|cx|cy)$/.test(name)) parameters[i] *= scale;
  });
  return { ...camera, width, height, parameters };
}
