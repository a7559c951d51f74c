// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError } from "../data_error.ts";
import { type Orientation, upright } from "../formats/exif.ts";
import type { Size } from "../scene/frames.ts";
import { COLMAP_CAMERA_MODELS, type ColmapCamera } from "./colmap/model.ts";

// Pictures whose EXIF data ask for it are turned upright. Poses, flow, depth and masks that another tool made may be for the
// pixels as they are stored: they are then turned like the pictures.

/** For which pixels of turned pictures something was made. */
export type GivenPixels = "stored" | "upright";

/** How the frames were turned. */
export interface Turning {
  /** Of each frame, upright. */
  size: Size;
  /** What each frame's picture asked for. */
  orientations: readonly Orientation[];
  /** For which pixels it was made, where the user says it. */
  pixels?: GivenPixels;
}

/**
 * Whether something was made for the pixels as they are stored: as the user says, or its sides where turning changes them.
 *
 * @param found Its size; undefined where it says none.
 * @throws {DataError} If pictures are turned and neither says it.
 */
export function isForStored(
  path: string,
  found: Size | undefined,
  { size, orientations, pixels }: Turning,
): boolean {
  const turned = orientations.filter((orientation) => orientation !== 1);
  if (turned.length === 0) return false;
  if (pixels) return pixels === "stored";
  const isOf = ({ width, height }: Size) =>
    found !== undefined &&
    (Math.abs(found.height * width / found.width - height) <= 1 ||
      Math.abs(found.width * height / found.height - width) <= 1);
  const areSwapped = orientations.every((orientation) => orientation >= 5);
  const stored = { width: size.height, height: size.width };
  if (areSwapped && isOf(size) !== isOf(stored)) return isOf(stored);
  if (areSwapped && found && !isOf(size)) return false; // of other proportions: its reader says so
  throw new DataError(
    `Cannot tell which way up "${path}" is: ${turned.length} of ${orientations.length} frames are turned upright, ` +
      `as their data ask (orientation ${
        [...new Set(turned)].join(", ")
      }), and its size fits both ways; ` +
      `say --given-pixels stored where it was made from the pixels as they are stored, as COLMAP and ` +
      `OpenCV see them, or --given-pixels upright where from what viewers show`,
  );
}

/** Axes x right, y up of the upright picture, in those of the stored one; mirrored pictures have none. */
const AXES: Partial<
  Record<Orientation, readonly [right: readonly number[], up: readonly number[]]>
> = {
  1: [[1, 0], [0, 1]],
  3: [[-1, 0], [0, -1]],
  6: [[0, 1], [-1, 0]],
  8: [[0, -1], [1, 0]],
};

/**
 * A pose of the stored picture for the upright one: the same place and direction, other axes right and up.
 *
 * @param cameraToWorld Row-major 3×4; axes x right, y up, z backwards.
 * @throws {DataError} If the picture is mirrored, as no camera takes it.
 */
export function turnedPose(
  cameraToWorld: Float64Array,
  orientation: Orientation,
  name: string,
): Float64Array {
  const axes = AXES[orientation];
  if (!axes) {
    throw new DataError(
      `Cannot pose "${name}": its EXIF data ask for a mirror image (orientation ${orientation}), and its pose is for ` +
        `the picture as it is stored, which no camera in that place takes mirrored; store the images upright ` +
        `(mogrify -auto-orient) and pose them again`,
    );
  }
  const [right, up] = axes;
  return cameraToWorld.map((value, i) => {
    const row = i - i % 4, column = i % 4;
    const [storedRight, storedUp] = [cameraToWorld[row], cameraToWorld[row + 1]];
    if (column === 0) return right[0] * storedRight + right[1] * storedUp;
    return column === 1 ? up[0] * storedRight + up[1] * storedUp : value;
  });
}

/** The lens of the stored picture for the upright one. */
export function turnedLens(camera: ColmapCamera, orientation: Orientation): ColmapCamera {
  const { model, width, height } = camera, parameters = camera.parameters.slice();
  const names = COLMAP_CAMERA_MODELS[model];
  const at = (name: string) => camera.parameters[names.indexOf(name)];
  const set = (name: string, value: number) => {
    if (names.includes(name)) parameters[names.indexOf(name)] = value;
  };
  const [cx, cy, p1, p2] = ["cx", "cy", "p1", "p2"].map(at);
  // A place (x, y) from the middle, y down, becomes (−x, −y), (−y, x) or (y, −x).
  switch (orientation) {
    case 3:
      set("cx", width - cx);
      set("cy", height - cy);
      set("p1", -p1);
      set("p2", -p2);
      return { ...camera, parameters };
    case 6:
    case 8: {
      const sign = orientation === 6 ? 1 : -1;
      set("fx", at("fy"));
      set("fy", at("fx"));
      set("cx", orientation === 6 ? height - cy : cy);
      set("cy", orientation === 6 ? cx : width - cx);
      set("p1", sign * p2);
      set("p2", -sign * p1);
      return { ...camera, width: height, height: width, parameters };
    }
    default:
      return camera;
  }
}

/** A map `[height, width]` of the stored picture for the upright one. */
export function turnedMap<D extends Uint8Array | Float32Array>(
  map: NdArray<D>,
  orientation: Orientation,
): NdArray<D> {
  const [height, width] = map.shape;
  const turned = upright(ndarray(map.data, [height, width, 1]), orientation);
  return ndarray(turned.data as D, turned.shape.slice(0, 2));
}

/** What a step x right, y down in the stored picture is in the upright one: where each is taken from, and with which sign. */
const STEPS: Readonly<Record<Orientation, readonly [x: readonly number[], y: readonly number[]]>> =
  {
    1: [[1, 0], [0, 1]],
    2: [[-1, 0], [0, 1]],
    3: [[-1, 0], [0, -1]],
    4: [[1, 0], [0, -1]],
    5: [[0, 1], [1, 0]],
    6: [[0, -1], [1, 0]],
    7: [[0, -1], [-1, 0]],
    8: [[0, 1], [-1, 0]],
  };

/** Flow `[height, width, 2]`, x right then y down, between stored pictures for upright ones of one orientation. */
export function turnedFlow(
  flow: NdArray<Float32Array>,
  orientation: Orientation,
): NdArray<Float32Array> {
  if (orientation === 1) return flow;
  const turned = upright(flow, orientation), [[xx, xy], [yx, yy]] = STEPS[orientation];
  for (let i = 0; i < turned.data.length; i += 2) {
    const [x, y] = turned.data.subarray(i, i + 2);
    turned.data[i] = xx * x + xy * y;
    turned.data[i + 1] = yx * x + yy * y;
  }
  return turned;
}
