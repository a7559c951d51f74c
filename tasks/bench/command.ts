/**
 * The command line of `deno task bench`: which sizes, which stages, how often.
 *
 * @module
 */
import type { PresetName } from "../../src/recipes/field.ts";
import { balloon, type ModelSizes, type Recipe } from "../../src/recipes/recipe.ts";
import type { StageName } from "../../src/training/stages.ts";
import {
  flagGroup,
  helpText,
  type Options,
  parseOptions,
  readCommandLine,
  type Usage,
  UsageError,
} from "../terminal/options.ts";

/** One set of sizes that is measured. */
export interface BenchCase {
  readonly recipe: Recipe;
  readonly stages: readonly StageName[];
  /** Rounds of measuring, the first to warm up; 0: nothing runs, only the memory is told. */
  readonly steps: number;
  /** How much of the best matrix product's speed a step should have. */
  readonly wantedRatio: number;
}

/** Sizes at which the encoders are measured, and on what. */
export interface EncodingCase {
  readonly recipe: Recipe;
  /** The scenes' folder. */
  readonly data: string;
  /** Of scenes; where there are none the procedural ones are encoded. */
  readonly names: readonly string[];
}

/** What a command line asks for. */
export type BenchCommand =
  | { readonly kind: "steps"; readonly cases: readonly BenchCase[] }
  | { readonly kind: "trajectories"; readonly cases: readonly BenchCase[] }
  | { readonly kind: "encoding"; readonly cases: readonly EncodingCase[] }
  | { readonly kind: "depth" }
  | { readonly kind: "flow" };

const usage: Usage = {
  usage: "deno task bench [flags]\n" +
    "       deno task bench --trajectories [flags]\n" +
    "       deno task bench --encode [NAME… --data FOLDER] [flags]\n" +
    "       deno task bench --depth\n" +
    "       deno task bench --flow",
  about:
    "Measures training steps by part beside the best matrix product on this adapter, and the memory they take;\n" +
    "with --trajectories how exact their solvers and gradients are, their memory, and training steps with each of them;\n" +
    "with --encode the encoders on the procedural scenes or on those named; with --depth MiDaS on one frame;\n" +
    "with --flow RAFT on two frames, beside its definition computed plainly.\n" +
    "Without flags: the small preset, and the widths of the paper with few rays (on a GPU: both presets).",
};

const flags = {
  ...flagGroup("Sizes", {
    preset: undefined as PresetName | undefined,
    width: 0,
    rays: 0,
    samples: 0,
    trainEncoders: false,
  }, {
    preset: { about: "sizes to start from", choices: ["small", "full"] },
    width: {
      about: "of the hidden layers, all other widths in proportion; 0: the preset's",
      unit: "channels",
      whole: true,
      min: 0,
    },
    rays: { about: "of a step; 0: the preset's", unit: "rays", whole: true, min: 0 },
    samples: { about: "of a ray; 0: the preset's", unit: "samples", whole: true, min: 0 },
    trainEncoders: { about: "steps that train the encoders too" },
  }),
  ...flagGroup("Run", {
    stage: undefined as StageName | undefined,
    steps: 6,
  }, {
    stage: { about: "only this one", choices: ["static", "dynamic"] },
    steps: {
      about: "of measuring; the first warms up; 0, as for full on software by default: memory only",
      unit: "rounds",
      whole: true,
      min: 0,
    },
  }),
  ...flagGroup("Trajectories", { trajectories: false }, {
    trajectories: { about: "measure trajectories, at the small preset where no sizes are given" },
  }),
  ...flagGroup("Preparation", { depth: false, flow: false }, {
    depth: { about: "measure MiDaS on a frame of 480 x 270, with random weights" },
    flow: { about: "measure RAFT on two frames of 480 x 270, with weights by formula" },
  }),
  ...flagGroup("Encoders", { encode: false, data: "data" }, {
    encode: { about: "measure the encoders, not steps, and the cache of what they make" },
    data: { about: "where the folders of the scenes named are", unit: "folder" },
  }),
};

const stageNames: readonly StageName[] = ["static", "dynamic"];

/** For the paper's widths on a software driver: a step takes seconds, not minutes. */
const fewRays = { rays: 64, samples: 32 };

/** Reads the command line, or ends the process; `software` says what the adapter is. */
export function readCommand(args: readonly string[], software: boolean): BenchCommand {
  const help = () => helpText(flags, usage);
  return readCommandLine(args, help, (args) => parseCommand(args, software));
}

/**
 * What a command line asks for.
 *
 * @throws {UsageError} If it cannot be used.
 */
export function parseCommand(args: readonly string[], software: boolean): BenchCommand {
  const options = parseOptions(flags, args);
  const { values, positionals: names } = options;
  const { encode, trajectories, trainEncoders, stage, data } = values;
  const kinds = (["encode", "trajectories", "depth", "flow"] as const).filter((kind) =>
    values[kind]
  );
  if (kinds.length > 1) {
    throw new UsageError(
      `Cannot do "--${kinds[0]}" and "--${kinds[1]}" at once: start once for each`,
    );
  }
  if (!encode && names.length > 0) {
    throw new UsageError(
      `Cannot measure steps on "${
        names[0]
      }": steps have scenes of their own; --encode measures the encoders on it`,
    );
  }
  if (trajectories && (trainEncoders || stage !== undefined)) {
    const flag = trainEncoders ? "--train-encoders" : "--stage";
    throw new UsageError(
      `Cannot use "${flag}" with "--trajectories": dynamic steps are measured, with frozen encoders`,
    );
  }
  const cases = benchCases(options, software);
  if (values.depth) return { kind: "depth" };
  if (values.flow) return { kind: "flow" };
  if (trajectories) return { kind: "trajectories", cases: cases.slice(0, 1) };
  if (!encode) return { kind: "steps", cases };
  return { kind: "encoding", cases: cases.map(({ recipe }) => ({ recipe, data, names })) };
}

/** The sizes that a command line asks for. */
function benchCases(
  { values, given }: Options<typeof flags>,
  software: boolean,
): BenchCase[] {
  const base = (preset: PresetName, width = values.width): BenchCase => {
    const standard = balloon(preset);
    const model = width > 0 ? modelOfWidth(width) : standard.model;
    const few = width > 0 && preset === "small" ? fewRays : {};
    const recipe: Recipe = {
      ...standard,
      ...few,
      model,
      trainEncoders: values.trainEncoders,
      ...values.rays > 0 && { rays: values.rays },
      ...values.samples > 0 && { samples: values.samples },
    };
    const long = preset === "full" && software && !given.has("steps");
    return {
      recipe,
      stages: values.stage ? [values.stage] : stageNames,
      steps: long ? 0 : values.steps,
      wantedRatio: model.hidden >= 256 ? 0.6 : 0.5,
    };
  };
  if (values.preset) return [base(values.preset)];
  if (values.width > 0) return [base("small")];
  return [base("small"), software ? base("small", 256) : base("full")];
}

/** All widths in the proportions of the paper's 256. */
function modelOfWidth(hidden: number): ModelSizes {
  const encoder = 4 * Math.ceil(hidden / 16); // maps are read four channels at a time
  return {
    hidden,
    globalCode: hidden,
    globalHidden: 16 * hidden,
    videoWidth: encoder,
    imageWidth: encoder,
  };
}
