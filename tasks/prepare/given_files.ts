/**
 * Files that the user has for each frame: which belongs to which.
 *
 * @module
 */
import { extname, join } from "node:path";
import { DataError, listFiles } from "../../src/data/files.ts";
import { type FilmedFrames, matchFlow, matchFrames } from "../../src/data/frame_matching.ts";
import { naturalOrder } from "../../src/data/natural_order.ts";

/** Files of a kind in a folder. */
export interface GivenFiles {
  /** The folder. */
  folder: string;
  /** What their names may end with, the likelier first: `.npy`. */
  endings: readonly string[];
}

/**
 * One file a frame, as {@linkcode matchFrames} finds it; where there are several kinds those of one that every frame has, so that
 * pictures of a map beside it do not matter.
 *
 * @throws {DataError} If a frame has none, or it cannot be known which is whose.
 */
export async function filesOfFrames(
  { folder, endings }: GivenFiles,
  filmed: FilmedFrames,
): Promise<string[]> {
  const all = await namesWith(folder, endings);
  const kinds = endings.map((ending) => all.filter((name) => endingOf(name) === ending));
  for (const names of kinds) {
    if (names.length < filmed.sources.length) continue;
    const { entries } = matchFrames(names, filmed, { path: folder, byOrder: true });
    if (entries.every((i) => i !== undefined)) return entries.map((i) => join(folder, names[i]));
  }
  const { entries, wanted } = matchFrames(all, filmed, { path: folder, byOrder: true });
  return entries.map((i, frame) =>
    i !== undefined
      ? join(folder, all[i])
      : failMissing({ folder, endings }, wanted[frame], entries.length, all)
  );
}

/**
 * One file a frame and direction, as {@linkcode matchFlow} finds it; undefined for the frame without that neighbour.
 *
 * @throws {DataError} If a frame has none, or the flow is between all frames of which only every so many are taken.
 */
export async function flowFilesOfFrames(
  { folder, endings }: GivenFiles,
  filmed: FilmedFrames,
  direction: "fwd" | "bwd",
): Promise<(string | undefined)[]> {
  const all = await namesWith(folder, endings);
  const kinds = endings.map((ending) => all.filter((name) => endingOf(name) === ending));
  const names = kinds.find((names) => names.length >= 2 * (filmed.sources.length - 1)) ?? all;
  const match = matchFlow(names, filmed, folder);
  const entries = direction === "fwd" ? match.forward : match.backward;
  const without = direction === "fwd" ? filmed.sources.length - 1 : 0;
  return entries.map((i, frame) => {
    if (frame === without) return undefined;
    if (i !== undefined) return join(folder, names[i]);
    const wanted = match.wanted[frame].map((name) => `${name}_${direction}`);
    return failMissing({ folder, endings }, wanted, entries.length - 1, names);
  });
}

async function namesWith(folder: string, endings: readonly string[]): Promise<string[]> {
  return naturalOrder((await listFiles(folder)).filter((name) => endings.includes(endingOf(name))));
}

function endingOf(name: string): string {
  return extname(name).toLowerCase();
}

function failMissing(
  { folder, endings }: GivenFiles,
  wanted: readonly string[],
  frames: number,
  names: readonly string[],
): never {
  const there = names.length === 0 ? "none at all" : `${names.length}, from "${names[0]}" on`;
  throw new DataError(
    `Cannot use "${folder}": there is no ${wanted.map((name) => `"${name}"`).join(" or ")} with ${
      endings.join(", ")
    } in it for one of ${frames} ` +
      `(it has ${there}); name the files like the images, or by frame, 000, 001 …`,
  );
}
