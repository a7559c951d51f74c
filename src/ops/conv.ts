/**
 * Convolutions over the frames of videos: k×k in a frame, 3×1×1 across frames, strided.
 *
 * @module
 */
import text from "../../wgsl/ops/conv.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, expectFrozen, type FrameMaps, mapsLike } from "./frame_maps.ts";
import { type LinearVariant, linearVariant } from "./linear.ts";

const kernel = defineKernel("wgsl/ops/conv.wgsl", text);

/** What {@link conv} may be told. */
export interface ConvOptions {
  /** Pixels between outputs, both ways; frames are never skipped. Default 1. */
  readonly stride?: number;
  /** Which kernel: by default registers on software drivers, shared tiles on GPUs. */
  readonly variant?: LinearVariant;
}

/**
 * Records `y[o, f, p] = Σ weight[o, c, i, tap]·x[c, f + i − ⌊frames/2⌋, stride·p + tap − ⌊kernel/2⌋]`, zero outside the
 * frame and the scene.
 *
 * @param weight `(outputs, channels, kernel, kernel)` or `(outputs, channels, frames, kernel, kernel)` rows, odd lengths
 * @returns `outputs` channels on a grid of ⌈height/stride⌉ × ⌈width/stride⌉
 */
export function conv(
  plan: Plan,
  label: string,
  x: FrameMaps,
  weight: Tensor,
  options: ConvOptions = {},
): FrameMaps {
  const { stride = 1, variant = linearVariant(plan.gpu) } = options;
  const [outputs, channels, kernelFrames, rows, columns] = weight.shape.length === 4
    ? [weight.shape[0], weight.shape[1], 1, weight.shape[2], weight.shape[3]]
    : weight.shape;
  expectFrameMaps("conv", plan.path(label), "x", x);
  if (channels !== x.channels || rows !== columns || rows % 2 === 0 || kernelFrames % 2 === 0) {
    throw new Error(
      `Cannot record conv "${plan.path(label)}": weight is (${weight.shape.join(", ")}), wanted ` +
        `(outputs, ${x.channels}, frames, kernel, kernel) with odd frames and kernel`,
    );
  }
  expectFrozen(plan.path(label), [...x.frames.flat(), weight]);
  const height = Math.ceil(x.height / stride), width = Math.ceil(x.width / stride);
  const y = mapsLike(plan, label, x, { height, width, channels: outputs });
  const panels = Array.from(
    { length: kernelFrames },
    (_, i) => packFrame(plan, label, weight, { outputs, channels, kernelFrames, kernel: rows }, i),
  );
  const dims = {
    in_channels: channels,
    in_height: x.height,
    in_width: x.width,
    out_channels: outputs,
    out_height: height,
    out_width: width,
    kernel: rows,
    stride,
  };
  const aligned = rows === 1 && stride === 1 && variant === "registers" ? 1 : 0;
  x.frames.forEach((scene, s) =>
    scene.forEach((_, f) => {
      let accumulate = 0;
      panels.forEach((panel, i) => {
        const source = scene[f + i - (kernelFrames - 1) / 2];
        if (!source) return;
        plan.dispatch({
          label: `${label}.forward`,
          kernel,
          entry: `forward_${variant}`,
          constants: { accumulate, aligned },
          bindings: { dims, x: source, x_quads: source, panels: panel, y: y.frames[s][f] },
          workgroups: [
            blocksOf(height * width),
            Math.ceil(outputs / (variant === "tiled" ? 64 : 32)),
          ],
          flops: 2 * height * width * outputs * channels * rows * rows,
        });
        accumulate = 1;
      });
    })
  );
  return y;
}

interface WeightShape {
  readonly outputs: number;
  readonly channels: number;
  readonly kernelFrames: number;
  readonly kernel: number;
}

/** One frame of the weight as the products read it: panels of 32 outputs, once a plan. */
function packFrame(
  plan: Plan,
  label: string,
  weight: Tensor,
  shape: WeightShape,
  frame: number,
): Tensor {
  return plan.once(weight, `pack conv ${frame}`, () => {
    const { outputs, channels, kernelFrames, kernel: length } = shape;
    const taps = length * length;
    const size = Math.ceil(outputs / 32) * 32 * Math.ceil(channels / 2) * 2 * taps;
    const packed = plan.activation(`${label}.packed.${frame}`, [size]);
    plan.dispatch({
      label: `${label}.pack`,
      kernel,
      entry: "pack",
      bindings: {
        weight,
        packed,
        packing: {
          in_channels: channels,
          out_channels: outputs,
          taps,
          kernel_frames: kernelFrames,
          frame,
        },
      },
      workgroups: linearWorkgroups(size),
    });
    return packed;
  });
}
