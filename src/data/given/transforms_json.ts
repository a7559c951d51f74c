import { type ColmapCamera, colmapCamera } from "./colmap/model.ts";
import { DataError } from "../data_error.ts";
import type { Size } from "../scene/frames.ts";
import { isNumber, poseMatrix } from "./pose_matrix.ts";
import { entriesOfFrames, filmedFrames, type Frames, lensesOf } from "./posed_frames.ts";
import { shown } from "../shown.ts";

/** What a `transforms.json` says of the frames that were asked for. */
export interface Transforms {
  /** The lens of all frames, or where they differ the first one's. */
  camera: ColmapCamera;
  /** Each frame's own lens, where they differ. */
  own: readonly (ColmapCamera | undefined)[];
  /** Camera to world of each frame, row-major 3×4; axes x right, y up, z backwards. */
  poses: Float64Array[];
  /** Its file of points, a path relative to it, where it names one. */
  pointsFile?: string | undefined;
}

const WANTED =
  'wanted {"fl_x": pixels, "w": pixels, "h": pixels, "frames": [{"file_path": "images/000.png", ' +
  '"transform_matrix": [4 rows of 4 numbers]}]}, as nerfstudio and instant-ngp write it';

/** What a camera can be told by; a frame may have its own. */
const NUMBERS = [
  ..."camera_angle_x camera_angle_y fl_x fl_y cx cy w h".split(" "),
  ..."k1 k2 k3 k4 p1 p2".split(" "),
];

type Table = Record<string, unknown>;

/**
 * Reads the text of a `transforms.json`, as nerfstudio and instant-ngp have it.
 *
 * The lens is `fl_x`, `fl_y`, `cx`, `cy`, or else `camera_angle_x`, with distortion `k1`, `k2`, `k3`, `p1`, `p2`; it stands once
 * for all frames, or in each of them.
 *
 * @param name Where the text came from, for messages.
 * @param wanted The frames, by their images' names or as they were filmed; others in the file are left out.
 * @param size Of the frames, where the file does not say.
 * @throws {DataError} If the text is anything else, a frame is missing, or has no lens.
 */
export function parseTransforms(
  text: string,
  name: string,
  wanted: Frames,
  size?: Size,
): Transforms {
  const fail = (what: string) => new DataError(`Cannot use "${name}": ${what}`);
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw fail(`it is no JSON (${error instanceof Error ? error.message : error}); ${WANTED}`);
  }
  if (!isTable(file) || !Array.isArray(file.frames)) throw fail(`it has no frames; ${WANTED}`);
  const entries = file.frames.map((entry: unknown, i) => {
    if (isTable(entry) && typeof entry.file_path === "string") return entry;
    throw fail(`frame ${i} has no file_path; ${WANTED}`);
  });
  const path = (entry: Table) => entry.file_path as string;
  const frames = entriesOfFrames(filmedFrames(wanted), entries, path, name);
  const lenses = frames.map((frame) =>
    cameraOf(lensOf({ ...file, ...frame }, fail), name, size, fail)
  );
  return {
    ...lensesOf(lenses),
    poses: frames.map((frame) =>
      poseMatrix(
        frame.transform_matrix,
        "transform_matrix",
        (what) => fail(`frame "${shown(path(frame))}" ${what}`),
      )
    ),
    pointsFile: typeof file.ply_file_path === "string" ? file.ply_file_path : undefined,
  };
}

/** The file of points that a text names, if it is a `transforms.json` that does. */
export function pointsFileOf(text: string): string | undefined {
  try {
    const file: unknown = JSON.parse(text);
    if (isTable(file) && typeof file.ply_file_path === "string") return file.ply_file_path;
  } catch {
    // its reader says so
  }
  return undefined;
}

/** What tells a lens, in one order. */
interface Lens {
  model?: string;
  numbers: Partial<Record<string, number>>;
}

function lensOf(table: Table, fail: (what: string) => DataError): Lens {
  const numbers: Lens["numbers"] = {};
  for (const key of NUMBERS) {
    const value = table[key];
    if (value === undefined || value === null) continue;
    if (!isNumber(value)) throw fail(`${key} is ${shown(JSON.stringify(value))}, wanted a number`);
    numbers[key] = value;
  }
  const model = table.is_fisheye === true ? "OPENCV_FISHEYE" : table.camera_model;
  if (model === undefined || model === null) return { numbers };
  if (typeof model === "string") return { model, numbers };
  throw fail(`camera_model is ${shown(JSON.stringify(model))}, wanted a word`);
}

/** Camera models that a pinhole with OpenCV's distortion stands for; nerfstudio writes the distortion's numbers whichever it is. */
const PINHOLES = ["SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "PERSPECTIVE"];

function cameraOf(
  { model = "OPENCV", numbers }: Lens,
  name: string,
  size: Size | undefined,
  fail: (what: string) => DataError,
): ColmapCamera {
  const { w: width = size?.width, h: height = size?.height } = numbers;
  if (width === undefined || height === undefined) throw fail(`it has no w and h; ${WANTED}`);
  const fx = numbers.fl_x ?? focalOf(width, numbers.camera_angle_x);
  const fy = numbers.fl_y ?? focalOf(height, numbers.camera_angle_y) ?? fx;
  if (fx === undefined || fy === undefined || !(fx > 0 && fy > 0)) {
    throw fail(
      `its focal lengths are ${fx} and ${fy} pixels, wanted fl_x (and fl_y), or camera_angle_x in radians`,
    );
  }
  const { cx = width / 2, cy = height / 2, k1 = 0, k2 = 0, k3 = 0, k4 = 0, p1 = 0, p2 = 0 } =
    numbers;
  const camera = { id: 1, width, height };
  if (/FISHEYE/.test(model)) {
    const parameters = [fx, fy, cx, cy, k1, k2, k3, k4];
    return colmapCamera({ ...camera, model: "OPENCV_FISHEYE", parameters }, name);
  }
  if (!PINHOLES.includes(model)) {
    throw fail(`camera_model is "${shown(model)}", wanted one of ${PINHOLES.join(", ")}`);
  }
  if (k4 !== 0) throw fail(`k4 is ${k4}, and a lens with k4 is not known here; pose with OPENCV`);
  if ([k1, k2, k3, p1, p2].every((value) => value === 0)) {
    return colmapCamera({ ...camera, model: "PINHOLE", parameters: [fx, fy, cx, cy] }, name);
  }
  const parameters = [fx, fy, cx, cy, k1, k2, p1, p2, k3, 0, 0, 0];
  return colmapCamera({ ...camera, model: "FULL_OPENCV", parameters }, name);
}

function focalOf(length: number, angle: number | undefined): number | undefined {
  return angle !== undefined && angle > 0 && angle < Math.PI
    ? length / 2 / Math.tan(angle / 2)
    : undefined;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
