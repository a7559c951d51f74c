import { basename, extname, join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { type Camera, camerasFromLlff } from "./camera.ts";
import { DataError, exists, listFiles } from "./files.ts";
import { type FrameOptions, loadFrames, pictureNames, PICTURES, type Size } from "./frames.ts";
import { readImage } from "./image.ts";
import { readNpy } from "./npy.ts";
import { readNpz } from "./npz.ts";
import { readPosesBounds } from "./poses_bounds.ts";
import { resizeArea, resizeBilinear, resizeNearest } from "./resize.ts";

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

/** A held-out view on disk. */
export interface MultiviewFile {
  /** Number of the frame, from 0. */
  time: number;
  /** Number of the camera, from 0. */
  camera: number;
  /** The picture's file. */
  path: string;
}

/** Ends the messages about what is missing. */
const LAYOUT = "a scene has images/, poses_bounds.npy, disp/, motion_masks/ and flow/";

/**
 * Loads a scene folder in the layout of the Dynamic Scene Dataset as DynamicNeRF reads it: `images/000.png …`,
 * `poses_bounds.npy`, `disp/000.npy …`, `motion_masks/000.png …`, `flow/000_fwd.npz`, `flow/001_bwd.npz …` and, for
 * evaluation only, `multiview_GT/00000001/cam01.jpg …`.
 *
 * Frames are shrunk as {@linkcode loadFrames} says. Inverse depth and masks are resized by nearest pixel, flow
 * bilinearly, its x scaled by new/old width and its y by new/old height.
 *
 * @throws {DataError} If anything is missing, cut short, of the wrong shape or type, or not a number, or if
 * the counts of frames differ.
 */
export async function loadScene(directory: string, options: FrameOptions = {}): Promise<Scene> {
  const names = await pictureNames(join(directory, "images"), LAYOUT);
  if (names.length === 0) {
    throw new DataError(`Cannot load scene "${directory}": images/ has no .png or .jpg; ${LAYOUT}`);
  }
  const posesPath = join(directory, "poses_bounds.npy");
  const posesBounds = await readPosesBounds(posesPath, names.length, LAYOUT);
  const { images, original } = await loadFrames(directory, names, options);
  const [frames, height, width] = images.shape;
  const size = { width, height };
  const { cameras, bounds } = camerasFromLlff(posesBounds, {
    ...size,
    focalScale: focalScale(posesPath, posesBounds, original, width, options),
  });

  const stems = names.map((name) => basename(name, extname(name)));
  const disparities = await Promise.all(
    (await filesOfFrames(join(directory, "disp"), stems, [".npy"])).map(async (path) => {
      const stored = await readNpy(path, ["float32", "float64"]);
      requireShape(path, stored.shape, [undefined, undefined]);
      requireFinite(path, stored.data);
      return resizeNearest(asFloat32(stored), width, height);
    }),
  );
  const masks = await Promise.all(
    (await filesOfFrames(join(directory, "motion_masks"), stems, PICTURES)).map(async (path) =>
      resizeNearest(isMarked(await readImage(path)), width, height)
    ),
  );
  const forward = await loadFlow(directory, "fwd", stems, size);
  const backward = await loadFlow(directory, "bwd", stems, size);
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
    multiview: await listMultiview(join(directory, "multiview_GT")),
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

/** The file's focal is in pixels of the file's own width: this makes it that of the training size. */
function focalScale(
  path: string,
  posesBounds: NdArray<Float64Array>,
  original: Size,
  width: number,
  { factor = 2, frameWidth = 0, size, onNotice = () => {} }: FrameOptions,
): number {
  const poses = { height: posesBounds.data[4], width: posesBounds.data[9] };
  if (poses.width !== original.width || poses.height !== original.height) {
    const sizes = `it is for frames of ${poses.width} x ${poses.height}, images/ has ` +
      `${original.width} x ${original.height}`;
    if (Math.abs(poses.height * original.width / poses.width - original.height) > 1) {
      throw new DataError(`Cannot use "${path}": ${sizes}; estimate the poses for these images`);
    }
    onNotice(`"${path}": ${sizes}; the focal length is scaled to fit.`);
  }
  const shrunk = size || frameWidth > 0 ? width / original.width : 1 / factor;
  return original.width / poses.width * shrunk;
}

/** Flow to the next (`fwd`) or last (`bwd`) frame; the frame without that neighbour has zeros and no file. */
async function loadFlow(
  directory: string,
  direction: "fwd" | "bwd",
  stems: readonly string[],
  { width, height }: Size,
): Promise<{ flow: NdArray<Float32Array>; valid: NdArray<Uint8Array> }> {
  const without = direction === "fwd" ? stems.length - 1 : 0;
  const paths = await filesOfFrames(
    join(directory, "flow"),
    stems,
    [`_${direction}.npz`],
    without,
  );
  const pairs = await Promise.all(paths.map(async (path, frame) => {
    if (frame === without) {
      return {
        flow: ndarray(new Float32Array(height * width * 2), [height, width, 2]),
        valid: ndarray(new Uint8Array(height * width), [height, width]),
      };
    }
    const npz = await readNpz(path);
    const stored = npz.array("flow", ["float32", "float64"]);
    requireShape(`${path}[flow]`, stored.shape, [undefined, undefined, 2]);
    requireFinite(`${path}[flow]`, stored.data);
    const [oldHeight, oldWidth] = stored.shape;
    const mask = npz.array("mask", ["bool", "uint8", "float32", "float64"]);
    requireShape(`${path}[mask]`, mask.shape, [oldHeight, oldWidth]);
    const valid = ndarray(Uint8Array.from(mask.data, (value) => value ? 1 : 0), mask.shape);
    const flow = resizeBilinear(asFloat32(stored), width, height);
    for (let i = 0; i < flow.data.length; i += 2) {
      flow.data[i] *= width / oldWidth;
      flow.data[i + 1] *= height / oldHeight;
    }
    return { flow, valid: resizeNearest(valid, width, height) };
  }));
  return {
    flow: stack(pairs.map(({ flow }) => flow), Float32Array),
    valid: stack(pairs.map(({ valid }) => valid), Uint8Array),
  };
}

/**
 * Paths of the files that belong to the frames: a file bears the name of its frame, or the frame's number.
 *
 * @param without A frame that needs none.
 */
async function filesOfFrames(
  directory: string,
  stems: readonly string[],
  endings: readonly string[],
  without: number = -1,
): Promise<string[]> {
  const names = await listFiles(directory, LAYOUT);
  const found = stems.map((stem, frame) =>
    [stem, String(frame).padStart(3, "0")]
      .flatMap((stem) => endings.map((ending) => stem + ending))
      .find((name) => names.includes(name))
  );
  const missing = found.findIndex((name, frame) => name === undefined && frame !== without);
  const extra = names.filter((name) => endings.some((ending) => name.endsWith(ending))).length -
    found.filter((name) => name !== undefined).length;
  if (missing >= 0 || extra > 0) {
    throw new DataError(
      `Cannot load "${directory}": ` +
        (missing >= 0
          ? `${stems[missing]}${endings[0]} is missing`
          : `it has ${extra} files ${endings[0]} too many`) +
        `, images/ has ${stems.length} frames; make the two agree`,
    );
  }
  return found.map((name) => join(directory, name ?? ""));
}

async function listMultiview(directory: string): Promise<MultiviewFile[]> {
  const views: MultiviewFile[] = [];
  if (!(await exists(directory))) return views;
  for await (const folder of Deno.readDir(directory)) {
    if (!folder.isDirectory || !/^\d+$/.test(folder.name)) continue;
    for (const name of await listFiles(join(directory, folder.name))) {
      const camera = /^cam(\d+)\.(png|jpe?g)$/i.exec(name)?.[1];
      if (camera === undefined) continue;
      const path = join(directory, folder.name, name);
      views.push({ time: Number(folder.name) - 1, camera: Number(camera) - 1, path });
    }
  }
  return views.sort((a, b) => a.time - b.time || a.camera - b.camera);
}

function requireShape(name: string, shape: number[], wanted: (number | undefined)[]): void {
  const fits = shape.length === wanted.length &&
    shape.every((length, i) => length === (wanted[i] ?? length) && length > 0);
  if (fits) return;
  const words = wanted.map((length, i) => length ?? ["height", "width"][i]);
  throw new DataError(
    `Cannot use "${name}": shape is (${shape.join(", ")}), wanted (${
      words.join(", ")
    }); save it again`,
  );
}

function requireFinite(name: string, data: Float32Array | Float64Array): void {
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new DataError(
    `Cannot use "${name}": value ${bad} is ${data[bad]}, wanted a number; make it again`,
  );
}

/** Where value/255 > 1e-3 in any channel, that is anywhere but black. */
function isMarked(image: NdArray<Uint8Array>): NdArray<Uint8Array> {
  const [height, width] = image.shape;
  const marks = new Uint8Array(height * width);
  image.data.forEach((value, i) => {
    if (value > 0) marks[Math.floor(i / 3)] = 1;
  });
  return ndarray(marks, [height, width]);
}

function asFloat32(array: NdArray<Float32Array | Float64Array>): NdArray<Float32Array> {
  return ndarray(Float32Array.from(array.data), array.shape);
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
