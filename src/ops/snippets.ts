/**
 * WGSL that several kernels share, as `[path, text]` to be joined to them by `defineKernel`.
 *
 * @module
 */
import camera from "../../wgsl/common/camera.wgsl" with { type: "text" };
import ndc from "../../wgsl/common/ndc.wgsl" with { type: "text" };
import random from "../../wgsl/common/random.wgsl" with { type: "text" };
import rayMaps from "../../wgsl/common/ray_maps.wgsl" with { type: "text" };
import raySamples from "../../wgsl/common/ray_samples.wgsl" with { type: "text" };
import sincos from "../../wgsl/common/sincos.wgsl" with { type: "text" };
import sumLanes from "../../wgsl/common/sum_lanes.wgsl" with { type: "text" };
import sumRows from "../../wgsl/common/sum_rows.wgsl" with { type: "text" };

/** `struct Camera` and the slots before, current, after. */
export const cameraSnippet: [string, string] = ["wgsl/common/camera.wgsl", camera];

/** NDC to world and to pixels, with gradients; needs {@link cameraSnippet}. */
export const ndcSnippet: [string, string] = ["wgsl/common/ndc.wgsl", ndc];

/** Random numbers by (seed, step, stream, index). */
export const randomSnippet: [string, string] = ["wgsl/common/random.wgsl", random];

/** Channels of the packed ray maps. */
export const rayMapsSnippet: [string, string] = ["wgsl/common/ray_maps.wgsl", rayMaps];

/** Samples of rays in point blocks, their opacity and color. */
export const raySamplesSnippet: [string, string] = ["wgsl/common/ray_samples.wgsl", raySamples];

/** Sine and cosine that hold for large arguments. */
export const sincosSnippet: [string, string] = ["wgsl/common/sincos.wgsl", sincos];

/** Sums over a workgroup in a fixed order; wants `lanes` and `columns`. */
export const sumLanesSnippet: [string, string] = ["wgsl/common/sum_lanes.wgsl", sumLanes];

/** Sums over the workgroups of a dispatch; goes with {@link sumLanesSnippet}. */
export const sumRowsSnippet: [string, string] = ["wgsl/common/sum_rows.wgsl", sumRows];
