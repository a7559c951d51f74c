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
  rotationOfQuaternion,
} from "./model.ts";

const MODEL_NAMES = Object.keys(COLMAP_CAMERA_MODELS) as ColmapCameraModel[];

/** Bytes that an entry of each kind takes at least: an empty name, no keypoints, no track. */
const LEAST_BYTES = { camera: 4 + 4 + 8 + 8 + 3 * 8, image: 4 + 7 * 8 + 4 + 1 + 8, point: 51 };
const KEYPOINT_BYTES = 8 + 8 + 8, TRACK_BYTES = 4 + 4;

/**
 * A model from COLMAP's `cameras.bin`, `images.bin` and `points3D.bin`.
 *
 * @param paths Where the bytes came from, for messages.
 * @throws {DataError} If a file is cut short or overlong, a count is more than its file can hold, a camera model is unknown,
 * or the three do not belong together.
 */
export function decodeColmapModel(
  files: { cameras: Uint8Array; images: Uint8Array; points: Uint8Array },
  paths: ColmapPaths,
): ColmapModel {
  const cameras = new Cursor(files.cameras, paths.cameras);
  const images = new Cursor(files.images, paths.images);
  const points = new Cursor(files.points, paths.points);
  const model = {
    cameras: cameras.all("camera", readCamera),
    images: images.all("image", readImage),
    points: new Map<bigint, ColmapPoint>(),
  };
  const entries = points.all("point", readPoint);
  for (const [id, point] of entries) model.points.set(id, point);
  if (model.points.size < entries.length) throw points.fail("two points have one id");
  return checkedModel(model, paths);
}

function readCamera(file: Cursor): ColmapCamera {
  const id = file.u32(), number = file.i32();
  const model: ColmapCameraModel | undefined = MODEL_NAMES[number];
  if (model === undefined) {
    throw file.fail(
      `camera ${id} has model ${number}, wanted 0 to ${MODEL_NAMES.length - 1}; run COLMAP with ` +
        `--ImageReader.camera_model SIMPLE_RADIAL`,
    );
  }
  const width = Number(file.u64()), height = Number(file.u64());
  const parameters = file.f64s(COLMAP_CAMERA_MODELS[model].length);
  return colmapCamera({ id, model, width, height, parameters }, file.path);
}

function readImage(file: Cursor): ColmapImage {
  const id = file.u32();
  const quaternion = file.f64s(4);
  const translation = file.f64s(3);
  const cameraId = file.u32(), name = file.text();
  const rotation = rotationOfQuaternion(quaternion);
  if (!rotation) {
    throw file.fail(`image "${shown(name)}" has (${quaternion.join(", ")}) as its rotation`);
  }
  const count = file.count(`keypoints of image "${shown(name)}"`, KEYPOINT_BYTES);
  const keypoints = new Float64Array(2 * count), pointIds = new BigUint64Array(count);
  for (let i = 0; i < count; i++) {
    keypoints[2 * i] = file.f64();
    keypoints[2 * i + 1] = file.f64();
    pointIds[i] = file.u64();
  }
  return { id, name, cameraId, rotation, translation, keypoints, pointIds };
}

function readPoint(file: Cursor): [bigint, ColmapPoint] {
  const id = file.u64(), position = file.f64s(3);
  file.skip(3); // its color
  const error = file.f64();
  const trackLength = file.count(`track of point ${id}`, TRACK_BYTES);
  file.skip(trackLength * TRACK_BYTES);
  return [id, { position, error, trackLength }];
}

/** A little-endian file, read from its start to its end. */
class Cursor {
  readonly #view: DataView;
  #at = 0;

  constructor(readonly bytes: Uint8Array, readonly path: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Entries up to the end of the file, their count before them. */
  all<T>(what: keyof typeof LEAST_BYTES, read: (file: Cursor) => T): T[] {
    const count = this.count(`${what}s`, LEAST_BYTES[what]);
    const entries: T[] = [];
    for (let i = 0; i < count; i++) entries.push(read(this));
    const left = this.bytes.length - this.#at;
    if (left > 0) throw this.fail(`${left} bytes follow the last ${what}`);
    return entries;
  }

  /** A count of entries, refused where the rest of the file is too short for them. */
  count(what: string, leastBytes: number): number {
    const count = this.u64(), left = this.bytes.length - this.#at;
    if (count * BigInt(leastBytes) > BigInt(left)) {
      throw this.fail(`${count} ${what} need ${leastBytes} bytes each or more, it has ${left}`);
    }
    return Number(count);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  f64s(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => this.f64());
  }

  /** UTF-8 up to a zero byte. */
  text(): string {
    const end = this.bytes.indexOf(0, this.#at);
    if (end < 0) throw this.fail("it ends within the name of an image");
    const text = this.bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return new TextDecoder().decode(text);
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  fail(what: string): DataError {
    return new DataError(`Cannot read "${this.path}": ${what}; ${COLMAP_REMEDY}`);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.bytes.length) {
      throw this.fail(`it ends at byte ${this.bytes.length}, in the middle of an entry`);
    }
    this.#at += bytes;
    return at;
  }
}
