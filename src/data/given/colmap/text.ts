import { DataError } from "../../data_error.ts";
import { shown } from "../../shown.ts";
import {
  checkedModel,
  COLMAP_CAMERA_MODELS,
  COLMAP_REMEDY,
  type ColmapCamera,
  colmapCamera,
  type ColmapCameraModel,
  type ColmapImage,
  type ColmapModel,
  type ColmapPaths,
  type ColmapPoint,
  NO_POINT,
  rotationOfQuaternion,
} from "./model.ts";

/**
 * A model from COLMAP's `cameras.txt`, `images.txt` and `points3D.txt`.
 *
 * @param paths Where the texts came from, for messages.
 * @throws {DataError} If a line is not what the format says, a camera model is unknown, or the three do not belong together.
 */
export function parseColmapModel(
  files: { cameras: string; images: string; points: string },
  paths: ColmapPaths,
): ColmapModel {
  const cameras = entryLines(files.cameras, paths.cameras).map(parseCamera);
  const points = new Map<bigint, ColmapPoint>();
  for (const line of entryLines(files.points, paths.points)) {
    const [id, point] = parsePoint(line);
    if (points.has(id)) throw line.fail(`point ${id} stands there twice`);
    points.set(id, point);
  }
  return checkedModel({ cameras, images: parseImages(files.images, paths.images), points }, paths);
}

/** `CAMERA_ID MODEL WIDTH HEIGHT PARAMS…` */
function parseCamera(line: Line): ColmapCamera {
  const [id, model, width, height, ...parameters] = line.words(5);
  if (!Object.hasOwn(COLMAP_CAMERA_MODELS, model)) {
    const known = Object.keys(COLMAP_CAMERA_MODELS).join(", ");
    throw line.fail(`the camera model is "${shown(model)}", wanted one of ${known}`);
  }
  return colmapCamera({
    id: line.whole(id),
    model: model as ColmapCameraModel,
    width: line.whole(width),
    height: line.whole(height),
    parameters: parameters.map((word) => line.number(word)),
  }, line.path);
}

/** `IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME`, and on the next line, which may be empty, `X Y POINT3D_ID` for each keypoint. */
function parseImages(text: string, path: string): ColmapImage[] {
  const lines = splitLines(text, path);
  const images: ColmapImage[] = [];
  for (let i = 0; i < lines.length; i++) {
    if (!lines[i].isEntry) continue;
    const line = lines[i], keypointLine = lines[++i] ?? new Line("", i, path);
    const words = line.words(10);
    const quaternion = words.slice(1, 5).map((word) => line.number(word));
    const rotation = rotationOfQuaternion(quaternion);
    if (!rotation) throw line.fail(`(${quaternion.join(", ")}) is no rotation`);
    if (keypointLine.isImage) {
      throw keypointLine.fail(
        "it is an image's line where the keypoints of the image before it should be; " +
          "put an empty line after each image that has none",
      );
    }
    const keypoints = keypointLine.text === "" ? [] : keypointLine.words(0);
    if (keypoints.length % 3 !== 0) {
      throw keypointLine.fail(`it has ${keypoints.length} words, wanted X Y POINT3D_ID, repeated`);
    }
    const count = keypoints.length / 3;
    const image: ColmapImage = {
      id: line.whole(words[0]),
      name: words.slice(9).join(" "), // a name may have spaces
      cameraId: line.whole(words[8]),
      rotation,
      translation: Float64Array.from(words.slice(5, 8), (word) => line.number(word)),
      keypoints: new Float64Array(2 * count),
      pointIds: new BigUint64Array(count),
    };
    for (let k = 0; k < count; k++) {
      const [x, y, id] = keypoints.slice(3 * k, 3 * k + 3);
      image.keypoints[2 * k] = keypointLine.number(x);
      image.keypoints[2 * k + 1] = keypointLine.number(y);
      image.pointIds[k] = id === "-1" ? NO_POINT : keypointLine.id(id);
    }
    images.push(image);
  }
  return images;
}

/** `POINT3D_ID X Y Z R G B ERROR` and, for each keypoint that shows it, `IMAGE_ID POINT2D_IDX` */
function parsePoint(line: Line): [bigint, ColmapPoint] {
  const [id, x, y, z, _red, _green, _blue, error, ...track] = line.words(8);
  if (track.length % 2 !== 0) throw line.fail("its track is not IMAGE_ID POINT2D_IDX, repeated");
  const position = Float64Array.from([x, y, z], (word) => line.number(word));
  return [line.id(id), { position, error: line.number(error), trackLength: track.length / 2 }];
}

function entryLines(text: string, path: string): Line[] {
  return splitLines(text, path).filter((line) => line.isEntry);
}

function splitLines(text: string, path: string): Line[] {
  return text.split("\n").map((line, i) => new Line(line.trim(), i, path));
}

/** A line of a file, and how to say that it is wrong. */
class Line {
  constructor(readonly text: string, readonly index: number, readonly path: string) {}

  /** Whether it is more than white space or a comment. */
  get isEntry(): boolean {
    return this.text !== "" && !this.text.startsWith("#");
  }

  /** Whether it reads as an image's line, and not as keypoints: nine numbers and a name. */
  get isImage(): boolean {
    const words = this.text.split(/\s+/), isWhole = (word: string) => /^\d+$/.test(word);
    const numbers = words.slice(0, 9), isNumber = (word: string) => Number.isFinite(Number(word));
    return words.length >= 10 && isWhole(words[0]) && isWhole(words[8]) &&
      numbers.every(isNumber) &&
      !isNumber(words[9]);
  }

  /** Its words, as many as `least` or more. */
  words(least: number): string[] {
    const words = this.text.split(/\s+/);
    if (words.length < least) {
      throw this.fail(`it has ${words.length} words, wanted ${least} or more`);
    }
    return words;
  }

  number(word: string): number {
    const value = Number(word);
    if (!Number.isFinite(value)) throw this.fail(`"${shown(word)}" is no number`);
    return value;
  }

  whole(word: string): number {
    if (!/^\d{1,15}$/.test(word)) throw this.fail(`"${shown(word)}" is no whole number from 0 up`);
    return Number(word);
  }

  /** The number of a point, 64 bit. */
  id(word: string): bigint {
    const id = /^\d{1,20}$/.test(word) ? BigInt(word) : NO_POINT;
    if (id >= NO_POINT) throw this.fail(`"${shown(word)}" is no point's number`);
    return id;
  }

  fail(what: string): DataError {
    return new DataError(
      `Cannot read "${this.path}": line ${this.index + 1}: ${what}; ${COLMAP_REMEDY}`,
    );
  }
}
