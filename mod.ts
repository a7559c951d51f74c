/**
 * MonoNeRF on WebGPU: trains one radiance field for several moving scenes, each filmed by one camera, and renders them from
 * other places at other times.
 *
 * Trains a scene of a folder, as `deno task train` does:
 *
 * ```ts
 * import { encodeCheckpoint, loadScene, openGpu, own, Trainer } from "./mod.ts";
 *
 * const recipe = own("small", ["Balloon1"]);
 * const scene = await loadScene("data/Balloon1", recipe);
 * const trainer = await Trainer.create(await openGpu(), recipe, [scene]);
 * await trainer.run({ onReport: ({ stage, step, psnr }) => console.log(stage, step, psnr) });
 * const checkpoint = encodeCheckpoint({ recipe, ...await trainer.state() });
 * await Deno.writeFile("checkpoint.safetensors", checkpoint);
 * ```
 *
 * Renders a trained scene from between two cameras, between two frames:
 *
 * ```ts
 * import {
 *   encodePng,
 *   encodeScenes,
 *   ImageRenderer,
 *   loadCheckpoint,
 *   loadModel,
 *   loadScene,
 *   openGpu,
 *   to8bit,
 *   translatingPath,
 * } from "./mod.ts";
 *
 * const gpu = await openGpu();
 * const checkpoint = await loadCheckpoint("runs/own-small/checkpoint.safetensors");
 * const model = loadModel(gpu, checkpoint);
 * const scene = await loadScene("data/Balloon1", checkpoint.recipe);
 * const encoded = await encodeScenes(model, [scene], checkpoint.recipe);
 * const renderer = await ImageRenderer.create(model, encoded, checkpoint.recipe);
 *
 * const [camera] = translatingPath(scene.cameras[0]);
 * const { color } = await renderer.render(0, camera, 1.5);
 * await Deno.writeFile("view.png", encodePng(to8bit(color)));
 * ```
 *
 * These are the names that most scripts need. All others are in the entry points by subject, with examples of their own:
 * `src/recipes/mod.ts`, `src/data/mod.ts`, `src/data/weights/mod.ts`, `src/data/procedural/mod.ts`,
 * `src/pictures/mod.ts`, `src/training/mod.ts`, `src/viewing/mod.ts`, `src/evaluation/mod.ts` and `src/preparation/mod.ts`.
 * All are imported from a path or from an address, without an import map. Whole scripts: `tasks/examples/`.
 *
 * @module
 */
export { type Gpu, type GpuOptions, openGpu } from "./src/runtime/device.ts";

export { balloon, own, type Recipe } from "./src/recipes/mod.ts";
export {
  type Camera,
  type Checkpoint,
  DataError,
  encodeCheckpoint,
  encodePng,
  loadCheckpoint,
  loadScene,
  type Scene,
} from "./src/data/mod.ts";
export {
  type EncodedScenes,
  encodeScenes,
  loadModel,
  type MonoNerf,
  type StepReport,
  Trainer,
  TrainingError,
} from "./src/training/mod.ts";
export {
  flipForeground,
  freezeForegrounds,
  ImageRenderer,
  insertForeground,
  moveForeground,
  movingPixels,
  movingPoints,
  pathViews,
  PointTracker,
  removeForegrounds,
  type RenderedImage,
  type SceneEdit,
  swapBackground,
  trackPicture,
  translatingPath,
  unedited,
} from "./src/viewing/mod.ts";
export { to8bit } from "./src/pictures/mod.ts";
export { evaluate, psnr, ssim } from "./src/evaluation/mod.ts";
