/**
 * Data on the CPU: scenes and their cameras, pictures and tables in their file formats, poses, depth and flow that others found,
 * checkpoints, and the cache of features.
 *
 * ```ts
 * import { encodePng, loadMultiviewImage, loadScene } from "./mod.ts";
 *
 * const scene = await loadScene("data/Balloon1", { factor: 2 });
 * console.log(scene.frames, scene.width, scene.height, scene.cameras[0].focalPixels);
 * const heldOut = await loadMultiviewImage(scene, 3, 7); // time 3, camera 7
 * await Deno.writeFile("held_out.png", encodePng(heldOut));
 * ```
 *
 * Files are touched by what is called `load…` and by {@linkcode FeatureFolder}; what decodes and encodes takes and makes bytes.
 *
 * @module
 */
export { DataError } from "./files.ts";
export { encodeGif, GIF_MAX_FPS } from "./formats/gif.ts";
export { decodeImage } from "./formats/image.ts";
export { encodeMp4 } from "./formats/mp4.ts";
export { encodeNpy, type NpyData, type NpyDtype } from "./formats/npy.ts";
export { encodePng } from "./formats/png.ts";
export type {
  SafetensorsData,
  SafetensorsDtype,
  SafetensorsTensor,
} from "./formats/safetensors.ts";
export { loadColmapModel } from "./given/colmap/load.ts";
export type {
  ColmapCamera,
  ColmapCameraModel,
  ColmapImage,
  ColmapModel,
  ColmapPoint,
  RigidPose,
} from "./given/colmap/model.ts";
export { colmapPoses } from "./given/colmap/poses.ts";
export { type GivenDepthOptions, loadDepth } from "./given/given_depth.ts";
export { type GivenFlow, loadFlow } from "./given/given_flow.ts";
export { type GivenPosesOptions, loadGivenPoses } from "./given/given_poses.ts";
export type { DepthBounds, Frames, PosedFrame, PosedFrames } from "./given/posed_frames.ts";
export type { FilmedFrames } from "./frame_matching.ts";
export type { GivenPixels } from "./given/turning.ts";
export type { Orientation } from "./formats/exif.ts";
export { type CameraPose, loadPoses, parsePoses } from "./given/poses_file.ts";
export { resizeFlow, resizeNearest } from "./resize.ts";
export {
  type Checkpoint,
  type CheckpointStage,
  checkpointStages,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  type NamedTensor,
} from "./run/checkpoint.ts";
export {
  type FeatureCache,
  FeatureFolder,
  type FeatureFolderOptions,
  type FeatureTensor,
} from "./run/feature_cache.ts";
export { averagePose, type Camera, type PinholeCamera } from "./scene/camera.ts";
export type { FrameOptions, Size } from "./scene/frames.ts";
export { ndcToWorld, pixelToWorld, worldToNdc, worldToPixel } from "./scene/ndc.ts";
export {
  describeMultiview,
  loadMultiviewImage,
  loadScene,
  type MultiviewFile,
  type Scene,
} from "./scene/scene.ts";
export { encodeFlow, encodeMask } from "./scene/scene_files.ts";
export type { Affine, Vector3 } from "./vectors.ts";
