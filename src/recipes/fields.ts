/**
 * What each number of a recipe means, its unit and its bounds: the source of the command line's flags and of the checks on
 * recipes read from files.
 *
 * @module
 */
import {
  full,
  type OdeSolver,
  type OdeTrajectory,
  type Recipe,
  type RecipeModel,
  type Trajectory,
} from "./recipe.ts";

/** A recipe's numbers and switches on one level, without names and loss weights. */
export type RecipeValues =
  & Omit<Recipe, "name" | "preset" | "scenes" | "model" | "lossWeights" | "trajectory">
  & RecipeModel
  & TrajectoryValues;

/** A trajectory on the same level; of the other kind there are the defaults. */
export interface TrajectoryValues {
  /** Its kind. */
  trajectory: Trajectory["kind"];
  /** Of the discrete one. */
  trajectorySteps: number;
  /** Of the differential equation: the solver. */
  odeSolver: OdeSolver;
  /** Its relative tolerance. */
  odeRtol: number;
  /** Its absolute tolerance, NDC. */
  odeAtol: number;
  /** Its attempts at most. */
  odeMaxSteps: number;
  /** Its fixed step, frames. */
  odeStepSize: number;
  /** How it is differentiated. */
  odeGradient: OdeTrajectory["gradient"];
}

/** One number, switch or choice of a recipe. */
export interface RecipeField<T = RecipeValues[keyof RecipeValues]> {
  /** Heading that it stands under. */
  readonly group: string;
  /** What it is. */
  readonly about: string;
  /** Of a number. */
  readonly unit?: string;
  /** The only texts allowed. */
  readonly choices?: readonly T[];
  /** Whether a number must be a whole one. */
  readonly whole?: boolean;
  /** The smallest number allowed. */
  readonly min?: number;
  /** The largest number allowed. */
  readonly max?: number;
  /** A bound that the number must be above. */
  readonly above?: number;
  /** What a number must be a multiple of. */
  readonly multipleOf?: number;
}

const frames = { group: "Frames" };
const steps = { group: "Steps", unit: "steps", whole: true, min: 0 };
const rays = { group: "Rays" };
const optimizer = { group: "Optimizer" };
const trajectory = { group: "Trajectory" };
const losses = { group: "Losses" };
const encoders = { group: "Encoders" };
const widths = { group: "Network", unit: "channels", whole: true, min: 1 };
const start = { group: "Initial values", unit: "times PyTorch's" };
const evaluation = { group: "Evaluation" };

/** Every field, in the order of the help. */
export const recipeFields: { readonly [K in keyof RecipeValues]: RecipeField<RecipeValues[K]> } = {
  staticSteps: { ...steps, about: "length of the static stage, which trains the static field" },
  dynamicSteps: { ...steps, about: "length of the dynamic stage, which trains the dynamic field" },

  factor: { ...frames, about: "how many times smaller than on disk frames are trained", min: 1 },
  frameWidth: {
    ...frames,
    about: "width that frames are shrunk to instead; 0: by the factor",
    unit: "pixels",
    whole: true,
    min: 0,
  },
  dynamicFrames: {
    ...frames,
    about: "the dynamic field sees only the first so many; 0: all",
    unit: "frames",
    whole: true,
    min: 0,
  },

  rays: { ...rays, about: "of a step, shared by the scenes", unit: "rays", whole: true, min: 2 },
  samples: { ...rays, about: "of a ray", unit: "samples", whole: true, min: 2 },
  densityNoise: { ...rays, about: "standard deviation of the noise on densities", min: 0 },
  recompute: { ...rays, about: "make activations again for the backward pass: less memory" },

  trajectory: {
    ...trajectory,
    about: "how points move to the neighbouring frames: Euler steps, or a differential equation",
    choices: ["discrete", "ode"],
  },
  trajectorySteps: {
    ...trajectory,
    about: "discrete: Euler steps from a frame to its neighbour",
    unit: "steps",
    whole: true,
    min: 1,
  },
  odeSolver: {
    ...trajectory,
    about: "ode: dopri5 chooses its steps, the others' are of one length",
    choices: ["dopri5", "rk4", "midpoint", "euler"],
  },
  odeRtol: { ...trajectory, about: "dopri5: relative error of a step", above: 0 },
  odeAtol: { ...trajectory, about: "dopri5: absolute error of a step", unit: "NDC", above: 0 },
  odeMaxSteps: {
    ...trajectory,
    about:
      "dopri5: attempts at steps that a trajectory may take; each costs a little even if not made",
    unit: "steps",
    whole: true,
    min: 1,
  },
  odeStepSize: {
    ...trajectory,
    about: "other solvers: length of a step; 1 is the way to the neighbouring frame",
    unit: "frames",
    above: 0,
    max: 1,
  },
  odeGradient: {
    ...trajectory,
    about: "ode: gradients through the steps, or by the adjoint equation: slower, less memory",
    choices: ["backprop", "adjoint"],
  },

  learningRate: { ...optimizer, about: "of Adam, at the start of a stage", above: 0 },
  learningRateDecaySteps: {
    ...optimizer,
    about: "in which the learning rate falls to the share below",
    unit: "steps",
    above: 0,
  },
  learningRateDecay: { ...optimizer, about: "the share", above: 0, max: 1 },
  clipNorm: { ...optimizer, about: "largest norm of the dynamic stage's gradient", above: 0 },
  skipNorm: {
    ...optimizer,
    about: "dynamic steps whose gradient is longer are left out; 0: none is",
    min: 0,
  },

  staticDepthAnchor: {
    ...losses,
    about:
      "weight of the depth anchor in the static stage; in the dynamic one: --depth-anchor-weight",
    min: 0,
  },
  depthBlendingThickness: {
    ...losses,
    about: "half the band around the measured depth where the dynamic field may show",
    unit: "NDC",
    above: 0,
  },
  depthBlendingStart: {
    ...losses,
    about: "dynamic steps before the depth blending loss",
    unit: "steps",
    whole: true,
    min: 0,
  },
  depthBlendingRamp: {
    ...losses,
    about: "dynamic steps in which it then rises to its weight",
    unit: "steps",
    whole: true,
    min: 0,
  },
  smoothnessFar: {
    ...losses,
    about:
      "largest depth at which the smoothness losses place points: what lies beyond is flat to them",
    unit: "NDC",
    above: -1,
    max: 0.999,
  },

  hidden: { ...widths, about: "width of the fields' hidden layers" },
  globalCode: { ...widths, about: "of a scene's global code" },
  globalHidden: { ...widths, about: "hidden width of the perceptron that makes the global code" },
  videoWidth: { ...widths, about: "of the video encoder's first layer", min: 4, multipleOf: 4 }, // maps are read as vec4
  imageWidth: { ...widths, about: "of the image encoder's first layer" },

  positionGain: {
    ...start,
    about:
      "of the dynamic field's first layer, for coordinates and longest waves; half as much each octave, 1 at least",
    above: 0,
  },
  flowGain: { ...start, about: "of the scene flow's head", above: 0 },

  encoderWidth: {
    ...encoders,
    about: "width that frames are resized to for the video encoder",
    unit: "pixels",
    whole: true,
    min: 16,
  },
  encoderHeight: {
    ...encoders,
    about: "height of the same",
    unit: "pixels",
    whole: true,
    min: 16,
  },
  encoderStatistics: {
    ...encoders,
    about: "batch norm with those of the batch or the stored ones",
    choices: ["batch", "running"],
  },
  standardizeFeatures: {
    ...encoders,
    about: "centre and scale features: for encoders that are seeded, not pretrained",
  },
  trainEncoders: {
    ...encoders,
    about: "train them with the fields, end to end: steps cost several times as much",
  },

  evaluationViews: {
    ...evaluation,
    about: "held-out views of each scene that are scored; 0: all",
    unit: "views",
    whole: true,
    min: 0,
  },

  seed: {
    group: "Run",
    about: "of initial values and of every random number",
    whole: true,
    min: 0,
    max: 2 ** 32 - 1,
  },
};

/** A recipe's values on one level. */
export function recipeValues(recipe: Recipe): RecipeValues {
  const { name: _, preset: __, scenes: ___, model, lossWeights: ____, ...values } = recipe;
  return { ...values, ...model, ...trajectoryValues(values.trajectory) };
}

const solving = {
  solver: "dopri5",
  rtol: 1e-2,
  atol: 1e-3,
  maxSteps: 4,
  stepSize: 1,
  gradient: "backprop",
} as const;

function trajectoryValues(trajectory: Trajectory): TrajectoryValues {
  const ode = trajectory.kind === "ode" ? trajectory : solving;
  return {
    trajectory: trajectory.kind,
    trajectorySteps: trajectory.kind === "discrete" ? trajectory.steps : 2,
    odeSolver: ode.solver,
    odeRtol: ode.rtol,
    odeAtol: ode.atol,
    odeMaxSteps: ode.maxSteps,
    odeStepSize: ode.stepSize,
    odeGradient: ode.gradient,
  };
}

function trajectoryOf(values: TrajectoryValues): Trajectory {
  if (values.trajectory === "discrete") {
    return { kind: "discrete", steps: values.trajectorySteps };
  }
  return {
    kind: "ode",
    solver: values.odeSolver,
    rtol: values.odeRtol,
    atol: values.odeAtol,
    maxSteps: values.odeMaxSteps,
    stepSize: values.odeStepSize,
    gradient: values.odeGradient,
  };
}

/** The recipe with other values, of which it takes those that are its own. */
export function withValues(recipe: Recipe, values: RecipeValues): Recipe {
  const own = <T extends object>(part: T): T => {
    const taken = Object.keys(part).filter((name) => name in recipeFields);
    return { ...part, ...Object.fromEntries(taken.map((name) => [name, values[name as never]])) };
  };
  return { ...own(recipe), model: own(recipe.model), trajectory: trajectoryOf(values) };
}

/**
 * Takes a value, read from a file, for a recipe; those of older versions are brought up to date.
 *
 * @throws {TypeError} If it is none; the message names the field, what it is and what was wanted.
 */
export function asRecipe(value: unknown): Recipe {
  const recipe = upToDate(requireRecord("recipe", value));
  requireKnown(recipe, ["name", "preset", "scenes", "model", "lossWeights"]);
  requireText("name", recipe.name);
  requireText("preset", recipe.preset, ["full", "small"]);
  if (!Array.isArray(recipe.scenes)) throw wrong("scenes", recipe.scenes, "a list of names");
  for (const scene of recipe.scenes) requireText("scenes", scene);
  const model = requireRecord("model", recipe.model);
  requireKnown(model, []);
  for (const [name, weight] of Object.entries(requireRecord("lossWeights", recipe.lossWeights))) {
    if (typeof weight !== "number") throw wrong(`lossWeights.${name}`, weight, "a number");
  }
  const trajectory = requireTrajectory(recipe.trajectory);
  const values: Record<string, unknown> = { ...model, ...recipe, ...trajectory };
  for (const [name, field] of Object.entries<RecipeField>(recipeFields)) {
    requireField(name, values[name], field);
  }
  return recipe as unknown as Recipe;
}

/** Before trajectories had kinds, a recipe had the number of Euler steps; other fields have what was the rule before them. */
function upToDate(
  { trajectorySteps, ...rest }: Record<string, unknown>,
): Record<string, unknown> {
  const before = {
    trainEncoders: false,
    positionGain: 1,
    flowGain: 1,
    staticDepthAnchor: 0,
    skipNorm: 0,
    smoothnessFar: 0.999,
  };
  const missing = Object.entries(before).filter(([name]) => !(name in rest));
  // what is there stays in its order: equal checkpoints are equal bytes
  const recipe: Record<string, unknown> = { ...rest, ...Object.fromEntries(missing) };
  if (trajectorySteps === undefined || "trajectory" in recipe) {
    return trajectorySteps === undefined ? recipe : { ...recipe, trajectorySteps };
  }
  return { ...recipe, trajectory: { kind: "discrete", steps: trajectorySteps } };
}

function requireTrajectory(value: unknown): TrajectoryValues {
  const trajectory = requireRecord("trajectory", value);
  requireText("trajectory.kind", trajectory.kind, ["discrete", "ode"]);
  const wanted = trajectory.kind === "discrete" ? { steps: 0 } : solving;
  const unknown = Object.keys(trajectory).find((name) => name !== "kind" && !(name in wanted));
  if (unknown) {
    throw new TypeError(`"trajectory.${unknown}" is unknown; another version wrote it`);
  }
  return trajectoryValues(trajectory as unknown as Trajectory);
}

function requireKnown(values: Record<string, unknown>, names: string[]): void {
  const unknown = Object.keys(values).find((name) =>
    !names.includes(name) &&
    (!(name in recipeFields) || (name !== "trajectory" && name in ofTrajectory))
  );
  if (unknown) throw new TypeError(`"${unknown}" is unknown; another version wrote it`);
}

const ofTrajectory = trajectoryValues(full.trajectory);

/** Of each field, a value that is right. */
const examples: RecipeValues = recipeValues({ ...full, name: "", scenes: [] });

function requireField(name: string, value: unknown, field: RecipeField): void {
  if (field.choices) return requireText(name, value, field.choices);
  if (typeof examples[name as keyof RecipeValues] === "boolean") {
    if (typeof value !== "boolean") throw wrong(name, value, "true or false");
    return;
  }
  const { min = -Infinity, max = Infinity, above = -Infinity, whole = false, multipleOf } = field;
  const fits = typeof value === "number" && value >= min && value <= max && value > above &&
    Number.isFinite(value) && (!whole || Number.isInteger(value)) &&
    (multipleOf === undefined || value % multipleOf === 0);
  if (fits) return;
  const bounds = Object.entries({
    "a multiple of": multipleOf,
    "at least": field.min,
    "at most": field.max,
    "above": field.above,
  }).flatMap(([word, bound]) => bound === undefined ? [] : [`${word} ${bound}`]);
  throw wrong(name, value, [whole ? "a whole number" : "a number", ...bounds].join(", "));
}

function requireText(name: string, value: unknown, choices?: readonly unknown[]): void {
  if (typeof value === "string" && (!choices || choices.includes(value))) return;
  throw wrong(name, value, choices?.join(" or ") ?? "a text");
}

function requireRecord(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrong(name, value, "an object");
}

function wrong(name: string, value: unknown, wanted: string): TypeError {
  return new TypeError(`"${name}" is ${JSON.stringify(value)}, wanted ${wanted}`);
}
