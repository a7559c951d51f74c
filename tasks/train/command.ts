/**
 * The command line of `deno task train`: every number of a recipe is a flag.
 *
 * @module
 */
import { type LossTermName, lossTermNames, lossTerms } from "../../src/recipes/loss_terms.ts";
import { asRecipe } from "../../src/recipes/as_recipe.ts";
import { type Field, fieldGroups, type PresetName } from "../../src/recipes/field.ts";
import { balloon, type Recipe, type RecipeName, recipes } from "../../src/recipes/recipe.ts";
import {
  type RecipeValues,
  recipeValues,
  valueFields,
  withValues,
} from "../../src/recipes/recipe_values.ts";
import { unknownName } from "../../src/recipes/unknown_name.ts";
import { featureFlags, type FeatureKeeping, featureKeeping } from "../terminal/feature_cache.ts";
import {
  type Flag,
  flagGroup,
  helpText,
  parseOptions,
  readCommandLine,
  toFlag,
  type Usage,
  UsageError,
  type Values,
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
  video?: string | undefined;
  /** File of the image encoder's weights. */
  image?: string | undefined;
  /** Numbers of the recipe that the command line gives. */
  given: ReadonlySet<string>;
}

/** What the command line asks for. */
export type TrainCommand =
  | { kind: "list" }
  | {
    kind: "start";
    recipe: Recipe;
    encoders: EncoderChoice;
    /** The run or checkpoint that it starts from. */
    from?: string | undefined;
    /** Whether a twin is trained from scratch, to compare. */
    twin: boolean;
    data: string;
    dataGiven: boolean;
    run?: string | undefined;
    pace: Pace;
    features: FeatureKeeping;
  }
  | {
    kind: "resume";
    run?: string | undefined;
    /** Where the scenes' folders are, if not where the run had them. */
    data?: string | undefined;
    evaluationViews?: number | undefined;
    pace: Pace;
    features: FeatureKeeping;
  };

const usage: Usage = {
  usage: "deno task train RECIPE [SCENE…] [flags]\n" +
    "       deno task train own NAME… --data FOLDER [flags]\n" +
    "       deno task train generalization [SCENE] --from RUN --steps N [flags]\n" +
    "       deno task train --resume [RUN] [--data FOLDER]",
  about: "Trains a model on moving scenes, renders views of them, and scores these.\n" +
    `Recipes: ${Object.keys(recipes).join(", ")} (--list says more).`,
};

/** Which recipe, and from where; their defaults do not depend on the recipe. */
const runFlags = flagGroup("Run", {
  data: "data",
  scenes: undefined as string | undefined,
  from: undefined as string | undefined,
  run: undefined as string | undefined,
  resume: false,
  list: false,
}, {
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
  "data",
  "reportEvery",
  "checkpointEvery",
  "evaluationViews",
  ...Object.keys(featureFlags),
];

/** All flags, with the numbers of a recipe and of its preset as defaults. */
function flagsOf(recipe: Recipe) {
  const { preset } = recipe;
  const small = preset === "small";
  return {
    ...flagGroup("Run", { preset }, {
      preset: {
        about: "sizes to start from; small on software drivers, full on a GPU",
        choices: ["full", "small"],
      },
    }),
    ...runFlags,
    ...featureFlags,
    ...fieldFlags(recipe),
    ...encoderFlags,
    ...weightFlags(recipe),
    ...flagGroup("Run", {
      reportEvery: small ? 10 : 100,
      checkpointEvery: small ? 250 : 5000,
    }, {
      reportEvery: { about: "between lines of metrics", unit: "steps", whole: true, min: 1 },
      checkpointEvery: { about: "between checkpoints", unit: "steps", whole: true, min: 1 },
    }),
    ...flagGroup("Steps", {
      steps: 0,
      scratchTwin: small && isRecipe(recipe.name) && recipes[recipe.name].fromModel === true,
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
}

/**
 * Reads a command line, or ends the process: with the help where it is asked for, with 2 where it cannot be used.
 *
 * @param machinePreset The preset for this machine, where the command line names none.
 */
export function readCommand(args: readonly string[], machinePreset: PresetName): TrainCommand {
  const help = () => helpText(flagsOf(recipeForHelp(args, machinePreset)), usage);
  return readCommandLine(args, help, (args) => parseCommand(args, machinePreset));
}

/** The recipe and the preset that are named, as far as they can be read: the help shows their numbers. */
function recipeForHelp(args: readonly string[], machinePreset: PresetName): Recipe {
  const { preset } = flagsOf(balloon(machinePreset));
  const { values } = parseOptions({ preset }, args, { unknown: "ignore" });
  return recipes[args.find(isRecipe) ?? "balloon"].make(values.preset);
}

/**
 * What a command line asks for.
 *
 * @throws {UsageError} If it cannot be used.
 */
export function parseCommand(args: readonly string[], machinePreset: PresetName): TrainCommand {
  // names, types and bounds are those of any recipe; defaults follow from the one that is named
  const flags = flagsOf(balloon(machinePreset));
  const { values: parsed, given, positionals } = parseOptions(flags, args);
  if (parsed.list) return { kind: "list" };
  const withGiven = (defaults: typeof flags) =>
    Object.fromEntries(
      Object.entries(defaults).map(([name, flag]) => {
        const key = name as keyof typeof flags;
        return [key, given.has(key) ? parsed[key] : flag.default];
      }),
    ) as Values<typeof flags>;
  if (parsed.resume) {
    return resumption(withGiven(flagsOf(balloon(parsed.preset))), given, positionals);
  }

  const [name, ...named] = positionals;
  const scenes = [...named, ...parsed.scenes?.split(",").filter(Boolean) ?? []];
  const standard = makeRecipe(name, parsed.preset, scenes);
  const values = withGiven(flagsOf(standard));
  const { reportEvery, checkpointEvery } = values;
  return {
    kind: "start",
    recipe: asCommandRecipe(changed(standard, values, given)),
    encoders: { video: values.videoEncoder, image: values.imageEncoder, given },
    from: values.from,
    twin: values.scratchTwin,
    data: values.data,
    dataGiven: given.has("data"),
    run: values.run,
    pace: { reportEvery, checkpointEvery },
    features: featureKeeping(values),
  };
}

type TrainFlags = ReturnType<typeof flagsOf>;

/** What to do with a run that goes on; all but its pace is fixed. */
function resumption(
  { reportEvery, checkpointEvery, evaluationViews, ...values }: Values<TrainFlags>,
  given: ReadonlySet<keyof TrainFlags>,
  [run, ...rest]: string[],
): TrainCommand {
  const fixed = [...given].find((name) => !RESUMABLE.includes(name));
  if (fixed) {
    throw new UsageError(
      `Cannot change "--${
        toFlag(fixed)
      }" of a run that goes on: its recipe is fixed; start a new run`,
    );
  }
  if (rest.length > 0) throw new UsageError(`Cannot go on with more than one run: "${rest[0]}"`);
  return {
    kind: "resume",
    run,
    data: given.has("data") ? values.data : undefined,
    evaluationViews: given.has("evaluationViews") ? evaluationViews : undefined,
    pace: { reportEvery, checkpointEvery },
    features: featureKeeping(values),
  };
}

/** A recipe with the numbers that a command line gives. */
function changed(
  recipe: Recipe,
  values: Values<TrainFlags>,
  given: ReadonlySet<keyof TrainFlags>,
): Recipe {
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
  const length = (stage: "staticSteps" | "dynamicSteps") =>
    values.steps > 0 && !given.has(stage) ? values.steps : values[stage];
  const byFactor = given.has("factor") && !given.has("frameWidth");
  const weights = lossTermNames.filter((term) => given.has(`${term}Weight`));
  return {
    ...withValues(recipe, {
      ...values,
      staticSteps: length("staticSteps"),
      dynamicSteps: length("dynamicSteps"),
      frameWidth: byFactor ? 0 : values.frameWidth,
    }),
    lossWeights: {
      ...recipe.lossWeights,
      ...Object.fromEntries(weights.map((term) => [term, values[`${term}Weight`]])),
    },
  };
}

function isRecipe(name: string): name is RecipeName {
  return Object.hasOwn(recipes, name);
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
  const fields = Object.entries<Field>(valueFields);
  const ordered = fieldGroups.flatMap((name) => fields.filter(([, { group }]) => group === name));
  const flags = ordered.map(([name, field]) => {
    return [name, { ...field, default: defaults[name as keyof typeof defaults] }];
  });
  return Object.fromEntries(flags) as { [K in keyof RecipeValues]: Flag<RecipeValues[K]> };
}

/** A flag for the weight of each loss term: `fullColor` is `--full-color-weight`. */
function weightFlags({ lossWeights }: Recipe) {
  const flags = lossTerms.map(({ name, weight, meaning }) => [`${name}Weight`, {
    group: "Loss weights",
    default: lossWeights[name] ?? weight,
    about: `of ${meaning}`,
    min: 0,
  }]);
  return Object.fromEntries(flags) as Record<`${LossTermName}Weight`, Flag<number>>;
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
