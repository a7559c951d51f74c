import { DataError, readFile } from "../files.ts";
import { isNumber, poseMatrix } from "./pose_matrix.ts";

/** A camera's place at a time, as a person gives it. */
export interface CameraPose {
  /** Camera to world, row-major 3×4 `[R | o]`; axes x right, y up, z backwards. */
  cameraToWorld: Float32Array;
  /** Focal length in pixels of the scene's frames, where it is not the scene's own. */
  focalPixels?: number;
  /** In frames from 0, also between frames. */
  time: number;
}

const WANTED =
  'wanted a list of {"cameraToWorld": [3 or 4 rows of 4 numbers], "focal": pixels, "time": frames}';

/**
 * Reads a JSON file of poses: a list of `{"cameraToWorld": [[…4], [….4], [….4]], "focal": 400, "time": 1.5}`, `focal` as one
 * likes; a fourth row `[0, 0, 0, 1]` may follow.
 *
 * @throws {DataError} If the file cannot be read, or holds anything else.
 */
export async function loadPoses(path: string): Promise<CameraPose[]> {
  return parsePoses(new TextDecoder().decode(await readFile(path)), path);
}

/**
 * Poses from the text of such a file.
 *
 * @param name Where it came from, for messages.
 * @throws {DataError} If the text holds anything else.
 */
export function parsePoses(text: string, name: string): CameraPose[] {
  const fail = (what: string) => new DataError(`Cannot use "${name}": ${what}`);
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw fail(`it is no JSON (${error instanceof Error ? error.message : error}); ${WANTED}`);
  }
  if (!Array.isArray(list) || list.length === 0) throw fail(`it is no list of poses; ${WANTED}`);
  return list.map((entry: unknown, i) => asPose(entry, (what) => fail(`pose ${i} ${what}`)));
}

function asPose(entry: unknown, fail: (what: string) => DataError): CameraPose {
  if (typeof entry !== "object" || entry === null) {
    throw fail(`is ${JSON.stringify(entry)}; ${WANTED}`);
  }
  const { cameraToWorld, focal, time, ...rest } = entry as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw fail(`has "${unknown}", which means nothing; ${WANTED}`);
  if (!isNumber(time) || time < 0) {
    throw fail(`has time ${JSON.stringify(time)}, wanted frames from 0`);
  }
  if (focal !== undefined && !(isNumber(focal) && focal > 0)) {
    throw fail(`has focal ${JSON.stringify(focal)}, wanted pixels`);
  }
  const matrix = poseMatrix(cameraToWorld, "cameraToWorld", fail);
  const pose = { cameraToWorld: Float32Array.from(matrix), time };
  return focal === undefined ? pose : { ...pose, focalPixels: focal };
}
