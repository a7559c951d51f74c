/**
 * Preparation: what a scene needs besides its frames. Optical flow by RAFT, depth by MiDaS, masks of what moves, poses in the
 * dataset's format, straightened lenses.
 *
 * Finds where the pixels of one frame are in the next, by RAFT, and how near they are, by MiDaS:
 *
 * ```ts
 * import { openGpu } from "../../mod.ts";
 * import { decodeImage } from "../data/mod.ts";
 * import { loadWeightsFile, midasWeights, raftWeights } from "../data/weights/mod.ts";
 * import { Midas, Raft } from "./mod.ts";
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
 *   loadColmapModel,
 * } from "../data/mod.ts";
 * import {
 *   flowValidity,
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
 * @module
 */
export { alignCameras, type CameraAlignment, cameraCentre } from "./align_cameras.ts";
export { flowValidity } from "./flow_validity.ts";
export { type DepthOptions, Midas, type MidasOptions, midasSize } from "./midas/midas.ts";
export type { NamedValues } from "./midas/midas_network.ts";
export {
  baselineWarning,
  epipolarDistance,
  type FrameMotion,
  type MotionMask,
  motionMask,
  type MotionMaskOptions,
  type NeighbourFlow,
} from "./motion_mask.ts";
export { posesBounds, posesBoundsOf, posesOf } from "./poses_bounds.ts";
export { preparationPreview, previewFrames, type PreviewRow } from "./preview.ts";
export { type FlowOptions, leastRaftPixels, Raft, type RaftFrame } from "./raft/raft.ts";
export { largestShiftPixels, straightCamera, undistortImage, undistortMask } from "./undistort.ts";
export { distortMask, type StraightFlowOptions, undistortFlow } from "./undistort_flow.ts";
