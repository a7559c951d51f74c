/**
 * The shared WGSL of sums.
 *
 * @module
 */
import sumLanes from "../../wgsl/common/sum_lanes.wgsl" with { type: "text" };
import sumRows from "../../wgsl/common/sum_rows.wgsl" with { type: "text" };

/** Sums over a workgroup. */
export const sumLanesSnippet: [string, string] = ["wgsl/common/sum_lanes.wgsl", sumLanes];

/** Sums over the workgroups of a dispatch; goes with {@link sumLanesSnippet}. */
export const sumRowsSnippet: [string, string] = ["wgsl/common/sum_rows.wgsl", sumRows];
