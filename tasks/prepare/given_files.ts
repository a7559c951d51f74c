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
 * One file a frame: by the name of the image that it was made of, else by the frame's number (`000`), else by their order where
 * there are as many files as frames; in order too where there are as many as the video or folder has.
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
  const ways = [sources.map(stem), sources.map((_, i) => frameName(i, ""))];
  const found = namesOf(ways, names, endings);
  if (found.every((name) => name === undefined) && names.length === sources.length) {
    return names.map((name) => join(folder, name));
  }
  return pathsOf(found, ways, { folder, endings }, names);
}

/**
 * One file a frame and direction: with the image's name, `IMG_12_fwd`, else with the frame's number, `000_fwd`, `001_bwd`;
 * undefined for the frame without that neighbour.
 *
 * @throws {DataError} If a frame has none, or the flow is between all frames of which only every so many are taken.
 */
export async function flowFilesOfFrames(
  { folder, endings }: GivenFiles,
  { sources, of, stride }: FramesInfo,
  direction: "fwd" | "bwd",
): Promise<(string | undefined)[]> {
  const names = await namesWith(folder, endings);
  const ours = names.filter((name) => stem(name).endsWith(`_${direction}`));
  if (stride > 1 && ours.length >= of - 1) {
    throw new DataError(
      `Cannot use "${folder}": it has flow between all ${of} frames, and one of ${stride} is taken; ` +
        `take all with --max-frames ${of}, or give flow from each that is taken to the next`,
    );
  }
  const without = direction === "fwd" ? sources.length - 1 : 0;
  const kept = sources.map((_, i) => i).filter((i) => i !== without);
  const ways = [(i: number) => stem(sources[i]), (i: number) => frameName(i, "")]
    .map((nameOf) => kept.map((i) => `${nameOf(i)}_${direction}`));
  const found = namesOf(ways, names, endings);
  const paths: (string | undefined)[] = pathsOf(found, ways, { folder, endings }, names);
  return paths.toSpliced(without, 0, undefined);
}

/** `IMG_12.jpg` → `IMG_12` */
export function stem(name: string): string {
  return basename(name, extname(name));
}

/**
 * The files of all frames by the way to name them that has most, of equal ones the first. Never some by one and some by another:
 * the second of the images 001 … 012 is frame 001, whose file is 002.
 */
function namesOf(
  ways: readonly (readonly string[])[],
  names: readonly string[],
  endings: readonly string[],
): (string | undefined)[] {
  const found = ways.map((stems) =>
    stems.map((stem) => names.find((name) => endings.some((end) => isNamed(name, stem, end))))
  );
  const count = (names: readonly (string | undefined)[]) => names.filter(Boolean).length;
  return found.reduce((best, other) => count(other) > count(best) ? other : best);
}

function isNamed(name: string, stem: string, ending: string): boolean {
  return name.startsWith(stem) && name.slice(stem.length).toLowerCase() === ending;
}

async function namesWith(folder: string, endings: readonly string[]): Promise<string[]> {
  const names = await listFiles(folder);
  return naturalOrder(names.filter((name) => endings.includes(extname(name).toLowerCase())));
}

function pathsOf(
  found: readonly (string | undefined)[],
  ways: readonly (readonly string[])[],
  { folder, endings }: GivenFiles,
  names: readonly string[],
): string[] {
  return found.map((name, i) => {
    if (name !== undefined) return join(folder, name);
    const wanted = [...new Set(ways.map((stems) => `"${stems[i]}"`))].join(" or ");
    const there = names.length === 0 ? "none at all" : `${names.length}, from "${names[0]}" on`;
    throw new DataError(
      `Cannot use "${folder}": there is no ${wanted} with ${
        endings.join(", ")
      } in it for one of ${found.length} ` +
        `(it has ${there}); name the files like the images, or by frame, 000, 001 …`,
    );
  });
}
