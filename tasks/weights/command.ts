/**
 * The command line of `deno task weights`.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Grants } from "../permissions.ts";
import {
  flagGroup,
  helpText,
  parseOptions,
  readCommandLine,
  type Usage,
  UsageError,
} from "../terminal/options.ts";

/** What the command line asks for. */
export type WeightsCommand =
  | { kind: "show"; files: string[] }
  | { kind: "convert"; from: string; to: string; force: boolean; official: boolean };

const usage: Usage = {
  usage: "deno task weights FILE…\n       deno task weights FROM TO [flags]",
  about:
    "Shows what files of weights hold, and how much of our network; or converts between safetensors and\n" +
    "PyTorch's state_dict, by the ending of TO: .safetensors, or .pth, .pt or .tar.",
};

const flags = flagGroup("Convert", { official: false, force: false }, {
  official: { about: "write all that the authors' load_state_dict asks for, and nothing else" },
  force: { about: "write over a file that is there" },
});

/** Reads a command line, or ends the process: with the help where it is asked for, with 2 where it cannot be used. */
export function readCommand(args: readonly string[]): WeightsCommand {
  return readCommandLine(args, () => helpText(flags, usage), parseCommand);
}

/** @throws {UsageError} If it cannot be used. */
export function parseCommand(args: readonly string[]): WeightsCommand {
  const { values: { force, official }, positionals: files } = parseOptions(flags, args);
  const [from, to] = files;
  if (from === undefined || files.includes("")) {
    throw new UsageError("Cannot show weights: no file is named");
  }
  if (files.length === 2 && formatOf(to) !== undefined && formatOf(from) !== formatOf(to)) {
    if (official && formatOf(to) !== "pytorch") {
      throw new UsageError(
        `Cannot write "${to}" for the authors' network: wanted a name that ends with .pth`,
      );
    }
    return { kind: "convert", from, to, force, official };
  }
  if (force || official) {
    throw new UsageError(
      "Cannot convert: wanted two files, one that ends with .safetensors, one with .pth, .pt or .tar",
    );
  }
  return { kind: "show", files };
}

/** What the task may do: read the files that it is given, and write a new one beside. */
export function weightsGrants(args: readonly string[]): Grants {
  try {
    const command = parseCommand(args);
    if (command.kind === "show") return { read: command.files };
    const { from, to } = command;
    return { read: [from, dirname(to)], write: [dirname(to)] }; // Deno.rename reads too
  } catch {
    return {}; // the task itself says what is wrong
  }
}

/** The format that a name's ending stands for. */
function formatOf(path: string): "safetensors" | "pytorch" | undefined {
  if (/\.safetensors$/i.test(path)) return "safetensors";
  return /\.(pth|pt|tar)$/i.test(path) ? "pytorch" : undefined;
}
