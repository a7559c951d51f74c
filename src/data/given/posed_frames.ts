import { DataError } from "../data_error.ts";
import {
  allImages,
  type FilmedFrames,
  type Match,
  matchFrames,
  namesOfBothSides,
} from "../frame_matching.ts";
import { percentile } from "../percentile.ts";
import { shown } from "../shown.ts";
import type { ColmapCamera } from "./colmap/model.ts";
import { inWords, sharedLens } from "./shared_lens.ts";

/** A frame's camera in its place, and the depths that it sees. */
export interface PosedFrame {
  /** As in `images/`, or the frame's number in the video. */
  name: string;
  /** Camera to world, row-major 3×4 `[R | o]`; axes x right, y up, z backwards. */
  cameraToWorld: Float64Array;
  /** Depth, in the units of the poses. */
  near: number;
  /** Depth, in the units of the poses. */
  far: number;
  /** The frame's own lens, where the frames were taken by lenses that differ. */
  lens?: ColmapCamera;
}

/** Where the frames of a scene were taken from; of the scene's own origin and scale. */
export interface PosedFrames {
  /** What it was read from: `COLMAP model`, `transforms.json`, `poses_bounds.npy`. */
  source: string;
  /** The lens, with its distortion; of frames whose lenses differ the first one's. */
  camera: ColmapCamera;
  /** Focal length in x, pixels. */
  focalPixels: number;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  /** In the order of the frames. */
  frames: PosedFrame[];
}

/** Depths that count in place of those that poses come with; in the units of the poses. */
export interface DepthBounds {
  /** For all frames. */
  near?: number;
  /** For all frames. */
  far?: number;
}

/** Names of images in time order, or frames of a video or folder of which not all may be taken. */
export type Frames = readonly string[] | FilmedFrames;

/** Frames given by their names are all there are. */
export function filmedFrames(frames: Frames): FilmedFrames {
  return "sources" in frames ? frames : allImages(frames);
}

/** Near and far of a frame: the 5th and 95th percentile of the depths that it sees. */
export function nearAndFar(depths: ArrayLike<number>): Pick<PosedFrame, "near" | "far"> {
  return { near: percentile(depths, 5), far: percentile(depths, 95) };
}

/** Depths of the points that lie in a frame's picture, its distortion left out. */
export function depthsSeen(
  points: ArrayLike<number>,
  { width, height, parameters: [focalPixels] }: ColmapCamera,
  pose: Float64Array,
): number[] {
  const depths: number[] = [];
  const [halfX, halfY] = [width / 2 / focalPixels, height / 2 / focalPixels];
  for (let i = 0; i < points.length; i += 3) {
    const [dx, dy, dz] = [points[i] - pose[3], points[i + 1] - pose[7], points[i + 2] - pose[11]];
    const x = pose[0] * dx + pose[4] * dy + pose[8] * dz;
    const y = pose[1] * dx + pose[5] * dy + pose[9] * dz;
    const depth = -(pose[2] * dx + pose[6] * dy + pose[10] * dz);
    if (depth > 0 && Math.abs(x) <= halfX * depth && Math.abs(y) <= halfY * depth) {
      depths.push(depth);
    }
  }
  return depths;
}

/**
 * The pose of each frame.
 *
 * @param nameOf What an entry calls its image.
 * @param path What the entries are from, for messages.
 * @throws {DataError} If a frame has none, or it cannot be known which is whose.
 */
export function entriesOfFrames<T>(
  frames: FilmedFrames,
  entries: readonly T[],
  nameOf: (entry: T) => string,
  path: string,
): T[] {
  const names = entries.map(nameOf), match = matchFrames(names, frames, { path });
  const found = match.entries.flatMap((i) => i === undefined ? [] : [entries[i]]);
  const wanted = frames.sources.length;
  if (found.length === wanted && wanted > 0) return found;
  throw new DataError(`Cannot use "${path}": ${whatIsMissing(names, frames, match)}`);
}

function whatIsMissing(names: readonly string[], { sources }: FilmedFrames, match: Match): string {
  const missing = sources.filter((_, frame) => match.entries[frame] === undefined);
  if (missing.length === sources.length) {
    return `it poses none of the ${sources.length} frames: ${namesOfBothSides(names, match)}; ` +
      `give the poses the images' names, or prepare the folder of images that they are for`;
  }
  return `it poses ${sources.length - missing.length} of ${sources.length} frames, without ` +
    `${someNames(missing)}; leave these out of the frames, or pose them too`;
}

/** The lens of some frames: one for all, or where they differ the first, and each frame's own. */
export function lensesOf(cameras: readonly ColmapCamera[]): {
  camera: ColmapCamera;
  own: readonly (ColmapCamera | undefined)[];
} {
  const shared = sharedLens(cameras);
  if (shared) return { camera: shared, own: cameras.map(() => undefined) };
  return { camera: cameras[0], own: cameras };
}

/** @throws {DataError} If frames have lenses that differ: for what knows one lens only. */
export function requireOneLens({ camera, frames }: PosedFrames): void {
  const other = frames.find(({ lens }) => lens && inWords(lens) !== inWords(camera));
  if (!other?.lens) return;
  throw new DataError(
    `Cannot use frames of several lenses: "${shown(other.name)}" has ${inWords(other.lens)}, ` +
      `"${shown(frames[0].name)}" ${
        inWords(camera)
      }, more than half a pixel apart; straighten each by its own`,
  );
}

/** `a, b, c and 7 more`: names for a message. */
export function someNames(names: readonly string[], most: number = 12): string {
  const first = names.slice(0, most).map((name) => shown(name)).join(", ");
  return names.length > most ? `${first} and ${names.length - most} more` : first;
}
