/**
 * What the steps of a preparation share.
 *
 * @module
 */
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
