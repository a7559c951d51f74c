/**
 * What each task may do: no more than it needs, and in folders named by a flag only what that flag is for.
 *
 * @module
 */
import { dirname } from "node:path";
import { parseArgs } from "node:util";

/** What a task may do, in the terms of Deno's permissions. Paths are relative to the project. */
export interface Grants {
  /** Files and folders to read. */
  read?: string[];
  /** Files and folders to write. */
  write?: string[];
  /** Hosts to speak with. */
  net?: string[];
  /** Environment variables to read. */
  env?: string[];
  /** Programs to start. */
  run?: string[] | undefined;
  /** Flags of the task whose value is a folder or file to read and write. */
  pathFlags?: string[];
  /** Whether the task's first argument, where it is no flag, is a folder to read and write. */
  pathFirst?: boolean;
}

/**
 * Deno's flags for grants: `--allow-read=.,/data --allow-write=/data`, and no prompts.
 *
 * @param args The task's own arguments; the values of `pathFlags` in them, and the first with `pathFirst`, are added to `read` and `write`.
 */
export function permissionFlags(grants: Grants, args: string[] = []): string[] {
  const named = (grants.pathFlags ?? []).flatMap((flag) => flagValue(flag, args) ?? []);
  if (grants.pathFirst && args.length > 0 && !args[0].startsWith("-")) named.push(args[0]);
  const lists = {
    read: [...grants.read ?? [], ...named].filter((path) => path !== ""), // the task itself complains of an empty one
    write: [...grants.write ?? [], ...named].filter((path) => path !== ""),
    net: grants.net ?? [],
    env: grants.env ?? [],
    run: grants.run ?? [],
  };
  const flags = Object.entries(lists)
    .filter(([, values]) => values.length > 0)
    .map(([kind, values]) => `--allow-${kind}=${[...new Set(values.map(sayable))].join(",")}`);
  return ["--no-prompt", ...flags];
}

/**
 * A path that Deno's lists can name: of one with a comma the nearest folder above it without, since Deno 2.9.6 splits at every
 * comma and refuses the documented two ("Empty path is not allowed").
 */
function sayable(path: string): string {
  return path.includes(",") ? sayable(dirname(path)) : path;
}

/** The value of `--flag value` or `--flag=value`; none where another flag follows. */
function flagValue(flag: string, args: string[]): string | undefined {
  const { values } = parseArgs({
    args,
    options: { [flag]: { type: "string" } },
    strict: false, // the task itself complains of what it does not know
  });
  const value = values[flag];
  return typeof value === "string" && !value.startsWith("--") ? value : undefined;
}
