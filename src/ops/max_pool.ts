/**
 * The max-pools of ResNets and AlexNet.
 *
 * @module
 */
import text from "../../wgsl/ops/max_pool.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps, mapsLike } from "./frame_maps.ts";

const kernel = defineKernel("wgsl/ops/max_pool.wgsl", text);

/** Options of {@link maxPool}. */
export interface MaxPoolOptions {
  /** Rows and columns around a frame, which take no part: 1 in ResNets, 0 in AlexNet. Default 1. */
  readonly padding?: 0 | 1;
}

/**
 * Records the largest pixel of 3×3 windows at every second pixel, `y[p] = max x[2p + tap − padding]`; what lies outside the
 * frame takes no part.
 *
 * The gradient goes to the first of the largest in row-major order, as PyTorch's does.
 *
 * @returns maps on a grid of `⌊(length + 2·padding − 3)/2⌋ + 1` both ways
 * @throws where no window fits into a frame
 */
export function maxPool(
  plan: Plan,
  label: string,
  x: FrameMaps,
  { padding = 1 }: MaxPoolOptions = {},
): FrameMaps {
  const op = new Operation(plan, "maxPool", label, kernel);
  expectFrameMaps(op, { x });
  const [height, width] = [x.height, x.width].map((length) =>
    Math.floor((length + 2 * padding - 3) / 2) + 1
  );
  if (height < 1 || width < 1) {
    throw op.error(`x is ${x.height} x ${x.width}, wanted at least 3 x 3`);
  }
  const frames = x.frames.flat();
  const y = mapsLike(op, x, { height, width }, frames);
  const outputs = y.frames.flat();
  const [quad_rows, quad_columns] = [x.height, x.width].map((length) =>
    Math.ceil((length + 1 - padding) / 2)
  );
  const dims = {
    channels: x.channels,
    in_height: x.height,
    in_width: x.width,
    out_height: height,
    out_width: width,
    padding,
    quad_columns,
  };
  const workgroups = [blocksOf(height * width), x.channels] as const;

  frames.forEach((frame, f) => op.run("forward", { dims, x: frame, y: outputs[f] }, workgroups));

  op.backward(outputs, (gradients) =>
    frames.forEach((frame, f) => {
      if (!frame.requiresGradient) return;
      const d_x = op.target(frame);
      const taps = op.scratch("taps", outputs[f].shape, "blocks");
      op.run("find_taps", { dims, x: frame, taps }, workgroups);
      const bindings = { dims, kept_taps: taps, d_y: gradients[f], d_x };
      op.run("backward_input", bindings, [blocksOf(quad_rows * quad_columns), x.channels]);
    }));

  return y;
}
