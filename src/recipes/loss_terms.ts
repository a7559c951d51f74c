/**
 * The terms of the dynamic stage's loss: one table that weights, logs, recipes and messages share.
 *
 * Plain values: nothing here knows a GPU. C* is the true color, `mean` goes over all elements, `mean_M(x)` is
 * `Σ x·M / (ΣM + 1e-8) / channels`; ⁻ and ⁺ stand for the frame before and after.
 *
 * @module
 */

/** One term. */
export interface LossTerm {
  /** `smoothTime`; its weight is given by `--smooth-time-weight`. */
  readonly name: string;
  /** The file of `src/losses` that computes it. */
  readonly family: string;
  /** Weight of the two-scene recipe. */
  readonly weight: number;
  /** Its formula. */
  readonly meaning: string;
}

/** Every term: grouped by family, families and terms in the order of their numbers on the GPU. */
export const lossTerms = [
  { name: "fullColor", family: "color", weight: 3, meaning: "mean (C_full − C*)²" },
  { name: "dynamicColor", family: "color", weight: 1, meaning: "mean (C_d − C*)²" },
  {
    name: "warpedColorBefore",
    family: "color",
    weight: 1,
    meaning: "mean (C_d⁻ − C*)² over the scenes whose frame has one before it",
  },
  {
    name: "warpedColorAfter",
    family: "color",
    weight: 1,
    meaning: "mean (C_d⁺ − C*)² over the scenes whose frame has one after it",
  },
  {
    name: "flowBackward",
    family: "flow",
    weight: 0.02,
    meaning: "Σ_scenes mean_valid |induced − optical flow| to the frame before, pixels",
  },
  {
    name: "flowForward",
    family: "flow",
    weight: 0.02,
    meaning: "Σ_scenes mean_valid |induced − optical flow| to the frame after, pixels",
  },
  { name: "slow", family: "motion", weight: 0.01, meaning: "mean|f_b| + mean|f_f|" },
  { name: "cycle", family: "motion", weight: 1, meaning: "mean|f_f + f_fb| + mean|f_b + f_bf|" },
  {
    name: "staticFlow",
    family: "motion",
    weight: 0.5,
    meaning: "mean f_b² + mean f_f² over the static rays",
  },
  {
    name: "smoothTime",
    family: "smoothness",
    weight: 0.1,
    meaning: "mean|(x⁺ − x) + (x⁻ − x)| in world space, first 90 % of a ray's samples",
  },
  {
    name: "smoothSpace",
    family: "smoothness",
    weight: 0.1,
    meaning: "mean|Δ(x − x⁺)| + mean|Δ(x − x⁻)| from sample to sample in world space, first 95 %",
  },
  {
    name: "smoothNeighbors",
    family: "smoothness",
    weight: 0.1,
    meaning: "smoothTime at p⁻, with p and p⁻⁻, and at p⁺, with p⁺⁺ and p",
  },
  {
    name: "mask",
    family: "mask",
    weight: 0.1,
    meaning: "mean b over the static rays + mean|dynamicness − moving|",
  },
  {
    name: "maskWarped",
    family: "mask",
    weight: 0.1,
    meaning: "mean b⁻ + mean b⁺ over the static rays",
  },
  {
    name: "sparsity",
    family: "mask",
    weight: 0.001,
    meaning: "entropy of w_d and of b a ray: −Σ x·log(x + 1e-19) / (scenes · rays)",
  },
  {
    name: "depth",
    family: "depth",
    weight: 0.04,
    meaning:
      "mean (norm(depth_d) − norm(−inverse depth))², norm(x) = (x − median)/mean|x − median|",
  },
  {
    name: "depthBlending",
    family: "depth",
    weight: 1,
    meaning: "mean_moving (ẑ − z·b)², ẑ = z within `thickness` of the measured depth, else 0",
  },
  {
    name: "order",
    family: "depth",
    weight: 0.1,
    meaning: "mean over the static rays of (depth_d − stop(depth_s))²",
  },
  {
    name: "depthAnchor",
    family: "anchor",
    weight: 0, // no part of the method: for presets whose short runs do not settle the depth
    meaning:
      "mean −log Σ w·exp(−|z − D|/spacing of samples), D measured and absolute; over moving rays",
  },
] as const satisfies readonly LossTerm[];

/** A term's name. */
export type LossTermName = typeof lossTerms[number]["name"];

/** The names of all terms, in order. */
export const lossTermNames: readonly LossTermName[] = lossTerms.map(({ name }) => name);

/** A file of terms. */
export type LossFamily = typeof lossTerms[number]["family"];

/** The families in the order of their terms. */
export const lossFamilies: readonly LossFamily[] = [
  ...new Set(lossTerms.map(({ family }) => family)),
];

/** A weight for every term. */
export type LossWeights = Readonly<Record<LossTermName, number>>;

/** The weights of the two-scene recipe. */
export const defaultLossWeights: LossWeights = Object.fromEntries(
  lossTerms.map(({ name, weight }) => [name, weight]),
) as unknown as LossWeights;

/** What is logged beside the terms and never differentiated. */
export const measures = [
  { name: "dynamicnessMoving", meaning: "mean dynamicness of the rays that see something moving" },
  { name: "dynamicnessStatic", meaning: "mean dynamicness of the other rays" },
] as const;

/** The names of a family's terms, in order. */
export function termsOf(family: LossFamily): LossTermName[] {
  return lossTerms.filter((term) => term.family === family).map(({ name }) => name);
}
