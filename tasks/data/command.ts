/**
 * The command line of `deno task data`, and what the task may do because of it.
 *
 * @module
 */
import { join } from "node:path";
import { officialArchive } from "../../src/data/download/official.ts";
import type { Grants } from "../permissions.ts";
import {
  flagGroup,
  helpText,
  parseOptions,
  readCommandLine,
  type Usage,
  UsageError,
} from "../terminal/options.ts";
import { unknownName } from "../../src/recipes/unknown_name.ts";

/** What the command line asks for. */
export type DataCommand = CheckCommand | FetchCommand;

/** To tell what scene folders have. */
export interface CheckCommand {
  kind: "check";
  /** Scene folders. */
  directories: string[];
}

/** To fetch scenes. */
export interface FetchCommand {
  kind: "fetch";
  /** Names of scenes; all that there are where empty. */
  scenes: string[];
  /** Where their folders go. */
  data: string;
  /** Where the archive is. */
  url: string;
  /** An archive on disk, to be unpacked instead. */
  archive?: string | undefined;
  /** Where a fetched archive lies until it is unpacked; by default in the cache folder. */
  cache?: string | undefined;
  /** Whether folders that are there are replaced. */
  force: boolean;
  /** Seconds without a byte after which a connection is given up. */
  stall: number;
  /** How often a connection may fail in a row. */
  attempts: number;
}

const usage: Usage = {
  usage: "deno task data [SCENE…] [flags]\n       deno task data check FOLDER…",
  about:
    "Fetches the scenes of the Dynamic Scene Dataset as DynamicNeRF prepared them, all or those named:\n" +
    `${officialArchive.scenes.join(", ")}.\n` +
    "With check, reads every file of scene folders, and tells what is missing for training and for evaluation.",
};

const flags = {
  ...flagGroup("Scenes", { data: "data", force: false }, {
    data: { about: "where the scenes' folders go", unit: "folder" },
    force: { about: "replace scenes that are there already" },
  }),
  ...flagGroup("Archive", {
    url: officialArchive.url,
    archive: undefined as string | undefined,
    cache: undefined as string | undefined,
    stall: 30,
    attempts: 5,
  }, {
    url: { about: "a mirror: any zip archive with folders of scenes", unit: "address" },
    archive: { about: "one that is on disk already, fetched by hand", unit: "file" },
    cache: {
      about: "where it lies until all its scenes are unpacked; by default in ~/.cache/mononerf",
      unit: "folder",
    },
    stall: { about: "without a byte, then the connection is given up", unit: "seconds", above: 0 },
    attempts: {
      about: "in a row that may fail without a new byte",
      unit: "connections",
      whole: true,
      min: 1,
    },
  }),
};

/** Reads a command line, or ends the process: with the help where it is asked for, with 2 where it cannot be used. */
export function readCommand(args: readonly string[]): DataCommand {
  return readCommandLine(args, () => helpText(flags, usage), parseCommand);
}

/**
 * Reads a command line.
 *
 * @throws {UsageError} If it cannot be used.
 */
export function parseCommand(args: readonly string[]): DataCommand {
  const { values, given, positionals } = parseOptions(flags, args);
  const [first, ...directories] = positionals;
  if (first === "check") {
    const [flag] = given;
    if (flag) throw new UsageError(`Cannot check with "--${flag}": check takes folders only`);
    if (directories.length === 0) {
      throw new UsageError('Cannot check: no folder is named, as in "check data/Balloon1"');
    }
    return { kind: "check", directories };
  }
  if (!/^https?:$/.test(URL.parse(values.url)?.protocol ?? "")) {
    throw new UsageError(
      `Cannot read "--url": value is "${values.url}", wanted an http or https address`,
    );
  }
  const isOfficial = values.url === officialArchive.url && values.archive === undefined;
  const unknown = positionals.find((name) => !officialArchive.scenes.includes(name));
  if (isOfficial && unknown !== undefined) {
    throw new UsageError(unknownName("scene", unknown, officialArchive.scenes));
  }
  return { kind: "fetch", scenes: positionals, ...values };
}

/**
 * What the task may do: to check, read the folders named; to fetch, speak with the one host, and write scenes and the cache.
 *
 * @param cache The cache folder.
 */
export function dataGrants(args: readonly string[], cache: string): Grants {
  let command: DataCommand;
  try {
    command = parseCommand(args);
  } catch {
    return {}; // the task itself complains, or prints its help
  }
  if (command.kind === "check") return { read: command.directories };
  const { data, archive, url } = command;
  const folders = [data, ...(archive ? [] : [command.cache ?? archivesIn(cache)])];
  const { hostname, port, protocol } = new URL(url);
  return {
    read: [...folders, ...(archive ? [archive] : [])],
    write: folders,
    net: archive ? [] : [`${hostname}:${port || (protocol === "https:" ? 443 : 80)}`],
    env: ["HOME", "XDG_CACHE_HOME"],
  };
}

/** Where archives lie in a cache folder, if no flag says where else. */
export function archivesIn(cache: string): string {
  return join(cache, "archives");
}
