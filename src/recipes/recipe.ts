/**
 * Recipes: every number of an experiment as a plain value.
 *
 * @module
 */

/** Widths of the network. */
export interface RecipeModel {
  /** Width of the fields' hidden layers. */
  hidden: number;
  /** Channels of the scene's global code. */
  globalCode: number;
  /** Hidden width of the perceptron that makes the global code. */
  globalHidden: number;
  /** Channels of the video encoder's first layer. */
  videoWidth: number;
  /** Channels of the image encoder's first layer. */
  imageWidth: number;
}

/** The cheapest solver: Euler steps of one length, the field's time moving with them. */
export interface DiscreteTrajectory {
  /** Which it is. */
  kind: "discrete";
  /** Steps from a frame to its neighbour. */
  steps: number;
}

/** Solvers of the trajectory's differential equation: `dopri5` chooses its steps, the others' are of one length. */
export type OdeSolver = "dopri5" | "rk4" | "midpoint" | "euler";

/** The trajectory as a differential equation `dp/ds = ±v(p, τ ± s·F)`. */
export interface OdeTrajectory {
  /** Which it is. */
  kind: "ode";
  /** How it is solved. */
  solver: OdeSolver;
  /** Of dopri5: a step's error is kept below `atol + rtol |p|`. */
  rtol: number;
  /** See `rtol`, NDC. */
  atol: number;
  /** Of dopri5: attempts at steps that a trajectory may take. */
  maxSteps: number;
  /** Of the other solvers: a step's length, frames. */
  stepSize: number;
  /** Gradients by backpropagation through the steps, or by solving the adjoint equation: slower, in less memory. */
  gradient: "backprop" | "adjoint";
}

/** How a point's places in the neighbouring frames are found. */
export type Trajectory = DiscreteTrajectory | OdeTrajectory;

/** `full` (the paper's sizes) or `small` (the same architecture, narrow). */
export type PresetName = "full" | "small";

/** An experiment. */
export interface Recipe {
  /** Name of the experiment: `balloon`. */
  name: string;
  /** The sizes it started from. */
  preset: PresetName;
  /** Folders of the scenes under the data folder; they train one model jointly. */
  scenes: string[];
  /** Frames are shrunk by this before training. */
  factor: number;
  /** Width that frames are shrunk to instead, pixels; 0: by `factor`. */
  frameWidth: number;
  /** Seed of initial values and of every random number of the run. */
  seed: number;
  /** Widths of the network. */
  model: RecipeModel;
  /** Width that frames are resized to for the video encoder, pixels. The official code squeezes them to 270 × 480. */
  encoderWidth: number;
  /** Height of the same. */
  encoderHeight: number;
  /** Batch norm with the statistics of the batch (as in all the official experiments) or the stored ones. */
  encoderStatistics: "batch" | "running";
  /** Centre and scale the channels of the encoders' features: for encoders that are seeded, not pretrained. */
  standardizeFeatures: boolean;
  /** What the first layer of the dynamic field has of PyTorch's initial weights for positions: half as much each octave, 1 at least. */
  positionGain: number;
  /** What the head of the scene flow has of its initial values: below 1 points start nearly at rest. */
  flowGain: number;
  /** Train the encoders too: `encoder2d` in the static stage, `encoder` in the dynamic one. All released recipes freeze them. */
  trainEncoders: boolean;
  /** Rays of a step, shared equally by the scenes. */
  rays: number;
  /** Samples of a ray. */
  samples: number;
  /** Standard deviation of the noise added to densities in training. */
  densityNoise: number;
  /** How a point's places in the neighbouring frames are found. */
  trajectory: Trajectory;
  /** Steps of the static stage, which trains the static field. */
  staticSteps: number;
  /** Steps of the dynamic stage, which trains the dynamic field. */
  dynamicSteps: number;
  /** Adam's first learning rate. */
  learningRate: number;
  /** Steps in which the learning rate falls to `learningRateDecay` of itself. */
  learningRateDecaySteps: number;
  /** See `learningRateDecaySteps`. */
  learningRateDecay: number;
  /** Largest norm of the dynamic stage's gradient. */
  clipNorm: number;
  /** A dynamic step whose gradient is longer is left out; 0: none is. */
  skipNorm: number;
  /** Weights of loss terms that differ from the table's. */
  lossWeights: Readonly<Partial<Record<string, number>>>;
  /** Weight of the depth anchor in the static stage, beside a color loss of weight 1; in the dynamic one it is a loss weight. */
  staticDepthAnchor: number;
  /** Half the width of the band around the measured depth (the absolute one with an anchor) where the dynamic field may show, NDC. */
  depthBlendingThickness: number;
  /** Dynamic steps before the depth blending loss is switched on. */
  depthBlendingStart: number;
  /** Dynamic steps in which it then rises to its weight. */
  depthBlendingRamp: number;
  /** Largest depth at which the smoothness losses place points, NDC: what lies beyond is flat for them. At most 0.999. */
  smoothnessFar: number;
  /** The dynamic field sees only the first so many frames; 0: all. */
  dynamicFrames: number;
  /** Free activations that the backward pass can make again: less memory, some 10 % more arithmetic. */
  recompute: boolean;
  /** Held-out views of each scene that are rendered for the scores; 0: all. */
  evaluationViews: number;
}

/** A recipe without what it is about. */
export type Preset = Omit<Recipe, "name" | "scenes">;

/** The paper's sizes, for a GPU. */
export const full: Preset = {
  preset: "full",
  factor: 2,
  frameWidth: 0,
  seed: 0,
  model: { hidden: 256, globalCode: 256, globalHidden: 4096, videoWidth: 64, imageWidth: 64 },
  encoderWidth: 270,
  encoderHeight: 480,
  encoderStatistics: "batch",
  standardizeFeatures: false,
  positionGain: 1,
  flowGain: 1,
  trainEncoders: false,
  rays: 1024,
  samples: 64,
  densityNoise: 1,
  trajectory: { kind: "discrete", steps: 2 },
  staticSteps: 150_001,
  dynamicSteps: 150_001,
  learningRate: 5e-4,
  learningRateDecaySteps: 300_000,
  learningRateDecay: 0.1,
  clipNorm: 10,
  skipNorm: 0,
  lossWeights: {},
  staticDepthAnchor: 0, // no part of the method
  depthBlendingThickness: 0.03,
  depthBlendingStart: 0,
  depthBlendingRamp: 0,
  smoothnessFar: 0.999,
  dynamicFrames: 0,
  recompute: true, // 1024 rays of 64 samples do not fit into 8 GB otherwise
  evaluationViews: 0,
};

/** The same architecture, narrow and short: minutes on a software driver. */
export const small: Preset = {
  ...full,
  preset: "small",
  frameWidth: 96, // 96×54: what minutes can learn
  model: { hidden: 64, globalCode: 64, globalHidden: 128, videoWidth: 16, imageWidth: 16 },
  encoderWidth: 72,
  encoderHeight: 128,
  standardizeFeatures: true, // seeded encoders saturate the scene flow otherwise
  positionGain: 40, // γ/‖γ‖ through the trunk's first layers is a hundredth of the features: hundreds of steps stay blind to depth
  flowGain: 0.05, // and would move points wildly with that gain
  rays: 96, // many small steps learn more in minutes than few large ones
  samples: 24,
  staticSteps: 1200,
  dynamicSteps: 320,
  skipNorm: 100, // steps have 1 to 15; one point thrown far away would undo what many have learned
  learningRate: 2e-3, // falls to two fifths in the dynamic stage's 320 steps
  learningRateDecaySteps: 800,
  lossWeights: {
    depthBlending: 0.2, // less, as long as the geometry settles: PyTorch runs of this size lost the blending field at 1
    mask: 1, // so that the blending field separates before the geometry has settled
    depthAnchor: 0.1, // else everything stands at the near plane: a billboard for each camera costs nothing
  },
  staticDepthAnchor: 0.03,
  depthBlendingThickness: 0.0834, // two sample spacings: a narrower band holds no sample
  smoothnessFar: 0.9, // at 0.999 a point is 2000 near planes away and dz/dz_ndc 2e6: its gradient alone is longer than a step's
  recompute: false,
  evaluationViews: 8,
};

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
