/**
 * The max-pool of ResNets.
 *
 * @module
 */
import text from "../../wgsl/ops/max_pool.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Dispatch, Plan } from "../runtime/plan.ts";
import { blocksOf } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps, mapsLike } from "./frame_maps.ts";

const kernel = defineKernel("wgsl/ops/max_pool.wgsl", text);

/**
 * Records the largest of the 3×3 pixels around every second one; what lies outside the frame takes no part.
 *
 * The gradient goes to the first of the largest in row-major order, as PyTorch's does.
 *
 * @returns maps on a grid of ⌈height/2⌉ × ⌈width/2⌉
 */
export function maxPool(plan: Plan, label: string, x: FrameMaps): FrameMaps {
  expectFrameMaps("maxPool", plan.path(label), "x", x);
  const height = Math.ceil(x.height / 2), width = Math.ceil(x.width / 2);
  const frames = x.frames.flat();
  const y = mapsLike(plan, label, x, { height, width }, frames);
  const outputs = y.frames.flat();
  const dims = {
    channels: x.channels,
    in_height: x.height,
    in_width: x.width,
    out_height: height,
    out_width: width,
    accumulate: 0,
  };
  const record = (entry: string, bindings: Dispatch["bindings"]) =>
    plan.dispatch({
      label: `${label}.${entry}`,
      kernel,
      entry,
      bindings: { dims, ...bindings },
      workgroups: [blocksOf(height * width), x.channels],
    });

  frames.forEach((frame, f) => record("forward", { x: frame, y: outputs[f] }));

  plan.backward(outputs, (gradients) =>
    frames.forEach((frame, f) => {
      const sink = plan.gradientSink(frame);
      if (!sink) return;
      const { gradient: dX, accumulate } = sink;
      const taps = plan.activation(`${label}.taps`, outputs[f].shape, "blocks");
      record("find_taps", { x: frame, taps });
      record("backward_input", {
        kept_taps: taps,
        d_y: gradients[f],
        d_x: dX,
        dims: { ...dims, accumulate },
      });
    }));

  return y;
}
