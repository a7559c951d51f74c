import { join } from "node:path";
import { DataError, exists, listFiles, readFile } from "../files.ts";
import type { FilmedFrames } from "../frame_matching.ts";
import { shown } from "../shown.ts";
import { type ColmapCamera, colmapCamera } from "./colmap/model.ts";
import { isNumber, poseMatrix } from "./pose_matrix.ts";
import {
  type DepthBounds,
  entriesOfFrames,
  lensesOf,
  type PosedFrame,
  type PosedFrames,
} from "./posed_frames.ts";

const REMEDY = "give the folder as Nerfies, HyperNeRF or DyCheck have it";
const WANTED =
  'wanted {"orientation": 3 rows of 3 numbers, "position": [x, y, z], "focal_length": pixels, ' +
  '"principal_point": [x, y], "image_size": [width, height]}';

/** Whether a folder has cameras as Nerfies, HyperNeRF and DyCheck have them: `camera/0_00000.json` … */
export async function hasNerfiesCameras(folder: string): Promise<boolean> {
  return await exists(join(folder, "camera")) && await exists(join(folder, "scene.json"));
}

/**
 * Reads the cameras of a folder of Nerfies, HyperNeRF or DyCheck; near and far are those of its `scene.json`.
 *
 * `x_camera = orientation · (x_world − position)`, camera axes right, down, forward; near and far are in units `scale` times as
 * large.
 *
 * @throws {DataError} If a file is missing or is anything else, or a frame has no camera.
 */
export async function readNerfies(
  folder: string,
  filmed: FilmedFrames,
  bounds: DepthBounds,
): Promise<PosedFrames> {
  const cameras = join(folder, "camera");
  const names = (await listFiles(cameras)).filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length));
  const found = entriesOfFrames(filmed, names, (name) => name, cameras);
  const { near, far } = { ...await readBounds(join(folder, "scene.json")), ...bounds };
  const read = await Promise.all(found.map((name) => readCamera(join(cameras, `${name}.json`))));
  const { camera, own } = lensesOf(read.map(({ lens }) => lens));
  const { width, height, parameters: [focalPixels] } = camera;
  const frames = read.map(({ cameraToWorld }, i): PosedFrame => {
    const frame = { name: filmed.sources[i], cameraToWorld, near, far };
    return own[i] ? { ...frame, lens: own[i] } : frame;
  });
  return { source: "camera/*.json", camera, focalPixels, width, height, frames };
}

async function readTable(path: string): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await readFile(path, REMEDY));
  try {
    const table: unknown = JSON.parse(text);
    if (typeof table === "object" && table !== null) return table as Record<string, unknown>;
  } catch {
    // says so below
  }
  throw new DataError(`Cannot read "${path}": it is no JSON object; ${REMEDY}`);
}

async function readBounds(path: string): Promise<{ near: number; far: number }> {
  const { scale, near, far } = await readTable(path);
  if (isNumber(scale) && scale > 0 && isNumber(near) && isNumber(far)) {
    return { near: near / scale, far: far / scale };
  }
  throw new DataError(`Cannot use "${path}": wanted numbers scale, near and far; ${REMEDY}`);
}

async function readCamera(
  path: string,
): Promise<{ lens: ColmapCamera; cameraToWorld: Float64Array }> {
  const table = await readTable(path);
  const fail = (what: string) => new DataError(`Cannot use "${path}": it ${what}; ${WANTED}`);
  const numbers = (key: string, count: number, usual?: number[]): number[] => {
    const value = table[key] ?? usual;
    if (Array.isArray(value) && value.length === count && value.every(isNumber)) return value;
    throw fail(`has ${shown(JSON.stringify(value) ?? "no")} as ${key}, not ${count} numbers`);
  };
  const number = (key: string, usual?: number): number => {
    const value = table[key] ?? usual;
    if (isNumber(value)) return value;
    throw fail(`has ${shown(JSON.stringify(value) ?? "no")} as ${key}, not a number`);
  };
  const [width, height] = numbers("image_size", 2), [cx, cy] = numbers("principal_point", 2);
  const fx = number("focal_length"), fy = fx * number("pixel_aspect_ratio", 1);
  if (!(fx > 0 && fy > 0)) throw fail(`has focal lengths ${fx} and ${fy}`);
  if (Math.abs(number("skew", 0)) * height / fx > 1) {
    throw fail("has a skew, which is not known here");
  }
  const [k1, k2, k3] = numbers("radial_distortion", 3, [0, 0, 0]);
  const [p1, p2] = numbers("tangential_distortion", 2, [0, 0]);
  const isStraight = [k1, k2, k3, p1, p2].every((value) => value === 0);
  const lens = colmapCamera({
    id: 1,
    width,
    height,
    ...(isStraight
      ? { model: "PINHOLE", parameters: [fx, fy, cx, cy] }
      : { model: "FULL_OPENCV", parameters: [fx, fy, cx, cy, k1, k2, p1, p2, k3, 0, 0, 0] }),
  }, path);
  const rows = Array.isArray(table.orientation) ? table.orientation : [];
  const [right, down, forward] = rows.map((row: unknown) =>
    Array.isArray(row) && row.length === 3 && row.every(isNumber) ? row as number[] : undefined
  );
  if (!right || !down || !forward) throw fail("has no orientation of 3 rows of 3 numbers");
  const position = numbers("position", 3);
  const matrix = [0, 1, 2].map((i) => [right[i], -down[i], -forward[i], position[i]]);
  const cameraToWorld = poseMatrix(
    matrix,
    "orientation",
    (what) => new DataError(`Cannot use "${path}": it ${what}; ${REMEDY}`),
  );
  return { lens, cameraToWorld };
}
