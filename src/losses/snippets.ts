/**
 * The shared WGSL that loss kernels are joined with.
 *
 * @module
 */
import cameraText from "../../wgsl/common/camera.wgsl" with { type: "text" };
import ndcText from "../../wgsl/common/ndc.wgsl" with { type: "text" };
import rayMapsText from "../../wgsl/common/ray_maps.wgsl" with { type: "text" };
import sumLanesText from "../../wgsl/common/sum_lanes.wgsl" with { type: "text" };
import sumRowsText from "../../wgsl/common/sum_rows.wgsl" with { type: "text" };

/** A WGSL file's path and text. */
type Snippet = [string, string];

/** `struct Camera` and its slots. */
export const camera: Snippet = ["wgsl/common/camera.wgsl", cameraText];
/** NDC to world and its gradient; goes with {@link camera}. */
export const ndc: Snippet = ["wgsl/common/ndc.wgsl", ndcText];
/** Channels of the rays' maps. */
export const rayMaps: Snippet = ["wgsl/common/ray_maps.wgsl", rayMapsText];
/** Sums over a workgroup. */
export const sumLanes: Snippet = ["wgsl/common/sum_lanes.wgsl", sumLanesText];
/** Sums over the workgroups of a dispatch; goes with {@link sumLanes}. */
export const sumRows: Snippet = ["wgsl/common/sum_rows.wgsl", sumRowsText];
