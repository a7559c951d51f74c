import { DataError } from "../../data_error.ts";
import { shown } from "../../shown.ts";

/** Place of a camera: `x_camera = R x_world + t`, camera axes right, down, forward. */
export interface RigidPose {
  /** World to camera, 3×3 row-major. */
  rotation: Float64Array;
  /** World to camera. */
  translation: Float64Array;
}

/** Name of one of COLMAP's camera models. */
export type ColmapCameraModel =
  | "SIMPLE_PINHOLE"
  | "PINHOLE"
  | "SIMPLE_RADIAL"
  | "RADIAL"
  | "OPENCV"
  | "OPENCV_FISHEYE"
  | "FULL_OPENCV"
  | "FOV"
  | "SIMPLE_RADIAL_FISHEYE"
  | "RADIAL_FISHEYE"
  | "THIN_PRISM_FISHEYE";

/** COLMAP's camera models in the order of their numbers, each with the names of its parameters. */
export const COLMAP_CAMERA_MODELS: Readonly<Record<ColmapCameraModel, readonly string[]>> = {
  SIMPLE_PINHOLE: ["f", "cx", "cy"],
  PINHOLE: ["fx", "fy", "cx", "cy"],
  SIMPLE_RADIAL: ["f", "cx", "cy", "k"],
  RADIAL: ["f", "cx", "cy", "k1", "k2"],
  OPENCV: ["fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"],
  OPENCV_FISHEYE: ["fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"],
  FULL_OPENCV: ["fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"],
  FOV: ["fx", "fy", "cx", "cy", "omega"],
  SIMPLE_RADIAL_FISHEYE: ["f", "cx", "cy", "k"],
  RADIAL_FISHEYE: ["f", "cx", "cy", "k1", "k2"],
  THIN_PRISM_FISHEYE: ["fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "sx1", "sy1"],
};

/** A lens with its sensor. */
export interface ColmapCamera {
  /** Number in the file. */
  id: number;
  /** Which formula it bends by. */
  model: ColmapCameraModel;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  /** As {@linkcode COLMAP_CAMERA_MODELS} names them; focal lengths and principal point in pixels, centres at .5. */
  parameters: Float64Array;
}

/** A registered picture. */
export interface ColmapImage extends RigidPose {
  /** Number in the file. */
  id: number;
  /** Path below the folder of images: `000.jpg`. */
  name: string;
  /** The camera that took it. */
  cameraId: number;
  /** `[keypoints, 2]`: x right, y down, pixels, pixel centres at .5. */
  keypoints: Float64Array;
  /** The point seen at each keypoint, or {@linkcode NO_POINT}. */
  pointIds: BigUint64Array;
}

/** A point in space that pictures see. */
export interface ColmapPoint {
  /** World. */
  position: Float64Array;
  /** Mean distance from its keypoints, pixels. */
  error: number;
  /** How many keypoints show it. */
  trackLength: number;
}

/** A sparse reconstruction. */
export interface ColmapModel {
  /** In the file's order. */
  cameras: ColmapCamera[];
  /** In the file's order, which is none in particular. */
  images: ColmapImage[];
  /** By their ids. */
  points: Map<bigint, ColmapPoint>;
}

/** The id that a keypoint without a point has. */
export const NO_POINT = 2n ** 64n - 1n;

/** What each of a model's files is called in messages: its path. */
export interface ColmapPaths {
  cameras: string;
  images: string;
  points: string;
}

/** How to make a damaged model again: ends the messages. */
export const COLMAP_REMEDY = "copy the model again, or run COLMAP again";

/**
 * A rotation, 3×3 row-major, of a quaternion w, x, y, z, which is normalised first, as COLMAP does.
 *
 * @returns Undefined where the quaternion is none: zero or not finite.
 */
export function rotationOfQuaternion(quaternion: ArrayLike<number>): Float64Array | undefined {
  const length = Math.hypot(...Array.from(quaternion));
  if (!(length > 1e-6 && length < 1e6)) return undefined;
  const [w, x, y, z] = Array.from(quaternion, (value) => value / length);
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  );
}

/**
 * The model, if its numbers can be true and its three files belong together.
 *
 * @throws {DataError} If a camera has no focal length, an id stands twice, or an image has no camera.
 */
export function checkedModel(model: ColmapModel, paths: ColmapPaths): ColmapModel {
  const fail = (path: string, what: string) =>
    new DataError(`Cannot use "${path}": ${what}; ${COLMAP_REMEDY}`);
  const cameraIds = new Set(model.cameras.map(({ id }) => id));
  if (cameraIds.size < model.cameras.length) throw fail(paths.cameras, "two cameras have one id");
  for (const { id, model: name, width, height, parameters } of model.cameras) {
    const focals = parameters.subarray(0, COLMAP_CAMERA_MODELS[name][0] === "f" ? 1 : 2);
    if (!(parameters.every(Number.isFinite) && focals.every((focal) => focal > 0))) {
      const found = `${width} x ${height}, ${name} ${Array.from(parameters).join(" ")}`;
      throw fail(paths.cameras, `camera ${id} is ${found}, wanted finite numbers and a focal > 0`);
    }
  }
  const names = new Set<string>(), imageIds = new Set<number>();
  for (const { id, name, cameraId, rotation, translation, keypoints, pointIds } of model.images) {
    const where = `image "${shown(name)}"`;
    if (name === "") throw fail(paths.images, `image ${id} has no name`);
    if (names.has(name) || imageIds.has(id)) {
      throw fail(paths.images, `${where} (id ${id}) stands there twice`);
    }
    names.add(name);
    imageIds.add(id);
    if (!cameraIds.has(cameraId)) {
      throw fail(paths.images, `${where} has camera ${cameraId}, which "${paths.cameras}" lacks`);
    }
    if (![rotation, translation, keypoints].every((values) => values.every(Number.isFinite))) {
      throw fail(paths.images, `${where} has a number that is not finite`);
    }
    // A keypoint whose point was taken out of the model, as tools that clean models do, is one without a point.
    pointIds.forEach((point, i) => {
      if (!model.points.has(point)) pointIds[i] = NO_POINT;
    });
  }
  for (const [id, { position }] of model.points) {
    if (!position.every(Number.isFinite)) {
      throw fail(paths.points, `point ${id} is at (${position.join(", ")}), wanted finite numbers`);
    }
  }
  return model;
}

/**
 * A camera from what a file says of it.
 *
 * @throws {DataError} If the size is none, or the model has other parameters.
 */
export function colmapCamera(
  camera: Omit<ColmapCamera, "parameters"> & { parameters: ArrayLike<number> },
  path: string,
): ColmapCamera {
  const { id, model, width, height } = camera;
  const fail = (what: string) =>
    new DataError(`Cannot read "${path}": camera ${id} ${what}; ${COLMAP_REMEDY}`);
  const isSize = (length: number) => Number.isInteger(length) && length > 0 && length < 2 ** 24;
  if (!isSize(width) || !isSize(height)) throw fail(`is for images of ${width} x ${height} pixels`);
  const names = COLMAP_CAMERA_MODELS[model];
  const parameters = Float64Array.from(camera.parameters);
  if (parameters.length !== names.length) {
    throw fail(
      `of model ${model} has ${parameters.length} parameters, wanted ${names.length} ` +
        `(${names.join(", ")})`,
    );
  }
  return { id, model, width, height, parameters };
}
