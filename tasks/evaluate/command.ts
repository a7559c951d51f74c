/**
 * The command line of `deno task evaluate`.
 *
 * @module
 */
import { type ProtocolName, protocolNames, protocols } from "../../src/evaluation/protocols.ts";
import type { Grants } from "../permissions.ts";
import { featureFlags, type FeatureKeeping, featureKeeping } from "../terminal/feature_cache.ts";
import {
  flagGroup,
  helpText,
  parseOptions,
  readCommandLine,
  type Usage,
  UsageError,
} from "../terminal/options.ts";
import type { LpipsChoice } from "./lpips.ts";

/** What the command line asks for. */
export interface EvaluateCommand {
  /** Folders of runs, at least one. */
  runs: string[];
  /** Which views; by default those that the run itself was scored on. */
  protocol?: ProtocolName | undefined;
  /** Views of each scene, 0: all; undefined: as many as the run's recipe says, or with a protocol all. */
  views?: number | undefined;
  /** Whether runs that have the scores already are scored again. */
  again: boolean;
  /** Where the scenes' folders are, if not where the run had them. */
  data?: string | undefined;
  /** Files of LPIPS. */
  lpips: LpipsChoice;
  /** Where encoded features are kept. */
  features: FeatureKeeping;
}

const usage: Usage = {
  usage: "deno task evaluate RUN [flags]\n       deno task evaluate RUN RUN… [flags]",
  about: "Scores a run's model again, or compares runs in one table, each scored where it has no " +
    "scores yet.\nProtocols:\n" +
    protocolNames.map((name) => `  ${name.padEnd(8)}  ${protocols[name].about}`).join("\n"),
};

const flags = {
  ...flagGroup("Scores", {
    protocol: undefined as ProtocolName | undefined,
    views: -1,
    again: false,
    lpipsNetwork: undefined as string | undefined,
    lpipsHeads: undefined as string | undefined,
  }, {
    protocol: {
      about: "which views, as above; by default those that training scored",
      choices: protocolNames,
    },
    views: {
      about: "of each scene; 0: all; -1: all of a protocol, else what the recipe says",
      unit: "views",
      whole: true,
      min: -1,
    },
    again: { about: "also where a run that is compared has scores already" },
    lpipsNetwork: { about: "torchvision's AlexNet; otherwise from checkpoints/", unit: "file" },
    lpipsHeads: { about: "the lpips package's heads; otherwise from checkpoints/", unit: "file" },
  }),
  ...flagGroup("Run", {
    data: undefined as string | undefined,
  }, {
    data: { about: "where the scenes' folders are, if not where the run had them", unit: "folder" },
  }),
  ...featureFlags,
};

/** Reads a command line, or ends the process: with the help where it is asked for, with 2 where it cannot be used. */
export function readCommand(args: readonly string[]): EvaluateCommand {
  return readCommandLine(args, () => helpText(flags, usage), parseCommand);
}

/**
 * What a command line asks for.
 *
 * @throws {UsageError} If it cannot be used.
 */
export function parseCommand(args: readonly string[]): EvaluateCommand {
  const { values, positionals } = parseOptions(flags, args);
  const runs = positionals.map((run) => run.replace(/(?<=.)\/+$/, ""));
  if (runs.length === 0) {
    throw new UsageError(
      "Cannot evaluate: no run is named; name its folder, as runs/balloon-small",
    );
  }
  const twice = runs.find((run, i) => runs.indexOf(run) < i);
  if (twice !== undefined) throw new UsageError(`Cannot compare "${twice}" with itself`);
  const { protocol, views, again, data, lpipsNetwork, lpipsHeads } = values;
  return {
    runs,
    protocol,
    views: views >= 0 ? views : undefined,
    again,
    data,
    lpips: { network: lpipsNetwork, heads: lpipsHeads },
    features: featureKeeping(values),
  };
}

/** What the task may do: read scenes anywhere, and write into the runs that it is given. */
export function evaluateGrants(args: readonly string[], cache: string): Grants {
  const grants: Grants = {
    read: ["/"], // scenes lie anywhere: where --data says, or where the runs had them
    write: ["data", "runs", cache],
    env: ["HOME", "XDG_CACHE_HOME"],
    pathFlags: ["data", "feature-cache"],
  };
  try {
    return { ...grants, write: [...grants.write!, ...parseCommand(args).runs] };
  } catch {
    return grants; // the task itself says what is wrong
  }
}
