/**
 * Features of mean 0 and deviation 1, in place: what untrained encoders need before a field can learn from them.
 *
 * @module
 */
import text from "../../wgsl/ops/standardize.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectFrozen } from "./frame_maps.ts";
import { channelMoments } from "./moments.ts";
import { expectShape } from "./shapes.ts";

const kernel = defineKernel("wgsl/ops/standardize.wgsl", text);
const epsilon = 1e-5; // a dead channel stays 0

/**
 * Records `y ← (y − mean)/√(variance + 10⁻⁵)` for each channel over all pixels of all maps, in place.
 *
 * @param maps `(height, width, channels)` rows each
 */
export function standardizeMaps(plan: Plan, label: string, maps: readonly Tensor[]): void {
  expectFrozen(plan.path(label), maps);
  const moments = channelMoments(plan, `${label}.moments`, maps);
  const [channels] = moments.shape;
  for (const y of maps) {
    plan.dispatch({
      label: `${label}.maps`,
      kernel,
      entry: "maps",
      bindings: { dims: { size: y.size, channels, epsilon, scale: 1 }, moments, y },
      workgroups: linearWorkgroups(y.size),
    });
  }
}

/**
 * Records `code ← scale·(code − mean)/√(variance + 10⁻⁵)` over the channels of each scene's code, in place.
 *
 * @param code `(scenes, 1, channels)` in blocks
 */
export function standardizeCode(plan: Plan, label: string, code: Tensor, scale: number): void {
  const [scenes, , channels] = expectShape(
    "standardizeCode",
    plan.path(label),
    { code },
    "blocks",
    [
      "scenes",
      1,
      "channels",
    ],
  );
  expectFrozen(plan.path(label), [code]);
  plan.dispatch({
    label: `${label}.codes`,
    kernel,
    entry: "codes",
    bindings: { dims: { size: scenes, channels, epsilon, scale }, code },
    workgroups: [scenes],
  });
}
