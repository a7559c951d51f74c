/**
 * MonoNeRF on WebGPU: trains one radiance field for several moving scenes, each filmed by one camera, and renders them from
 * other places at other times.
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
 * Edits it: the moving part stands still, mirrored, a little to the right, while the room goes on.
 *
 * ```ts
 * import {
 *   type Camera,
 *   flipForeground,
 *   freezeForegrounds,
 *   type ImageRenderer,
 *   moveForeground,
 *   unedited,
 * } from "./mod.ts";
 *
 * async function edited(renderer: ImageRenderer, camera: Camera) {
 *   const still = freezeForegrounds(unedited(0, 1.5), 0);
 *   return await renderer.renderEdit(moveForeground(flipForeground(still), [0.2, 0, 0]), camera);
 * }
 * ```
 *
 * Follows what moves three frames back and on, and draws the paths over the view:
 *
 * ```ts
 * import {
 *   type Camera,
 *   type ImageRenderer,
 *   movingPixels,
 *   movingPoints,
 *   type PointTracker,
 *   to8bit,
 *   trackPicture,
 * } from "./mod.ts";
 *
 * async function tracked(renderer: ImageRenderer, tracker: PointTracker, camera: Camera) {
 *   const view = await renderer.render(0, camera, 5);
 *   const points = movingPoints(view, camera, movingPixels(view, 64));
 *   const tracks = await tracker.track({ scene: 0, time: 5, points, before: 3, after: 3 });
 *   return trackPicture(to8bit(view.color), tracks, { camera, time: 5, frames: 3 });
 * }
 * ```
 *
 * Trains one, until an `AbortSignal` says stop:
 *
 * ```ts
 * import { encodeCheckpoint, loadScene, openGpu, own, Trainer } from "./mod.ts";
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
 * Finds where the pixels of one frame are in the next, by RAFT, and how near they are, by MiDaS:
 *
 * ```ts
 * import { decodeImage, loadWeightsFile, openGpu } from "./mod.ts";
 * import { Midas, midasWeights, Raft, raftWeights } from "./mod.ts";
 *
 * const gpu = await openGpu();
 * const read = async (name: string) => ({ name, ...await loadWeightsFile(name) });
 * const raft = await Raft.create(gpu, raftWeights(await read("raft-things.pth")));
 * const midas = await Midas.create(gpu, midasWeights(await read("midas_v21-f6b98070.pt")));
 *
 * const load = async (path: string) => decodeImage(await Deno.readFile(path), path);
 * const [first, second] = [await load("images/000.png"), await load("images/001.png")];
 * const encoded = [await raft.encode(first), await raft.encode(second)];
 * const forward = await raft.flow(encoded[0], encoded[1]); // [height, width, 2] in pixels
 * const backward = await raft.flow(encoded[1], encoded[0]);
 * const inverseDepth = await midas.depth(first, { depthSize: 384 }); // [height, width]
 * ```
 *
 * Makes a scene of frames, their flow and their inverse depth without `deno task prepare`, with the cameras that COLMAP found:
 *
 * ```ts
 * import {
 *   colmapPoses,
 *   decodeImage,
 *   encodeFlow,
 *   encodeMask,
 *   encodeNpy,
 *   encodePng,
 *   flowValidity,
 *   loadColmapModel,
 *   type Midas,
 *   motionMask,
 *   posesBoundsOf,
 *   posesOf,
 *   type Raft,
 *   straightCamera,
 *   undistortImage,
 * } from "./mod.ts";
 *
 * async function prepareScene(names: string[], raft: Raft, midas: Midas) { // 000.png, 001.png …
 *   const posed = colmapPoses(await loadColmapModel("colmap/sparse/0"), names);
 *   const bounds = posesBoundsOf({ ...posed, camera: straightCamera(posed.camera) });
 *   const { camera, poses } = posesOf(bounds);
 *   const images = await Array.fromAsync(names, async (name) => {
 *     const filmed = await decodeImage(await Deno.readFile(`filmed/${name}`), name);
 *     return undistortImage(filmed, posed.camera);
 *   });
 *   const encoded = await Array.fromAsync(images, (image) => raft.encode(image));
 *   const pairs = images.slice(1);
 *   const forward = await Array.fromAsync(pairs, (_, i) => raft.flow(encoded[i], encoded[i + 1]));
 *   const backward = await Array.fromAsync(pairs, (_, i) => raft.flow(encoded[i + 1], encoded[i]));
 *
 *   const write = async (folder: string, name: string, bytes: Uint8Array) => {
 *     await Deno.mkdir(`data/my/${folder}`, { recursive: true });
 *     await Deno.writeFile(`data/my/${folder}/${name}`, bytes);
 *   };
 *   await write(".", "poses_bounds.npy", encodeNpy(bounds, "float64"));
 *   for (const [i, name] of names.entries()) {
 *     const number = name.replace(".png", "");
 *     await write("images", name, encodePng(images[i]));
 *     await write("disp", `${number}.npy`, encodeNpy(await midas.depth(images[i]), "float32"));
 *     const next = i + 1 < names.length ? { pose: poses[i + 1], flow: forward[i] } : undefined;
 *     const previous = i > 0 ? { pose: poses[i - 1], flow: backward[i - 1] } : undefined;
 *     if (next) {
 *       const valid = flowValidity(next.flow, backward[i]);
 *       await write("flow", `${number}_fwd.npz`, encodeFlow(next.flow, valid));
 *     }
 *     if (previous) {
 *       const valid = flowValidity(previous.flow, forward[i - 1]);
 *       await write("flow", `${number}_bwd.npz`, encodeFlow(previous.flow, valid));
 *     }
 *     const { mask } = motionMask(camera, { pose: poses[i], next, previous });
 *     await write("motion_masks", name, encodeMask(mask));
 *   }
 * }
 * ```
 *
 * Nothing here but the loading of files (`load…`), and `FeatureFolder`, needs a file system.
 *
 * @module
 */
export { type Gpu, type GpuOptions, openGpu } from "./src/runtime/device.ts";

export { averagePose, type Camera, type PinholeCamera } from "./src/data/scene/camera.ts";
export {
  type FeatureCache,
  FeatureFolder,
  type FeatureFolderOptions,
  type FeatureTensor,
} from "./src/data/run/feature_cache.ts";
export { DataError } from "./src/data/files.ts";
export type { FrameOptions, Size } from "./src/data/scene/frames.ts";
export { decodeImage } from "./src/data/formats/image.ts";
export { encodeGif, GIF_MAX_FPS } from "./src/data/formats/gif.ts";
export { encodeMp4 } from "./src/data/formats/mp4.ts";
export { encodeNpy, type NpyData, type NpyDtype } from "./src/data/formats/npy.ts";
export { encodePng } from "./src/data/formats/png.ts";
export { resizeFlow, resizeNearest } from "./src/data/resize.ts";
export { type CameraPose, loadPoses, parsePoses } from "./src/data/given/poses_file.ts";
export { encodeFlow, encodeMask } from "./src/data/scene/scene_files.ts";
export {
  describeMultiview,
  loadMultiviewImage,
  loadScene,
  type MultiviewFile,
  type Scene,
} from "./src/data/scene/scene.ts";
export { type LpipsFile, lpipsFiles, lpipsWeights } from "./src/data/weights/lpips_weights.ts";
export type { NamedTensors } from "./src/data/weights/named_tensors.ts";
export { type RaftFile, raftFile, raftWeights } from "./src/data/weights/raft_weights.ts";
export { midasFile, midasWeights } from "./src/data/weights/midas_weights.ts";
export {
  loadWeightsFile,
  type NamedWeights,
  type WeightsFile,
} from "./src/data/weights/weights_file.ts";
export type { PthValue } from "./src/data/weights/pth.ts";
export type {
  SafetensorsData,
  SafetensorsDtype,
  SafetensorsTensor,
} from "./src/data/formats/safetensors.ts";
export {
  type EncoderFile,
  type EncoderKind,
  type OfficialWeights,
  officialWeights,
} from "./src/data/weights/encoder_weights.ts";
export { loadColmapModel } from "./src/data/given/colmap/load.ts";
export type {
  ColmapCamera,
  ColmapCameraModel,
  ColmapImage,
  ColmapModel,
  ColmapPoint,
  RigidPose,
} from "./src/data/given/colmap/model.ts";
export { colmapPoses } from "./src/data/given/colmap/poses.ts";
export { type GivenPosesOptions, loadGivenPoses } from "./src/data/given/given_poses.ts";
export type { PosedFrame, PosedFrames } from "./src/data/given/posed_frames.ts";
export { type GivenDepthOptions, loadDepth } from "./src/data/given/given_depth.ts";
export { type GivenFlow, loadFlow } from "./src/data/given/given_flow.ts";
export {
  type Checkpoint,
  type CheckpointStage,
  checkpointStages,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  type NamedTensor,
} from "./src/data/run/checkpoint.ts";

export {
  balloon,
  type DiscreteTrajectory,
  full,
  type OdeSolver,
  type OdeTrajectory,
  own,
  type Preset,
  type PresetName,
  type Recipe,
  type RecipeModel,
  small,
  type Trajectory,
} from "./src/recipes/recipe.ts";

export {
  createMonoNerf,
  destroyMonoNerf,
  type MonoNerf,
  type MonoNerfOptions,
  readParameters,
  writeParameters,
} from "./src/nets/mono_nerf.ts";
export {
  type FlowOptions,
  leastRaftPixels,
  Raft,
  type RaftFrame,
} from "./src/preparation/raft/raft.ts";
export { fullSizes, type ModelSizes } from "./src/nets/sizes.ts";
export type { PieceOptions, PieceProgress } from "./src/nets/pieces.ts";

export {
  destroyEncodedScenes,
  type EncodedScenes,
  encodeScenes,
  type EncodeScenesOptions,
  type EncodingRecipe,
  type EncodingReport,
} from "./src/training/encode_scenes.ts";
export { loadModel } from "./src/training/load_model.ts";
export { type PretrainedRecipe, withEncoders, withModel } from "./src/training/pretrained.ts";
export {
  type RunOptions,
  type StepReport,
  type StoredTensor,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  TrainingError,
} from "./src/training/trainer.ts";
export type { StageName } from "./src/training/stages.ts";

export {
  ImageRenderer,
  type ImageRendererOptions,
  type RenderableScenes,
  type RenderedImage,
} from "./src/viewing/image_renderer.ts";
export {
  type BlendingRegion,
  blendRegion,
  flipForeground,
  type Foreground,
  freezeForegrounds,
  insertForeground,
  type Moment,
  moveForeground,
  placeForeground,
  type Placement,
  removeForegrounds,
  type SceneEdit,
  swapBackground,
  unedited,
} from "./src/viewing/scene_edit.ts";
export type { Vector3 } from "./src/data/vectors.ts";
export {
  dollyZoomPath,
  type PathOptions,
  translatingPath,
  zoomingPath,
} from "./src/viewing/camera_paths.ts";
export { type LayerName, layerNames, layerPicture } from "./src/viewing/layers.ts";
export {
  type PathScene,
  pathViews,
  poseViews,
  resizedCamera,
  type SceneView,
  type ViewPathName,
  type ViewPathOptions,
} from "./src/viewing/paths.ts";
export {
  PointTracker,
  type PointTracks,
  trackPoints,
  type TrackRequest,
} from "./src/viewing/point_tracker.ts";
export {
  movingPixels,
  movingPoints,
  type Pixel,
  trackPicture,
  type TrackView,
} from "./src/viewing/track_picture.ts";
export { ndcToWorld, pixelToWorld, worldToNdc, worldToPixel } from "./src/data/scene/ndc.ts";
export {
  depthPicture,
  differencePicture,
  dynamicnessPicture,
  flowPicture,
  flowRadius,
  to8bit,
} from "./src/pictures/layer_pictures.ts";

export type { View } from "./src/evaluation/baselines.ts";
export { contactSheet, type ContactSheetRow, type Heading } from "./src/pictures/contact_sheet.ts";
export {
  evaluate,
  type EvaluatedView,
  type EvaluateOptions,
  type EvaluationResult,
  layerPictures,
  type PictureDistance,
  type ViewRenderer,
} from "./src/evaluation/evaluate.ts";
export { Lpips, type LpipsScore, type Picture } from "./src/evaluation/lpips.ts";
export {
  type Protocol,
  type ProtocolName,
  protocols,
  type ScoredViews,
  scoredViews,
  type ScoredViewsOptions,
} from "./src/evaluation/protocols.ts";
export { psnr } from "./src/evaluation/psnr.ts";
export type {
  BaselineScores,
  Evaluation,
  EvaluationFacts,
  ImageScores,
  Scores,
  ViewScores,
} from "./src/evaluation/report.ts";
export { ssim } from "./src/evaluation/ssim.ts";

export {
  alignCameras,
  type CameraAlignment,
  cameraCentre,
} from "./src/preparation/align_cameras.ts";
export { flowValidity } from "./src/preparation/flow_validity.ts";
export {
  type DepthOptions,
  Midas,
  type MidasOptions,
  midasSize,
} from "./src/preparation/midas/midas.ts";
export type { NamedValues } from "./src/preparation/midas/midas_network.ts";
export {
  baselineWarning,
  epipolarDistance,
  type FrameMotion,
  type MotionMask,
  motionMask,
  type MotionMaskOptions,
  type NeighbourFlow,
} from "./src/preparation/motion_mask.ts";
export { posesBounds, posesBoundsOf, posesOf } from "./src/preparation/poses_bounds.ts";
export { disparityPicture, flowWheelPicture } from "./src/pictures/preparation_pictures.ts";
export { preparationPreview, previewFrames, type PreviewRow } from "./src/preparation/preview.ts";
export {
  largestShiftPixels,
  straightCamera,
  undistortImage,
  undistortMask,
} from "./src/preparation/undistort.ts";
export { distortMask, undistortFlow } from "./src/preparation/undistort_flow.ts";
