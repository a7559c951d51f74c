/**
 * Every number of a recipe, declared once: its value in the `full` and the `small` preset (where that differs, with the
 * reason), its unit and bounds, and the help of its flag. Types, presets, flags and the checks on `recipe.json` follow.
 *
 * Fields stand in the order of `recipe.json`.
 *
 * @module
 */
import type { ByPreset, Fields } from "./field.ts";
import type { LossWeights } from "./loss_terms.ts";

/** Widths of the network. */
export const modelFields = {
  /** Width of the fields' hidden layers. */
  hidden: {
    group: "Network",
    full: 256,
    small: 64,
    about: "width of the fields' hidden layers",
    unit: "channels",
    whole: true,
    min: 1,
  },
  /** Channels of the global code g of a scene. */
  globalCode: {
    group: "Network",
    full: 256,
    small: 64,
    about: "of a scene's global code",
    unit: "channels",
    whole: true,
    min: 1,
  },
  /** Hidden width of the perceptron that makes g from the pooled video feature. */
  globalHidden: {
    group: "Network",
    full: 4096,
    small: 128,
    about: "hidden width of the perceptron that makes the global code",
    unit: "channels",
    whole: true,
    min: 1,
  },
  /** Channels of the video encoder's first layer; its maps have 13 times, its pooled feature 32 times as many. */
  videoWidth: {
    group: "Network",
    full: 64,
    small: 16,
    about: "of the video encoder's first layer",
    unit: "channels",
    whole: true,
    min: 4,
    multipleOf: 4, // maps are read as vec4
  },
  /** Channels of the image encoder's first layer; its maps have 8 times as many. */
  imageWidth: {
    group: "Network",
    full: 64,
    small: 16,
    about: "of the image encoder's first layer",
    unit: "channels",
    whole: true,
    min: 1,
  },
} as const satisfies Fields;

/** The cheapest trajectory: Euler steps of one length, the field's time moving with them. */
export const discreteFields = {
  /** Euler steps from a frame to its neighbour. */
  steps: {
    group: "Trajectory",
    full: 2,
    about: "discrete: Euler steps from a frame to its neighbour",
    unit: "steps",
    whole: true,
    min: 1,
  },
} as const satisfies Fields;

/** The trajectory as a differential equation `dp/ds = ±v(p, τ ± s·F)`: how it is solved and differentiated. */
export const odeFields = {
  /** How it is solved: `dopri5` chooses the length of its steps, the others' are of one length. */
  solver: {
    group: "Trajectory",
    full: "dopri5",
    about: "ode: dopri5 chooses its steps, the others' are of one length",
    choices: ["dopri5", "rk4", "midpoint", "euler"],
  },
  /** Of dopri5: a step's error is kept below `atol + rtol |p|`. */
  rtol: { group: "Trajectory", full: 1e-2, about: "dopri5: relative error of a step", above: 0 },
  /** Of dopri5, see `rtol`; NDC. */
  atol: {
    group: "Trajectory",
    full: 1e-3,
    about: "dopri5: absolute error of a step",
    unit: "NDC",
    above: 0,
  },
  /** Of dopri5: attempts at steps that a trajectory may take. */
  maxSteps: {
    group: "Trajectory",
    full: 4,
    about:
      "dopri5: attempts at steps that a trajectory may take; each costs a little even if not made",
    unit: "steps",
    whole: true,
    min: 1,
  },
  /** Of the other solvers: a step's length, frames. */
  stepSize: {
    group: "Trajectory",
    full: 1,
    about: "other solvers: length of a step; 1 is the way to the neighbouring frame",
    unit: "frames",
    above: 0,
    max: 1,
  },
  /** Gradients by backpropagation through the steps, or by solving the adjoint equation: slower, in less memory. */
  gradient: {
    group: "Trajectory",
    full: "backprop",
    about: "ode: gradients through the steps, or by the adjoint equation: slower, less memory",
    choices: ["backprop", "adjoint"],
  },
} as const satisfies Fields;

/** All fields. */
export const recipeFields = {
  /** Frames are shrunk by this before training. */
  factor: {
    group: "Frames",
    full: 2,
    about: "how many times smaller than on disk frames are trained",
    min: 1,
  },
  /** Width that frames are shrunk to instead, pixels; 0: by `factor`. */
  frameWidth: {
    group: "Frames",
    full: 0,
    small: 96, // 96×54: what minutes can learn
    about: "width that frames are shrunk to instead; 0: by the factor",
    unit: "pixels",
    whole: true,
    min: 0,
  },
  /** Seed of initial values and of every random number of the run. */
  seed: {
    group: "Run",
    full: 0,
    about: "of initial values and of every random number",
    whole: true,
    min: 0,
    max: 0xffff_ffff,
  },
  /** Widths of the network. */
  model: modelFields,
  /** Width that frames are resized to for the video encoder, pixels. The official code squeezes them to 270 × 480. */
  encoderWidth: {
    group: "Encoders",
    full: 270,
    small: 192,
    about: "width that frames are resized to for the video encoder",
    unit: "pixels",
    whole: true,
    min: 16,
  },
  /** Height of the same. */
  encoderHeight: {
    group: "Encoders",
    full: 480,
    small: 108,
    about: "height of the same",
    unit: "pixels",
    whole: true,
    min: 16,
  },
  /** How many times larger than they are the image encoder sees the frames; its maps are a quarter of what it sees. */
  imageEncoderScale: {
    group: "Encoders",
    full: 1,
    small: 4, // features as fine as the pixels: what frames of 96×54 show is not finer than their features else
    about:
      "how many times larger the image encoder sees the frames; its maps are a quarter of that",
    whole: true,
    min: 1,
    max: 8,
  },
  /**
   * Where the static field's features come from: one `frame` (a random one in training, that of the time in rendering), or those
   * frames whose cameras are nearest to the view and that have `seen` the point. An encoder that trains is read at one frame.
   */
  staticFeatures: {
    group: "Encoders",
    full: "frame",
    small: "seen", // a frame's camera may stand far from the view and see a border or a mover where the point is
    about: "the static field's from one frame, or from the nearest cameras' that saw the point",
    choices: ["frame", "seen"],
  },
  /** Batch norm with the statistics of the batch (as in all the official experiments) or the stored ones. */
  encoderStatistics: {
    group: "Encoders",
    full: "batch",
    about: "batch norm with those of the batch or the stored ones",
    choices: ["batch", "running"],
  },
  /** Centre and scale the channels of the encoders' features: for encoders that are seeded, not pretrained. */
  standardizeFeatures: {
    group: "Encoders",
    full: false,
    small: true, // seeded encoders saturate the scene flow otherwise
    about: "centre and scale features: for encoders that are seeded, not pretrained",
  },
  /** What the first layer of the dynamic field has of PyTorch's initial weights for positions: half as much each octave, 1 at least. */
  positionGain: {
    group: "Initial values",
    full: 1,
    small: 40, // γ/‖γ‖ through the trunk's first layers is a hundredth of the features: hundreds of steps stay blind to depth
    about:
      "of the dynamic field's first layer, for coordinates and longest waves; half as much each octave, 1 at least",
    unit: "times PyTorch's",
    above: 0,
    before: 1,
  },
  /** What the head of the scene flow has of its initial values: below 1 points start nearly at rest. */
  flowGain: {
    group: "Initial values",
    full: 1,
    small: 0.05, // and would move points wildly with that gain
    about: "of the scene flow's head",
    unit: "times PyTorch's",
    above: 0,
    before: 1,
  },
  /** Train the encoders too: `encoder2d` in the static stage, `encoder` in the dynamic one. All released recipes freeze them. */
  trainEncoders: {
    group: "Encoders",
    full: false,
    about: "train them with the fields, end to end: steps cost several times as much",
    before: false,
  },
  /** Rays of a step, shared equally by the scenes. */
  rays: {
    group: "Rays",
    full: 1024,
    small: 96, // many small steps learn more in minutes than few large ones
    about: "of a step, shared by the scenes",
    unit: "rays",
    whole: true,
    min: 2,
  },
  /** Samples of a ray. */
  samples: {
    group: "Rays",
    full: 64,
    small: 24,
    about: "of a ray",
    unit: "samples",
    whole: true,
    min: 2,
  },
  /** Standard deviation of the noise added to densities in training. */
  densityNoise: {
    group: "Rays",
    full: 1,
    about: "standard deviation of the noise on densities",
    min: 0,
  },
  /** How a point's places in the neighbouring frames are found; each kind has fields of its own. */
  trajectory: {
    group: "Trajectory",
    full: "discrete",
    about: "how points move to the neighbouring frames: Euler steps, or a differential equation",
    choices: ["discrete", "ode"],
  },
  /** Steps of the static stage, which trains the static field. */
  staticSteps: {
    group: "Steps",
    full: 150_001,
    small: 1000,
    about: "length of the static stage, which trains the static field",
    unit: "steps",
    whole: true,
    min: 0,
  },
  /** Steps of the dynamic stage, which trains the dynamic field. */
  dynamicSteps: {
    group: "Steps",
    full: 150_001,
    small: 400,
    about: "length of the dynamic stage, which trains the dynamic field",
    unit: "steps",
    whole: true,
    min: 0,
  },
  /** Adam's first learning rate. */
  learningRate: {
    group: "Optimizer",
    full: 5e-4,
    small: 2e-3, // falls to a fifth in the dynamic stage's 400 steps
    about: "of Adam, at the start of a stage",
    above: 0,
  },
  /** Steps in which the learning rate falls to `learningRateDecay` of itself. */
  learningRateDecaySteps: {
    group: "Optimizer",
    full: 300_000,
    small: 600,
    about: "in which the learning rate falls to the share below",
    unit: "steps",
    above: 0,
  },
  /** See `learningRateDecaySteps`. */
  learningRateDecay: { group: "Optimizer", full: 0.1, about: "the share", above: 0, max: 1 },
  /** Largest norm of the dynamic stage's gradient: one that is longer is scaled down to it. */
  clipNorm: {
    group: "Optimizer",
    full: 10,
    about: "largest norm of the dynamic stage's gradient",
    above: 0,
  },
  /** A dynamic step whose gradient is longer is left out; 0: none is. */
  skipNorm: {
    group: "Optimizer",
    full: 0,
    small: 100, // steps have 1 to 15; one point thrown far away would undo what many have learned
    about: "dynamic steps whose gradient is longer are left out; 0: none is",
    min: 0,
    before: 0,
  },
  /** Weights of loss terms that differ from those of the table of terms. */
  lossWeights: {
    full: {},
    small: {
      depthBlending: 0.2, // less, as long as the geometry settles: PyTorch runs of this size lost the blending field at 1
      mask: 1, // so that the blending field separates before the geometry has settled
      depthAnchor: 0.1, // else everything stands at the near plane: a billboard for each camera costs nothing
    },
  },
  /** Weight of the depth anchor in the static stage, beside a color loss of weight 1; in the dynamic one it is a loss weight. */
  staticDepthAnchor: {
    group: "Losses",
    full: 0, // no part of the method
    small: 0.03,
    about:
      "weight of the depth anchor in the static stage; in the dynamic one: --depth-anchor-weight",
    min: 0,
    before: 0,
  },
  /** Half the width of the band around the measured depth (the absolute one with an anchor) where the dynamic field may show, NDC. */
  depthBlendingThickness: {
    group: "Losses",
    full: 0.03,
    small: 0.0834, // two sample spacings: a narrower band holds no sample
    about: "half the band around the measured depth where the dynamic field may show",
    unit: "NDC",
    above: 0,
  },
  /** Dynamic steps before the depth blending loss is switched on. */
  depthBlendingStart: {
    group: "Losses",
    full: 0,
    about: "dynamic steps before the depth blending loss",
    unit: "steps",
    whole: true,
    min: 0,
  },
  /** Dynamic steps in which it then rises to its weight. */
  depthBlendingRamp: {
    group: "Losses",
    full: 0,
    about: "dynamic steps in which it then rises to its weight",
    unit: "steps",
    whole: true,
    min: 0,
  },
  /** Largest depth at which the smoothness losses place points, NDC: what lies beyond is flat for them. At most 0.999. */
  smoothnessFar: {
    group: "Losses",
    full: 0.999,
    small: 0.9, // at 0.999 a point is 2000 near planes away and dz/dz_ndc 2e6: its gradient alone is longer than a step's
    about:
      "largest depth at which the smoothness losses place points: what lies beyond is flat to them",
    unit: "NDC",
    above: -1,
    max: 0.999,
    before: 0.999,
  },
  /** The dynamic field sees only the first so many frames; 0: all. */
  dynamicFrames: {
    group: "Frames",
    full: 0,
    about: "the dynamic field sees only the first so many; 0: all",
    unit: "frames",
    whole: true,
    min: 0,
  },
  /** Free activations that the backward pass can make again: less memory, some 10 % more arithmetic. */
  recompute: {
    group: "Rays",
    full: true, // 1024 rays of 64 samples do not fit into 8 GB otherwise
    small: false,
    about: "make activations again for the backward pass: less memory",
  },
  /** Held-out views of each scene that are rendered for the scores; 0: all. */
  evaluationViews: {
    group: "Evaluation",
    full: 0,
    small: 8,
    about: "held-out views of each scene that are scored; 0: all",
    unit: "views",
    whole: true,
    min: 0,
  },
} as const satisfies Fields & { readonly lossWeights: ByPreset<Partial<LossWeights>> };
