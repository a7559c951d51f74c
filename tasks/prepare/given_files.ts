/**
 * Files that the user has for each frame: which belongs to which.
 *
 * @module
 */
import { basename, extname, join } from "node:path";
import { DataError, listFiles } from "../../src/data/files.ts";
import { frameName, type FramesInfo } from "./frames.ts";
import { naturalOrder } from "./natural_order.ts";

/** Files of a kind in a folder. */
export interface GivenFiles {
  /** The folder. */
  folder: string;
  /** What their names may end with: `.npy`. */
  endings: readonly string[];
}

/**
 * One file a frame: by the frame's name (`000`), else by the name of the image that it was made of, else by their order where
 * there are as many files as frames, or as many as the video or folder has.
 *
 * @throws {DataError} If a frame has none.
 */
export async function filesOfFrames(
  { folder, endings }: GivenFiles,
  { sources, of, stride }: FramesInfo,
): Promise<string[]> {
  const names = await namesWith(folder, endings);
  if (stride > 1 && names.length === of) {
    return sources.map((_, i) => join(folder, names[i * stride]));
  }
  const found = sources.map((source, i) => find(names, [frameName(i, ""), stem(source)], endings));
  const missing = found.indexOf(undefined);
  if (missing < 0) return found.map((name) => join(folder, name!));
  if (found.every((name) => name === undefined) && names.length === sources.length) {
    return names.map((name) => join(folder, name));
  }
  throw missingFile(folder, frameName(missing, ""), endings, sources.length, names);
}

/**
 * One file a frame and direction: `000_fwd`, `001_bwd`, or with the image's name in place of the number; undefined for the
 * frame without that neighbour.
 *
 * @throws {DataError} If a frame has none.
 */
export async function flowFilesOfFrames(
  { folder, endings }: GivenFiles,
  { sources }: FramesInfo,
  direction: "fwd" | "bwd",
): Promise<(string | undefined)[]> {
  const names = await namesWith(folder, endings);
  const without = direction === "fwd" ? sources.length - 1 : 0;
  return sources.map((source, i) => {
    if (i === without) return undefined;
    const stems = [frameName(i, ""), stem(source)].map((name) => `${name}_${direction}`);
    const name = find(names, stems, endings);
    if (name !== undefined) return join(folder, name);
    throw missingFile(folder, stems[0], endings, sources.length, names);
  });
}

/** `IMG_12.jpg` → `IMG_12` */
export function stem(name: string): string {
  return basename(name, extname(name));
}

function find(
  names: readonly string[],
  stems: readonly string[],
  endings: readonly string[],
): string | undefined {
  return names.find((name) =>
    stems.some((stem) => endings.some((ending) => name === stem + ending))
  );
}

async function namesWith(folder: string, endings: readonly string[]): Promise<string[]> {
  const names = await listFiles(folder);
  return naturalOrder(names.filter((name) => endings.some((ending) => name.endsWith(ending))));
}

function missingFile(
  folder: string,
  name: string,
  endings: readonly string[],
  frames: number,
  names: readonly string[],
): DataError {
  const there = names.length === 0 ? "none at all" : `${names.length}, from "${names[0]}" on`;
  return new DataError(
    `Cannot use "${folder}": there is no "${name}" with ${
      endings.join(", ")
    } in it for one of ${frames} frames ` +
      `(it has ${there}); name the files by frame, 000, 001 …, or like the images`,
  );
}
