/**
 * Evaluation: rendered views beside true ones, by PSNR, SSIM and LPIPS.
 *
 * ```ts
 * import { loadMultiviewImage, type Scene } from "../data/mod.ts";
 * import type { ImageRenderer } from "../viewing/mod.ts";
 * import { evaluate } from "./mod.ts";
 *
 * async function score(renderer: ImageRenderer, scene: Scene) {
 *   const { evaluation } = await evaluate(renderer, [scene], {
 *     views: 8,
 *     truth: (scene, { time, camera }) => loadMultiviewImage(scene, time, camera),
 *   });
 *   return evaluation;
 * }
 * ```
 *
 * @module
 */
export type { View } from "./baselines.ts";
export {
  evaluate,
  type EvaluatedView,
  type EvaluateOptions,
  type EvaluationResult,
  layerPictures,
  type PictureDistance,
  type ViewRenderer,
} from "./evaluate.ts";
export { Lpips, type LpipsScore, type Picture } from "./lpips.ts";
export {
  type Protocol,
  type ProtocolName,
  protocols,
  type ScoredViews,
  scoredViews,
  type ScoredViewsOptions,
} from "./protocols.ts";
export { psnr } from "./psnr.ts";
export type {
  BaselineScores,
  Evaluation,
  EvaluationFacts,
  ImageScores,
  Scores,
  ViewScores,
} from "./report.ts";
export { ssim } from "./ssim.ts";
