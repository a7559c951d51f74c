import type { ColmapCamera } from "./colmap/model.ts";
import { DataError } from "../data_error.ts";
import { percentile } from "../percentile.ts";
import { shown } from "../shown.ts";

/** A frame's camera in its place, and the depths that it sees. */
export interface PosedFrame {
  /** As in `images/`. */
  name: string;
  /** Camera to world, row-major 3×4 `[R | o]`; axes x right, y up, z backwards. */
  cameraToWorld: Float64Array;
  /** Depth, in the units of the poses. */
  near: number;
  /** Depth, in the units of the poses. */
  far: number;
}

/** Where the frames of a scene were taken from, by one lens; of the scene's own origin and scale. */
export interface PosedFrames {
  /** What it was read from. */
  source: "COLMAP model" | "transforms.json" | "poses_bounds.npy";
  /** The lens, with its distortion. */
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

/** Near and far of a frame: the 5th and 95th percentile of the depths that it sees. */
export function nearAndFar(depths: ArrayLike<number>): Pick<PosedFrame, "near" | "far"> {
  return { near: percentile(depths, 5), far: percentile(depths, 95) };
}

/**
 * Finds the entry of each frame by its name; that of `000.png` may be called `000.jpg` or `images/000` as well.
 *
 * @returns One a frame; undefined where there is none.
 * @throws {DataError} If two entries could be a frame's.
 */
export function entriesOfFrames<T>(
  frameNames: readonly string[],
  entries: readonly T[],
  nameOf: (entry: T) => string,
  path: string,
): (T | undefined)[] {
  const byName = new Map<string, T>(), byStem = new Map<string, T[]>();
  for (const entry of entries) {
    byName.set(nameOf(entry), entry);
    byStem.set(stem(nameOf(entry)), [...byStem.get(stem(nameOf(entry))) ?? [], entry]);
  }
  return frameNames.map((name) => {
    const alike = byStem.get(stem(name)) ?? [];
    const entry = byName.get(name) ?? alike[0];
    if (entry !== undefined && nameOf(entry) !== name && alike.length > 1) {
      const names = alike.slice(0, 4).map((entry) => `"${shown(nameOf(entry))}"`).join(" and ");
      throw new DataError(
        `Cannot use "${path}": ${names} could be frame "${name}"; give one pose a frame`,
      );
    }
    return entry;
  });
}

/** `a, b, c and 7 more`: names for a message. */
export function someNames(names: readonly string[], most: number = 12): string {
  const first = names.slice(0, most).map((name) => shown(name)).join(", ");
  return names.length > most ? `${first} and ${names.length - most} more` : first;
}

/** `images/000.png` → `000` */
function stem(name: string): string {
  const last = name.slice(name.lastIndexOf("/") + 1);
  const dot = last.lastIndexOf(".");
  return dot > 0 ? last.slice(0, dot) : last;
}
