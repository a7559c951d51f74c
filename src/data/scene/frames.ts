import { extname, join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import {
  DataError,
  exists,
  listFiles,
  writeFileAtomically,
  writeFolderAtomically,
} from "../files.ts";
import { stemOf } from "../frame_matching.ts";
import { readImage } from "../formats/image.ts";
import { encodePng } from "../formats/png.ts";
import { naturalOrder } from "../natural_order.ts";
import { resizeLanczos } from "../resize.ts";
import { shown } from "../shown.ts";

/** Size of a picture. */
export interface Size {
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
}

/** The size at which frames are trained, by a factor or outright; a recipe is one of these. */
export interface FrameOptions {
  /** How many times smaller than on disk the frames are trained; default 2. */
  factor?: number;
  /** Trains at this width instead, pixels, in the frames' proportions; never larger than they are. Default 0: by `factor`. */
  frameWidth?: number;
  /** Trains at this size instead; it must have the frames' proportions. */
  size?: Size;
  /** Hears of what was done or left undone beside loading, a sentence each. */
  onNotice?: (notice: string) => void;
}

/** Frames at the size of training, and the size that they have on disk. */
export interface Frames {
  /** `[frames, height, width, 3]`: sRGB, 0..255. */
  images: NdArray<Uint8Array>;
  /** Size of the pictures in `images/`. */
  original: Size;
}

/** Names of the pictures in a folder, as people count them: `2.png` before `10.png`. */
export async function pictureNames(directory: string, remedy: string): Promise<string[]> {
  const names = await listFiles(directory, remedy);
  return naturalOrder(names.filter((name) => PICTURES.includes(extname(name).toLowerCase())));
}

/** Name endings of pictures that cannot be read here. */
const OTHER_PICTURES =
  /\.(heic|heif|hif|webp|tiff?|bmp|gif|avif|jxl|jp2|exr|hdr|dng|cr[23]|nef|arw)$/i;

/**
 * Names of the images in a folder, one a frame in time order.
 *
 * @param remedy What the user can do where there is no such folder or no image in it; ends the message.
 * @throws {DataError} If there is none, one frame has two images, or images of other kinds would be left out.
 */
export async function imageNames(directory: string, remedy: string): Promise<string[]> {
  const all = await listFiles(directory, remedy), images = await pictureNames(directory, remedy);
  const fail = (what: string) => new DataError(`Cannot use folder "${directory}": ${what}`);
  const stems = images.map(stemOf);
  // A camera's raw file beside its JPEG is the same frame.
  const others = all.filter((name) => OTHER_PICTURES.test(name) && !stems.includes(stemOf(name)));
  if (others.length > 0) {
    const some = others.slice(0, 3).map((name) => `"${shown(name)}"`).join(", ");
    const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
    throw fail(
      `it has ${
        images.length || "no"
      } images as .png or .jpg and ${others.length} that cannot be read, ` +
        `${some}${more}, so that frames would be missing; convert these (mogrify -format png FILES), ` +
        `or take them out`,
    );
  }
  if (images.length === 0) throw fail(`it has no .png or .jpg; ${remedy}`);
  const twice = stems.findIndex((stem, i) => stems.indexOf(stem) < i);
  if (twice < 0) return images;
  const first = images[stems.indexOf(stems[twice])];
  throw fail(`"${shown(first)}" and "${shown(images[twice])}" are one frame; keep one kind`);
}

/** Name endings of pictures. */
export const PICTURES: readonly string[] = [".png", ".jpg", ".jpeg"];

/**
 * Loads the frames `images/…` of a scene, shrunk with a Lanczos filter.
 *
 * The shrunk frames are kept as `images_<factor>/` or `images_<width>x<height>/` and taken from there the next time if
 * their names and size are right. Where that folder cannot be written, they are only kept in memory.
 *
 * @param names The pictures in `images/`, in time order; one at least.
 * @throws {DataError} If a picture cannot be read, sizes differ, or the wanted size does not suit them.
 */
export async function loadFrames(
  directory: string,
  names: readonly string[],
  options: FrameOptions = {},
): Promise<Frames> {
  const { onNotice = () => {} } = options;
  const paths = names.map((name) => join(directory, "images", name));
  const first = await readImage(paths[0]);
  const original = sizeOf(first);
  const size = trainingSize(directory, original, options);
  const stack = new FrameStack(names.length, size);
  if (size.width === original.width && size.height === original.height) {
    for (const path of paths) stack.add(await readSized(path, original));
    return { images: stack.images, original };
  }

  const byFactor = !options.size && !options.frameWidth;
  const label = byFactor ? String(options.factor ?? 2) : `${size.width}x${size.height}`;
  const cache = join(directory, `images_${label}`);
  const kept = await readKept(cache, names, size, onNotice);
  if (kept) return { images: kept, original };

  for (const path of paths) {
    stack.add(resizeLanczos(await readSized(path, original), size.width, size.height));
  }
  try {
    await writeFolderAtomically(cache, async (folder) => {
      for (const [i, name] of names.entries()) {
        const path = join(folder, `${stemOf(name)}.png`);
        await writeFileAtomically(path, encodePng(stack.frame(i)));
      }
    });
    onNotice(`Shrank ${names.length} frames to ${size.width} x ${size.height} into "${cache}".`);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    onNotice(`The shrunk frames are kept in memory only. ${error.message}`);
  }
  return { images: stack.images, original };
}

/** Frames of one size, one after the other in one array. */
class FrameStack {
  readonly images: NdArray<Uint8Array>;
  #added = 0;

  constructor(frames: number, { width, height }: Size) {
    const bytes = new Uint8Array(frames * height * width * 3);
    this.images = ndarray(bytes, [frames, height, width, 3]);
  }

  add(image: NdArray<Uint8Array>): void {
    this.images.data.set(image.data, this.#added++ * image.data.length);
  }

  /** `[height, width, 3]`, the same memory. */
  frame(i: number): NdArray<Uint8Array> {
    const [, height, width] = this.images.shape;
    const length = height * width * 3;
    return ndarray(this.images.data.subarray(i * length, (i + 1) * length), [height, width, 3]);
  }
}

/** The frames shrunk by an earlier run, or nothing where they do not fit. */
async function readKept(
  cache: string,
  frames: readonly string[],
  size: Size,
  onNotice: (notice: string) => void,
): Promise<NdArray<Uint8Array> | undefined> {
  if (!(await exists(cache))) return undefined;
  try {
    const names = await pictureNames(cache, "");
    if (`${names.map(stemOf)}` !== `${frames.map(stemOf)}`) {
      throw new DataError(
        `"${cache}" has ${names.length} frames, wanted ${frames.length} of the same names as in images/`,
      );
    }
    const stack = new FrameStack(frames.length, size);
    for (const name of names) stack.add(await readSized(join(cache, name), size));
    return stack.images;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    onNotice(`The shrunk frames are made again. ${error.message}`);
    return undefined;
  }
}

/**
 * Reads a picture that must have the size of the others.
 *
 * @throws {DataError} If it has another, or cannot be read.
 */
export async function readSized(path: string, wanted: Size): Promise<NdArray<Uint8Array>> {
  const image = await readImage(path);
  const { width, height } = sizeOf(image);
  if (width !== wanted.width || height !== wanted.height) {
    throw new DataError(
      `Cannot use "${path}": it is ${width} x ${height}, wanted ${wanted.width} x ${wanted.height} ` +
        "like the others; give all frames one size",
    );
  }
  return image;
}

function sizeOf(image: NdArray<Uint8Array>): Size {
  const [height, width] = image.shape;
  return { width, height };
}

function trainingSize(
  directory: string,
  original: Size,
  { factor = 2, frameWidth = 0, size }: FrameOptions,
): Size {
  const fail = (what: string) => new DataError(`Cannot load scene "${directory}": ${what}`);
  const { width, height } = original;
  if (frameWidth > 0 && !size) {
    const taken = Math.min(frameWidth, width);
    return trainingSize(directory, original, {
      size: { width: taken, height: Math.max(1, Math.round(height * taken / width)) },
    });
  }
  if (size) {
    const whole = Number.isInteger(size.width) && Number.isInteger(size.height);
    if (!whole || Math.min(size.width, size.height) < 2) {
      throw fail(`size is ${size.width} x ${size.height}, wanted whole numbers from 2 up`);
    }
    const wantedHeight = height * size.width / width, wantedWidth = width * size.height / height;
    if (Math.abs(wantedHeight - size.height) > 1 && Math.abs(wantedWidth - size.width) > 1) {
      throw fail(
        `size ${size.width} x ${size.height} has other proportions than the frames, ${width} x ${height}; ` +
          `take ${size.width} x ${Math.round(wantedHeight)}`,
      );
    }
    if (size.width > width || size.height > height) {
      throw fail(
        `size ${size.width} x ${size.height} is larger than the frames, ${width} x ${height}`,
      );
    }
    return size;
  }
  if (!(factor >= 1)) throw fail(`factor is ${factor}, wanted 1 or more`);
  const shrunk = { width: Math.round(width / factor), height: Math.round(height / factor) };
  if (Math.min(shrunk.width, shrunk.height) < 2) {
    throw fail(
      `factor ${factor} leaves ${shrunk.width} x ${shrunk.height} of ${width} x ${height}`,
    );
  }
  return shrunk;
}
