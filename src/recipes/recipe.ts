/**
 * Recipes: every number of an experiment as a plain value.
 *
 * @module
 */
import { type PresetName, type Values, valuesOf } from "./field.ts";
import { discreteFields, type modelFields, odeFields, recipeFields } from "./fields.ts";
import type { LossWeights } from "./loss_terms.ts";

/** Every width of the network: {@link modelFields}. */
export interface ModelSizes extends Values<typeof modelFields> {}

/** The cheapest trajectory: Euler steps of one length, the field's time moving with them. */
export interface DiscreteTrajectory extends Values<typeof discreteFields> {
  /** Which it is. */
  kind: "discrete";
}

/** The trajectory as a differential equation `dp/ds = ±v(p, τ ± s·F)`. */
export interface OdeTrajectory extends Values<typeof odeFields> {
  /** Which it is. */
  kind: "ode";
}

/** Solvers of the trajectory's differential equation. */
export type OdeSolver = OdeTrajectory["solver"];

/** How a point's places in the neighbouring frames are found. */
export type Trajectory = DiscreteTrajectory | OdeTrajectory;

/** An experiment. Its numbers, with their units, bounds and values in the presets, are {@link recipeFields}. */
export interface Recipe
  extends Omit<Values<typeof recipeFields>, "model" | "trajectory" | "lossWeights"> {
  /** Name of the experiment: `balloon`. */
  name: string;
  /** The sizes it started from. */
  preset: PresetName;
  /** Folders of the scenes under the data folder; they train one model jointly. */
  scenes: string[];
  /** Widths of the network. */
  model: ModelSizes;
  /** How a point's places in the neighbouring frames are found. */
  trajectory: Trajectory;
  /** Weights of loss terms that differ from those of {@link lossTerms}. */
  lossWeights: Partial<LossWeights>;
}

/** A recipe without what it is about. */
export type Preset = Omit<Recipe, "name" | "scenes">;

function presetOf(preset: PresetName): Preset {
  const values = valuesOf(recipeFields, preset);
  return { preset, ...values, trajectory: defaultTrajectory(values.trajectory, preset) };
}

/** A trajectory with the numbers of a preset. */
export function defaultTrajectory(kind: Trajectory["kind"], preset: PresetName): Trajectory {
  return kind === "discrete"
    ? { kind, ...valuesOf(discreteFields, preset) }
    : { kind, ...valuesOf(odeFields, preset) };
}

/** The paper's sizes, for a GPU. */
export const full: Preset = presetOf("full");

/** The same architecture, narrow and short: minutes on a software driver. */
export const small: Preset = presetOf("small");

/** Both presets. */
export const presets = { full, small } as const;

/** One model for two scenes, trained jointly in one batch. */
export function balloon(preset: PresetName): Recipe {
  return { name: "balloon", scenes: ["Balloon1", "Balloon2"], ...presets[preset] };
}

/** The second pair of the paper. */
export function balloonUmbrella(preset: PresetName): Recipe {
  return { name: "balloon-umbrella", scenes: ["Balloon2", "Umbrella"], ...presets[preset] };
}

// with one scene the released configurations weigh it a tenth
const oneScene = (preset: PresetName) => ({ ...presets[preset].lossWeights, maskWarped: 0.01 });

/**
 * Frames that the dynamic field does not see: it trains on the first five, the static field on all, and the others are
 * scored from their own cameras.
 */
export function unseenFrames(preset: PresetName, scenes: string[] = ["Balloon2"]): Recipe {
  return {
    name: "unseen-frames",
    scenes,
    ...presets[preset],
    ...(preset === "full" && { staticSteps: 100_001 }),
    dynamicFrames: 5, // frames 0…4 of 12, as in the released configuration; the paper says the first quarter
    lossWeights: oneScene(preset),
    evaluationViews: 0, // there are few of them
  };
}

/** A scene that a trained model never saw, learned in a few steps from that model; {@link Recipe.staticSteps} of each stage. */
export function generalization(preset: PresetName, scenes: string[] = ["Skating"]): Recipe {
  const steps = preset === "full" ? 2000 : 100;
  return {
    name: "generalization",
    scenes,
    ...presets[preset],
    staticSteps: steps,
    dynamicSteps: steps,
    ...(preset === "small" && { learningRate: 5e-4 }), // at four times as much Adam's first steps undo what the model knows
    lossWeights: oneScene(preset),
  };
}

/** Any prepared scene of one's own, or several. */
export function own(preset: PresetName, scenes: string[] = []): Recipe {
  return { name: "own", scenes, ...presets[preset] };
}

/** What is said of a recipe, and how it is made. */
export interface RecipeEntry {
  /** The recipe with a preset's sizes; without scenes it has those of its experiment. */
  readonly make: (preset: PresetName, scenes?: string[]) => Recipe;
  /** What it trains. */
  readonly about: string;
  /** Whether it starts from a trained model. */
  readonly fromModel?: boolean;
}

/** All recipes, by name, with what each is in a few words. */
export const recipes: Readonly<Record<RecipeName, RecipeEntry>> = {
  balloon: { make: balloon, about: "two scenes, one model: Balloon1 and Balloon2" },
  "balloon-umbrella": { make: balloonUmbrella, about: "two other scenes: Balloon2 and Umbrella" },
  "unseen-frames": {
    make: unseenFrames,
    about:
      "one scene (Balloon2, or the one named), of which the dynamic field sees the first five frames; " +
      "scored on the others",
  },
  generalization: {
    make: generalization,
    about:
      "a scene (Skating, or the one named) that the model of --from never saw, in --steps steps of each stage",
    fromModel: true,
  },
  own: { make: own, about: "any prepared scene, or several with one model: own NAME…" },
};

/** The name of a recipe. */
export type RecipeName =
  | "balloon"
  | "balloon-umbrella"
  | "unseen-frames"
  | "generalization"
  | "own";
