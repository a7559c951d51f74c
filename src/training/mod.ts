/**
 * Training: models, their encoded scenes, and the run that trains them.
 *
 * Trains one, until an `AbortSignal` says stop:
 *
 * ```ts
 * import { openGpu } from "../../mod.ts";
 * import { encodeCheckpoint, loadScene } from "../data/mod.ts";
 * import { own } from "../recipes/mod.ts";
 * import { Trainer } from "./mod.ts";
 *
 * const recipe = { ...own("small", ["Balloon1"]), dynamicSteps: 1000 };
 * const trainer = await Trainer.create(await openGpu(), recipe, [await loadScene("data/Balloon1", recipe)]);
 * await trainer.run({
 *   signal: AbortSignal.timeout(60_000),
 *   onReport: ({ stage, step, psnr }) => console.log(stage, step, psnr),
 * });
 * const checkpoint = encodeCheckpoint({ recipe, ...await trainer.state() });
 * await Deno.writeFile("checkpoint.safetensors", checkpoint);
 * ```
 *
 * @module
 */
export {
  createMonoNerf,
  destroyMonoNerf,
  type MonoNerf,
  type MonoNerfOptions,
  readParameters,
  writeParameters,
} from "../nets/mono_nerf.ts";
export type { PieceOptions, PieceProgress } from "../nets/pieces.ts";
export { destroyEncodedScenes, type EncodedScenes } from "../nets/encoded_scenes.ts";
export {
  encodeScenes,
  type EncodeScenesOptions,
  type EncodingRecipe,
  type EncodingReport,
} from "./encode_scenes.ts";
export { loadModel } from "./load_model.ts";
export { type PretrainedRecipe, withEncoders, withModel } from "./pretrained.ts";
export type { StageName } from "./stages.ts";
export {
  type RunOptions,
  type StepReport,
  type StoredTensor,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  TrainingError,
} from "./trainer.ts";
