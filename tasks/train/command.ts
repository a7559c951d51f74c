/**
 * The command line of `deno task train`: every number of a recipe is a flag.
 *
 * @module
 */
import { lossTerms } from "../../src/recipes/loss_terms.ts";
import { asRecipe, recipeFields, recipeValues, withValues } from "../../src/recipes/fields.ts";
import {
  type PresetName,
  type Recipe,
  type RecipeName,
  recipes,
} from "../../src/recipes/recipe.ts";
import {
  type Flag,
  flagGroup,
  orExit,
  parseOptions,
  readOptions,
  toFlag,
  unknownName,
  type Usage,
  UsageError,
} from "../terminal/options.ts";
import { renderTable } from "../terminal/table.ts";

/** Steps between two of a kind, which do not change what is learned. */
export interface Pace {
  /** Steps between lines of metrics. */
  reportEvery: number;
  /** Steps between checkpoints. */
  checkpointEvery: number;
}

/** What the command line says of the encoders. */
export interface EncoderChoice {
  /** File of the video encoder's weights. */
  video?: string;
  /** File of the image encoder's weights. */
  image?: string;
  /** Numbers of the recipe that the command line gives. */
  given: ReadonlySet<string>;
}

/** Where encoded features are kept. */
export interface FeatureKeeping {
  /** By default in the user's cache folder. */
  folder?: string;
  /** What they may take; 0: none are kept. */
  limitBytes: number;
}

/** What the command line asks for. */
export type TrainCommand =
  | { kind: "list" }
  | {
    kind: "start";
    recipe: Recipe;
    encoders: EncoderChoice;
    /** The run or checkpoint that it starts from. */
    from?: string;
    /** Whether a twin is trained from scratch, to compare. */
    twin: boolean;
    data: string;
    dataGiven: boolean;
    run?: string;
    pace: Pace;
    features: FeatureKeeping;
  }
  | {
    kind: "resume";
    run?: string;
    evaluationViews?: number;
    pace: Pace;
    features: FeatureKeeping;
  };

const usage: Usage = {
  usage: "deno task train RECIPE [SCENE…] [flags]\n" +
    "       deno task train own NAME… --data FOLDER [flags]\n" +
    "       deno task train generalization [SCENE] --from RUN --steps N [flags]\n" +
    "       deno task train --resume [RUN]",
  about: "Trains a model on moving scenes, renders views of them, and scores these.\n" +
    `Recipes: ${Object.keys(recipes).join(", ")} (--list says more).`,
};

/** Which recipe, and from where; their defaults do not depend on the preset. */
const runFlags = flagGroup("Run", {
  preset: undefined as PresetName | undefined,
  data: "data",
  scenes: undefined as string | undefined,
  from: undefined as string | undefined,
  run: undefined as string | undefined,
  resume: false,
  list: false,
  featureCache: undefined as string | undefined,
  featureCacheLimit: 20,
}, {
  preset: {
    about: "sizes to start from; small on software drivers, full on a GPU",
    choices: ["full", "small"],
  },
  data: { about: "where the scenes' folders are", unit: "folder" },
  scenes: { about: "names of the scenes, with commas between", unit: "names" },
  from: {
    about:
      "start from this trained model; generalization takes the last balloon run where none is named",
    unit: "run or checkpoint",
  },
  run: { about: "where to write; by default runs/RECIPE-PRESET", unit: "folder" },
  resume: { about: "go on with a run that was stopped: the one named, or the last" },
  list: { about: "say which recipes there are, and end" },
  featureCache: {
    about:
      "where encoded features are kept for the next start; by default in the user's cache folder",
    unit: "folder",
  },
  featureCacheLimit: { about: "what they may take; 0: none are kept", unit: "GB", min: 0 },
});

/** Files that the encoders start from. */
const encoderFlags = flagGroup("Encoders", {
  videoEncoder: undefined as string | undefined,
  imageEncoder: undefined as string | undefined,
}, {
  videoEncoder: {
    about: "weights of SlowOnly: MMAction2's file, or a checkpoint; its width follows them",
    unit: "file",
  },
  imageEncoder: {
    about: "weights of ResNet-18: torchvision's file, or a checkpoint; its width follows them",
    unit: "file",
  },
});

/** Options of a run that is resumed; its recipe decides all else. */
const RESUMABLE: readonly string[] = [
  "resume",
  "reportEvery",
  "checkpointEvery",
  "evaluationViews",
  "featureCache",
  "featureCacheLimit",
];

/**
 * Reads a command line, or ends the process: with the help where it is asked for, with 2 where it cannot be used.
 *
 * @param machinePreset The preset for this machine, where the command line names none.
 */
export function readCommand(args: readonly string[], machinePreset: PresetName): TrainCommand {
  return orExit(() => parseCommand(args, machinePreset));
}

function parseCommand(args: readonly string[], machinePreset: PresetName): TrainCommand {
  const first = parseOptions({ preset: runFlags.preset }, args, { unknown: "ignore" });
  const preset = first.values.preset ?? machinePreset;
  const guess = args.find(isRecipe) ?? "balloon"; // defaults are the recipe's; it usually comes first
  const command = parseWith(guess, preset, args);
  if (command.kind !== "start" || command.recipe.name === guess) return command;
  return parseWith(command.recipe.name as RecipeName, preset, args);
}

function isRecipe(name: string): name is RecipeName {
  return Object.hasOwn(recipes, name);
}

/** Reads the command line with a recipe's numbers as the flags' defaults. */
function parseWith(
  defaults: RecipeName,
  preset: PresetName,
  args: readonly string[],
): TrainCommand {
  const standard = recipes[defaults].make(preset);
  const weights = weightFlags(standard);
  const flags = {
    ...runFlags,
    preset: { ...runFlags.preset, default: preset },
    ...fieldFlags(standard),
    ...encoderFlags,
    ...weights,
    ...flagGroup(
      "Run",
      preset === "full" ? { reportEvery: 100, checkpointEvery: 5000 } : {
        reportEvery: 10,
        checkpointEvery: 250,
      },
      {
        reportEvery: { about: "between lines of metrics", unit: "steps", whole: true, min: 1 },
        checkpointEvery: { about: "between checkpoints", unit: "steps", whole: true, min: 1 },
      },
    ),
    ...flagGroup("Steps", {
      steps: 0,
      scratchTwin: preset === "small" && recipes[defaults].fromModel === true,
    }, {
      steps: {
        about: "length of each stage; 0: as said below",
        unit: "steps",
        whole: true,
        min: 0,
      },
      scratchTwin: { about: "with --from: train the same from scratch too, to compare" },
    }),
  };
  const { values, given, positionals } = readOptions(flags, usage, args);
  const { reportEvery, checkpointEvery } = values;
  const pace = { reportEvery, checkpointEvery };
  const features = { folder: values.featureCache, limitBytes: 1e9 * values.featureCacheLimit };
  if (values.list) return { kind: "list" };
  if (values.resume) {
    const fixed = [...given].find((name) => !RESUMABLE.includes(name));
    if (fixed) {
      throw new UsageError(
        `Cannot change "--${
          toFlag(fixed)
        }" of a run that goes on: its recipe is fixed; start a new run`,
      );
    }
    const [run, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError(`Cannot go on with more than one run: "${rest[0]}"`);
    const evaluationViews = given.has("evaluationViews") ? values.evaluationViews : undefined;
    return { kind: "resume", run, evaluationViews, pace, features };
  }

  const [name, ...named] = positionals;
  const scenes = [...named, ...values.scenes?.split(",").filter(Boolean) ?? []];
  for (const stage of ["staticSteps", "dynamicSteps"] as const) {
    if (values.steps > 0 && !given.has(stage)) values[stage] = values.steps;
  }
  const other = values.trajectory === "ode" ? /^trajectorySteps$/ : /^ode[A-Z]/;
  const idle = [...given].find((name) => other.test(name));
  if (idle) {
    const kind = values.trajectory === "ode" ? "discrete" : "ode";
    throw new UsageError(
      `Cannot use "--${
        toFlag(idle)
      }": the trajectory is ${values.trajectory}; add --trajectory ${kind}`,
    );
  }
  const byFactor = given.has("factor") && !given.has("frameWidth");
  const recipe = withValues(makeRecipe(name, preset, scenes), {
    ...values,
    frameWidth: byFactor ? 0 : values.frameWidth,
  });
  const changed = Object.keys(weights).filter((name) => (given as ReadonlySet<string>).has(name));
  const lossWeights = {
    ...recipe.lossWeights,
    ...Object.fromEntries(changed.map((name) => [weights[name].term, values[name as never]])),
  };
  return {
    kind: "start",
    recipe: asCommandRecipe({ ...recipe, lossWeights }),
    encoders: { video: values.videoEncoder, image: values.imageEncoder, given },
    from: values.from,
    twin: values.scratchTwin,
    data: values.data,
    dataGiven: given.has("data"),
    run: values.run,
    pace,
    features,
  };
}

function makeRecipe(name: string | undefined, preset: PresetName, scenes: string[]): Recipe {
  const names = Object.keys(recipes);
  if (name === undefined) {
    throw new UsageError(`Cannot train: no recipe is named; there are ${names.join(", ")}`);
  }
  if (!isRecipe(name)) throw new UsageError(unknownName("recipe", name, names));
  const recipe = recipes[name].make(preset);
  if (scenes.length > 0) return { ...recipe, scenes };
  if (recipe.scenes.length > 0) return recipe;
  throw new UsageError(
    `Cannot train "${name}": no scene is named; add the names of their folders, as in "${name} Balloon1"`,
  );
}

/**
 * The recipe, if it can be one: flags do not know all rules.
 *
 * @throws {UsageError} If it cannot.
 */
export function asCommandRecipe(recipe: Recipe): Recipe {
  try {
    return asRecipe(recipe);
  } catch (error) {
    throw new UsageError(`Cannot train: ${error instanceof Error ? error.message : error}`);
  }
}

/** A flag for each number of a recipe. */
function fieldFlags(recipe: Recipe) {
  const defaults = recipeValues(recipe);
  const flags = Object.entries(recipeFields).map(([name, field]) => {
    return [name, { ...field, default: defaults[name as keyof typeof defaults] }];
  });
  return Object.fromEntries(flags) as {
    [K in keyof typeof defaults]: Flag<(typeof defaults)[K]>;
  };
}

/** A flag for the weight of each loss term: `fullColor` is `--full-color-weight`. */
function weightFlags({ lossWeights }: Recipe): Record<string, Flag<number> & { term: string }> {
  return Object.fromEntries(lossTerms.map(({ name, weight, meaning }) => [`${name}Weight`, {
    group: "Loss weights",
    default: lossWeights[name] ?? weight,
    about: `of ${meaning}`,
    min: 0,
    term: name,
  }]));
}

/** All recipes, with what they are. */
export function recipeTable(): string {
  const rows = Object.entries(recipes).map(([name, { about }]) => [name, about]);
  return renderTable([["recipe", "trains"], ...rows]);
}

/** The command that goes on with a run. */
export function resumeCommand(directory: string): string {
  return `deno task train --resume ${/^[\w./-]+$/.test(directory) ? directory : `'${directory}'`}`;
}
