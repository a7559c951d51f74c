import { basename, dirname, extname, join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { hasColmapModel, loadColmapModel } from "./colmap/load.ts";
import { COLMAP_CAMERA_MODELS, type ColmapCamera } from "./colmap/model.ts";
import { colmapPoses } from "./colmap/poses.ts";
import { DataError, exists, readFile } from "../files.ts";
import type { Size } from "../scene/frames.ts";
import { decodePly } from "../formats/ply.ts";
import { nearAndFar, type PosedFrame, type PosedFrames } from "./posed_frames.ts";
import { readPosesBounds } from "../scene/poses_bounds.ts";
import { parseTransforms } from "./transforms_json.ts";

/** What {@linkcode loadGivenPoses} is to know beside the file. */
export interface GivenPosesOptions {
  /** Of the frames: a lens for frames of another size, in their proportions, is scaled to it. */
  size?: Size;
  /** Depth, in the units of the poses: for all frames, in place of what the file has. */
  near?: number;
  /** Depth, in the units of the poses: for all frames, in place of what the file has. */
  far?: number;
  /** Depth of each frame `[height, width]` in the units of the poses, of any size, for near and far where the file has no points. */
  depths?: readonly NdArray<Float32Array>[];
}

/**
 * Reads poses that another tool estimated: the folder of a COLMAP model, a `transforms.json` (nerfstudio, instant-ngp) or a
 * `poses_bounds.npy` (LLFF), or a folder that holds one of them; of several it is the first of these.
 *
 * Near and far are those of the file; of a `transforms.json` the 5th and 95th percentile of the depths in
 * {@linkcode GivenPosesOptions.depths}, or of the points of its `ply_file_path` that a frame sees.
 *
 * @param frameNames The frames, `000.png`; they are found by their names without ending, rows of `poses_bounds.npy` by their order.
 * @throws {DataError} If the file is missing or damaged, lacks a frame, has several lenses, or near and far cannot be known.
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
  frameNames: readonly string[],
  options: GivenPosesOptions = {},
): Promise<PosedFrames> {
  const file = await posesFile(path);
  const poses = await readPoses(file, frameNames, options);
  const { near, far } = options;
  if ((near !== undefined && !(near > 0)) || (far !== undefined && !(far > 0))) {
    throw new DataError(`Cannot use near ${near} and far ${far}: wanted depths above 0`);
  }
  const frames = poses.frames.map((frame) => ({
    ...frame,
    near: near ?? frame.near,
    far: far ?? frame.far,
  }));
  const wrong = frames.find(({ near, far }) => !(near > 0 && far > near && far < Infinity));
  if (wrong) {
    throw new DataError(
      `Cannot use "${file}": frame "${wrong.name}" sees depths from ${wrong.near} to ${wrong.far}, wanted ` +
        `0 < near < far; give both as --near and --far, in the units of its poses`,
    );
  }
  const camera = options.size ? scaledTo(options.size, poses.camera, file) : poses.camera;
  const { width, height, parameters } = camera;
  return { ...poses, camera, focalPixels: parameters[0], width, height, frames };
}

async function posesFile(path: string): Promise<string> {
  if (/\.(json|npy)$/i.test(path) || await hasColmapModel(path)) return path;
  for (const name of ["transforms.json", "poses_bounds.npy"]) {
    if (await exists(join(path, name))) return join(path, name);
  }
  return path;
}

function readPoses(
  file: string,
  frameNames: readonly string[],
  options: GivenPosesOptions,
): Promise<PosedFrames> {
  switch (extname(file).toLowerCase()) {
    case ".json":
      return readTransforms(file, frameNames, options);
    case ".npy":
      return readLlff(file, frameNames);
    default:
      return loadColmapModel(file).then((model) => colmapPoses(model, frameNames));
  }
}

async function readLlff(path: string, frameNames: readonly string[]): Promise<PosedFrames> {
  const remedy = "give a file poses_bounds.npy, as LLFF writes it";
  const { data } = await readPosesBounds(path, frameNames.length, remedy);
  const [height, width, focalPixels] = [4, 9, 14].map((column) => data[column]);
  const frames = frameNames.map((name, frame): PosedFrame => {
    const row = data.subarray(frame * 17, frame * 17 + 17);
    if (row[4] !== height || row[9] !== width || row[14] !== focalPixels) {
      throw new DataError(
        `Cannot use "${path}": pose ${frame} is of ${row[9]} x ${row[4]} with focal ${
          row[14]
        }, the first ` +
          `of ${width} x ${height} with ${focalPixels}; pose the frames with a single camera`,
      );
    }
    const cameraToWorld = Float64Array.from([0, 5, 10].flatMap((start) => {
      const [down, right, back, origin] = row.subarray(start, start + 4);
      return [right, -down, back, origin];
    }));
    return { name, cameraToWorld, near: row[15], far: row[16] };
  });
  const parameters = Float64Array.of(focalPixels, width / 2, height / 2);
  const camera: ColmapCamera = { id: 1, model: "SIMPLE_PINHOLE", width, height, parameters };
  return { source: "poses_bounds.npy", camera, focalPixels, width, height, frames };
}

async function readTransforms(
  path: string,
  frameNames: readonly string[],
  { size, near, far, depths }: GivenPosesOptions,
): Promise<PosedFrames> {
  const text = new TextDecoder().decode(await readFile(path));
  const { camera, poses, pointsFile } = parseTransforms(text, path, frameNames, size);
  const { width, height, parameters } = camera;
  const all = {
    source: "transforms.json",
    camera,
    focalPixels: parameters[0],
    width,
    height,
  } as const;
  const framesOf = (seen: (frame: number) => ArrayLike<number>) =>
    poses.map((cameraToWorld, frame): PosedFrame => {
      const depths = Float64Array.from(seen(frame)).filter((d) => d > 0 && d < Infinity);
      return { name: frameNames[frame], cameraToWorld, ...nearAndFar(depths) };
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

/** Depths of the points that lie in a frame's picture, its distortion left out. */
function depthsSeen(
  points: Float64Array,
  { width, height, parameters: [focalPixels] }: ColmapCamera,
  pose: Float64Array,
): number[] {
  const depths: number[] = [];
  const [halfX, halfY] = [width / 2 / focalPixels, height / 2 / focalPixels];
  for (let i = 0; i < points.length; i += 3) {
    const [dx, dy, dz] = [points[i] - pose[3], points[i + 1] - pose[7], points[i + 2] - pose[11]];
    const x = pose[0] * dx + pose[4] * dy + pose[8] * dz;
    const y = pose[1] * dx + pose[5] * dy + pose[9] * dz;
    const depth = -(pose[2] * dx + pose[6] * dy + pose[10] * dz);
    if (depth > 0 && Math.abs(x) <= halfX * depth && Math.abs(y) <= halfY * depth) {
      depths.push(depth);
    }
  }
  return depths;
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
