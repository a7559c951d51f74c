/**
 * The max-pool of ResNets.
 *
 * @module
 */
import text from "../../wgsl/ops/max_pool.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf } from "../runtime/tensor.ts";
import { expectFrameMaps, expectFrozen, type FrameMaps, mapsLike } from "./frame_maps.ts";

const kernel = defineKernel("wgsl/ops/max_pool.wgsl", text);

/**
 * Records the largest of the 3×3 pixels around every second one; what lies outside the frame takes no part.
 *
 * @returns maps on a grid of ⌈height/2⌉ × ⌈width/2⌉
 */
export function maxPool(plan: Plan, label: string, x: FrameMaps): FrameMaps {
  expectFrameMaps("maxPool", plan.path(label), "x", x);
  expectFrozen(plan.path(label), x.frames.flat());
  const height = Math.ceil(x.height / 2), width = Math.ceil(x.width / 2);
  const y = mapsLike(plan, label, x, { height, width });
  const dims = {
    channels: x.channels,
    in_height: x.height,
    in_width: x.width,
    out_height: height,
    out_width: width,
  };
  x.frames.forEach((scene, s) =>
    scene.forEach((frame, f) => {
      plan.dispatch({
        label: `${label}.forward`,
        kernel,
        entry: "forward",
        bindings: { dims, x: frame, y: y.frames[s][f] },
        workgroups: [blocksOf(height * width), x.channels],
      });
    })
  );
  return y;
}
