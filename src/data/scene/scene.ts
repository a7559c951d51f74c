import { basename, join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { type Camera, camerasFromLlff } from "./camera.ts";
import { DataError, readFile } from "../files.ts";
import { type FrameOptions, loadFrames, type Size } from "./frames.ts";
import { decodeImage, readImage } from "../formats/image.ts";
import { isJpeg } from "../formats/jpeg.ts";
import { requireForwardFacing } from "./forward_facing.ts";
import { readPosesBounds } from "./poses_bounds.ts";
import { resizeArea, resizeFlow, resizeNearest } from "../resize.ts";
import {
  disparityFiles,
  flowFiles,
  type FrameFiles,
  frameNames,
  LAYOUT,
  listMultiview,
  maskFiles,
  type MultiviewFile,
  posesScale,
  readDisparity,
  readFlow,
  readMask,
  requireAll,
} from "./scene_files.ts";

export type { MultiviewFile };

/** A dynamic scene in memory, everything at the size of training. */
export interface Scene {
  /** The folder's own name. */
  name: string;
  /** Where it was loaded from. */
  directory: string;
  /** How many. */
  frames: number;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  /** `[frames, height, width, 3]`: sRGB, 0..255. */
  images: NdArray<Uint8Array>;
  /** `[frames, height, width]`: relative inverse depth, bigger is nearer, no fixed scale. */
  inverseDepth: NdArray<Float32Array>;
  /** `[frames, height, width]`: 1 where something moves. */
  moving: NdArray<Uint8Array>;
  /** `[frames, height, width, 2]`: to the next frame, x right then y down, pixels; zero in the last frame. */
  flowForward: NdArray<Float32Array>;
  /** `[frames, height, width]`: 1 where the flow can be trusted; 0 in the last frame. */
  flowForwardValid: NdArray<Uint8Array>;
  /** As {@linkcode Scene.flowForward}, to the frame before; zero in the first frame. */
  flowBackward: NdArray<Float32Array>;
  /** As {@linkcode Scene.flowForwardValid}; 0 in the first frame. */
  flowBackwardValid: NdArray<Uint8Array>;
  /** One a frame, recentred. */
  cameras: Camera[];
  /** `[frames, 2]`: near and far, in the units of the cameras. */
  bounds: NdArray<Float32Array>;
  /** Held-out views found in `multiview_GT`; empty without that folder. */
  multiview: MultiviewFile[];
}

/**
 * Loads a scene folder in the layout of the Dynamic Scene Dataset as DynamicNeRF reads it: `images/000.png …`,
 * `poses_bounds.npy`, `disp/000.npy …`, `motion_masks/000.png …`, `flow/000_fwd.npz`, `flow/001_bwd.npz …` and, for
 * evaluation only, `multiview_GT/00000001/cam01.jpg …`.
 *
 * Frames are shrunk as {@linkcode loadFrames} says. Inverse depth and masks are resized by nearest pixel, flow
 * bilinearly, its x scaled by new/old width and its y by new/old height.
 *
 * @throws {DataError} If anything is missing, cut short, of the wrong shape or type, or not a number, if the counts of
 * frames differ, or the cameras do not look one way.
 *
 * @example Load a scene at half the size on disk
 * ```ts
 * import { loadScene } from "../mod.ts";
 *
 * const scene = await loadScene("data/Balloon1", { factor: 2 });
 * console.log(`${scene.frames} frames of ${scene.width} x ${scene.height}`);
 * ```
 */
export async function loadScene(directory: string, options: FrameOptions = {}): Promise<Scene> {
  const names = await frameNames(directory);
  const posesPath = join(directory, "poses_bounds.npy");
  const posesBounds = await readPosesBounds(posesPath, names.length, LAYOUT);
  const { images, original } = await loadFrames(directory, names, options);
  const [frames, height, width] = images.shape;
  const size = { width, height };
  const { cameras, bounds } = camerasFromLlff(posesBounds, {
    ...size,
    focalScale: focalScale(posesPath, posesBounds, original, width, options),
  });
  requireForwardFacing(cameras, posesPath);

  const disparities = await readAll(
    await disparityFiles(directory, names),
    async (path) => resizeNearest(await readDisparity(path), width, height),
  );
  const masks = await readAll(
    await maskFiles(directory, names),
    async (path) => resizeNearest(await readMask(path), width, height),
  );
  const forward = await loadFlow(directory, "fwd", names, size);
  const backward = await loadFlow(directory, "bwd", names, size);
  return {
    name: basename(directory),
    directory,
    frames,
    ...size,
    images,
    inverseDepth: stack(disparities, Float32Array),
    moving: stack(masks, Uint8Array),
    flowForward: forward.flow,
    flowForwardValid: forward.valid,
    flowBackward: backward.flow,
    flowBackwardValid: backward.valid,
    cameras,
    bounds,
    multiview: await listMultiview(directory),
  };
}

/**
 * Loads a held-out view at the size of training, averaged over the area of each pixel: for half size that is the
 * mean of 2×2 pixels rounded half up.
 *
 * @param time Number of the frame, from 0.
 * @param camera Number of the camera, from 0.
 * @returns `[height, width, 3]`, RGB 0..255.
 * @throws {DataError} If the scene has no such view, it cannot be read, or it is smaller than the scene.
 */
export async function loadMultiviewImage(
  scene: Scene,
  time: number,
  camera: number,
): Promise<NdArray<Uint8Array>> {
  const view = scene.multiview.find((view) => view.time === time && view.camera === camera);
  if (!view) {
    throw new DataError(
      `Cannot load the view of camera ${camera} at time ${time} (from 0): multiview_GT of ` +
        `"${scene.directory}" has ${scene.multiview.length} views, and not this one`,
    );
  }
  const image = await readImage(view.path);
  const [height, width] = image.shape;
  if (height === scene.height && width === scene.width) return image;
  if (height < scene.height || width < scene.width) {
    throw new DataError(
      `Cannot use "${view.path}": it is ${width} x ${height}, wanted ${scene.width} x ${scene.height} ` +
        "or more; train at a smaller size",
    );
  }
  return resizeArea(image, scene.width, scene.height);
}

/** How {@linkcode loadMultiviewImage} makes the held-out views of a scene: `JPEG of 960 x 540, each pixel the mean of 2 x 2`. */
export async function describeMultiview({ multiview, width, height }: Scene): Promise<string> {
  const [first] = multiview;
  if (!first) return "none";
  const bytes = await readFile(first.path);
  const image = await decodeImage(bytes, first.path);
  const [oldHeight, oldWidth] = image.shape;
  const kind = isJpeg(bytes) ? "JPEG" : "PNG";
  const file = `multiview_GT, ${kind} of ${oldWidth} x ${oldHeight}`;
  if (oldWidth === width && oldHeight === height) return file;
  const [x, y] = [oldWidth / width, oldHeight / height];
  const whole = Number.isInteger(x) && Number.isInteger(y);
  return `${file}, each pixel of ${width} x ${height} the mean of ` +
    (whole ? `${x} x ${y}` : "the area it covers");
}

/** The file's focal is in pixels of the file's own width: this makes it that of the training size. */
function focalScale(
  path: string,
  posesBounds: NdArray<Float64Array>,
  original: Size,
  width: number,
  { factor = 2, frameWidth = 0, size, onNotice }: FrameOptions,
): number {
  const shrunk = size || frameWidth > 0 ? width / original.width : 1 / factor;
  return posesScale(path, posesBounds, original, onNotice) * shrunk;
}

/** Flow to the next (`fwd`) or last (`bwd`) frame; the frame without that neighbour has zeros. */
async function loadFlow(
  directory: string,
  direction: "fwd" | "bwd",
  names: readonly string[],
  { width, height }: Size,
): Promise<{ flow: NdArray<Float32Array>; valid: NdArray<Uint8Array> }> {
  const paths = requireAll(await flowFiles(directory, direction, names));
  const pairs = await Promise.all(paths.map(async (path) => {
    if (path === undefined) {
      return {
        flow: ndarray(new Float32Array(height * width * 2), [height, width, 2]),
        valid: ndarray(new Uint8Array(height * width), [height, width]),
      };
    }
    const stored = await readFlow(path);
    const flow = resizeFlow(stored.flow, width, height);
    return { flow, valid: resizeNearest(stored.valid, width, height) };
  }));
  return {
    flow: stack(pairs.map(({ flow }) => flow), Float32Array),
    valid: stack(pairs.map(({ valid }) => valid), Uint8Array),
  };
}

/** Reads the file of each frame, if none is missing. */
function readAll<T>(files: FrameFiles, read: (path: string) => Promise<T>): Promise<T[]> {
  return Promise.all(requireAll(files).filter((path) => path !== undefined).map(read));
}

/** Arrays of one shape, one after the other along a new first dimension. */
function stack<D extends Float32Array | Uint8Array>(
  arrays: NdArray<D>[],
  make: new (length: number) => D,
): NdArray<D> {
  const { length } = arrays[0].data;
  const data = new make(arrays.length * length);
  arrays.forEach((array, i) => data.set(array.data, i * length));
  return ndarray(data, [arrays.length, ...arrays[0].shape]);
}
