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

/** An experiment. */
export interface Recipe {
  /** Name of the experiment: `balloon`. */
  name: string;
  /** `full` (the paper's sizes) or `small` (the same architecture, narrow). */
  preset: "full" | "small";
  /** Folders of the scenes under the data folder; they train one model jointly. */
  scenes: string[];
  /** Frames are shrunk by this before training. */
  factor: number;
  /** Seed of initial values and of every random number of the run. */
  seed: number;
  /** Widths of the network. */
  model: RecipeModel;
  /** Size that frames are resized to for the video encoder, pixels. The official code squeezes them to 270 × 480. */
  encoderWidth: number;
  encoderHeight: number;
  /** Batch norm with the statistics of the batch (as in all the official experiments) or the stored ones. */
  encoderStatistics: "batch" | "running";
  /** Centre and scale the channels of the encoders' features: for encoders that are seeded, not pretrained. */
  standardizeFeatures: boolean;
  /** Rays of a step, shared equally by the scenes. */
  rays: number;
  /** Samples of a ray. */
  samples: number;
  /** Standard deviation of the noise added to densities in training. */
  densityNoise: number;
  /** Euler steps from a frame to its neighbour. */
  trajectorySteps: number;
  /** Steps of the static stage, which trains the static field. */
  staticSteps: number;
  /** Steps of the dynamic stage, which trains the dynamic field. */
  dynamicSteps: number;
  /** Adam's first learning rate. */
  learningRate: number;
  /** The learning rate falls to `learningRateDecay` of itself in so many steps. */
  learningRateDecaySteps: number;
  learningRateDecay: number;
  /** Largest norm of the dynamic stage's gradient. */
  clipNorm: number;
  /** Weights of loss terms that differ from the table's. */
  lossWeights: Readonly<Partial<Record<string, number>>>;
  /** Half the width of the band around the measured depth where the dynamic field may show, NDC. */
  depthBlendingThickness: number;
  /** Dynamic steps before the depth blending loss is switched on. */
  depthBlendingStart: number;
  /** Dynamic steps in which it then rises to its weight. */
  depthBlendingRamp: number;
  /** The dynamic field sees only the first so many frames; 0: all. */
  dynamicFrames: number;
  /** Free activations that the backward pass can make again: less memory, some 10 % more arithmetic. */
  recompute: boolean;
  /** Held-out views of each scene that are rendered for the scores; 0: all. */
  evaluationViews: number;
}

/** The paper's sizes (spec section 7), for a GPU. */
export const full: Omit<Recipe, "name" | "scenes"> = {
  preset: "full",
  factor: 2,
  seed: 0,
  model: { hidden: 256, globalCode: 256, globalHidden: 4096, videoWidth: 64, imageWidth: 64 },
  encoderWidth: 270,
  encoderHeight: 480,
  encoderStatistics: "batch",
  standardizeFeatures: false,
  rays: 1024,
  samples: 64,
  densityNoise: 1,
  trajectorySteps: 2,
  staticSteps: 150_001,
  dynamicSteps: 150_001,
  learningRate: 5e-4,
  learningRateDecaySteps: 300_000,
  learningRateDecay: 0.1,
  clipNorm: 10,
  lossWeights: {},
  depthBlendingThickness: 0.03,
  depthBlendingStart: 0,
  depthBlendingRamp: 0,
  dynamicFrames: 0,
  recompute: true, // 1024 rays of 64 samples do not fit into 8 GB otherwise
  evaluationViews: 0,
};

/** The same architecture, narrow and short: minutes on a software driver. */
export const small: Omit<Recipe, "name" | "scenes"> = {
  ...full,
  preset: "small",
  model: { hidden: 64, globalCode: 64, globalHidden: 128, videoWidth: 16, imageWidth: 16 },
  encoderWidth: 72,
  encoderHeight: 128,
  standardizeFeatures: true, // seeded encoders saturate the scene flow otherwise
  rays: 256,
  samples: 32,
  staticSteps: 500,
  dynamicSteps: 250,
  depthBlendingThickness: 0.0625, // two sample spacings: a narrower band holds no sample
  depthBlendingStart: 100_000, // before the depth has settled it pulls the blending to 0 everywhere
  recompute: false,
  evaluationViews: 12,
};

/** Both presets. */
export const presets = { full, small } as const;

/** One model for two scenes, trained jointly in one batch (spec section 7). */
export function balloon(preset: keyof typeof presets): Recipe {
  return { ...presets[preset], name: "balloon", scenes: ["Balloon1", "Balloon2"] };
}

/** Any prepared scene of one's own, or several. */
export function own(preset: keyof typeof presets, scenes: string[]): Recipe {
  return { ...presets[preset], name: "own", scenes };
}
