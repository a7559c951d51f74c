/**
 * What the steps of a preparation share.
 *
 * @module
 */
import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import type { Orientation } from "../../src/data/formats/exif.ts";
import { readImage } from "../../src/data/formats/image.ts";
import { isForStored } from "../../src/data/given/turning.ts";
import type { PrepareCommand } from "./command.ts";
import { frameName, type FramesInfo } from "./frames.ts";
import { type Done, type PreparationFolder, WORK } from "./preparation_folder.ts";

/** A preparation under way, its frames taken. */
export interface Work {
  readonly command: PrepareCommand;
  readonly folder: PreparationFolder;
  /** The frames as they were filmed: `000.png` …. */
  readonly frames: Done<FramesInfo>;
  readonly signal: AbortSignal;
  /** Hears what the user should know, a line each. */
  readonly tell: (line: string) => void;
}

/** Names of the frames: `000.png` …. */
export function frameNames({ frames }: Pick<Work, "frames">): string[] {
  return frames.info.sources.map((_, i) => frameName(i));
}

/** A place among what only the preparation reads. */
export function workPath(name: string): string {
  return `${WORK}/${name}`;
}

/** A frame `[height, width, 3]` of a folder that has them all. */
export function readFrame(
  { path }: { path: string },
  number: number,
): Promise<NdArray<Uint8Array>> {
  return readImage(join(path, frameName(number)));
}

/**
 * How a map that the user has is to be turned to lie on its upright frame.
 *
 * @param shape Of the map: height, width.
 * @throws {DataError} If frames were turned, and it cannot be known whether it was made before or after that.
 */
export function turnOf(
  { command: { givenPixels }, frames: { info } }: Work,
  path: string,
  [height, width]: readonly number[],
  frame: number,
): Orientation {
  const { orientations } = info;
  const turning = { size: info, orientations, ...(givenPixels ? { pixels: givenPixels } : {}) };
  return isForStored(path, { width, height }, turning) ? orientations[frame] : 1;
}
