/**
 * Weights of pretrained networks: PyTorch and safetensors files, told apart by content, and the official files of the encoders,
 * RAFT, MiDaS and LPIPS.
 *
 * ```ts
 * import { loadWeightsFile } from "./mod.ts";
 *
 * const { format, tensors, sha256 } = await loadWeightsFile("checkpoints/resnet18-f37072fd.pth");
 * console.log(format, sha256, tensors.get("conv1.weight")?.shape);
 * ```
 *
 * @module
 */
export {
  type EncoderFile,
  type EncoderKind,
  type OfficialWeights,
  officialWeights,
} from "./encoder_weights.ts";
export { type LpipsFile, lpipsFiles, lpipsWeights } from "./lpips_weights.ts";
export { midasFile, midasWeights } from "./midas_weights.ts";
export type { NamedTensors } from "./named_tensors.ts";
export type { PthValue } from "./pth.ts";
export { type RaftFile, raftFile, raftWeights } from "./raft_weights.ts";
export { loadWeightsFile, type NamedWeights, type WeightsFile } from "./weights_file.ts";
