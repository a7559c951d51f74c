/**
 * Evaluation: rendered views beside true ones, by PSNR, SSIM and LPIPS.
 *
 * Scores one view by itself; `evaluate` scores those of a protocol, beside pictures that need no model:
 *
 * ```ts
 * import { loadMultiviewImage, type Scene } from "../data/mod.ts";
 * import { to8bit } from "../pictures/mod.ts";
 * import type { ImageRenderer } from "../viewing/mod.ts";
 * import { psnr, ssim } from "./mod.ts";
 *
 * async function scores(renderer: ImageRenderer, scene: Scene, time: number, camera: number) {
 *   const { color } = await renderer.render(0, scene.cameras[camera], time);
 *   const found = to8bit(color).data;
 *   const { data: wanted } = await loadMultiviewImage(scene, time, camera);
 *   return { psnr: psnr(found, wanted), ssim: ssim(found, wanted, scene.width, scene.height) };
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
