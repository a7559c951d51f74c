/**
 * Batch normalisation over all frames of all scenes, fused with the residual sum and ReLU behind it.
 *
 * @module
 */
import text from "../../wgsl/ops/batch_norm.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps, mapsLike } from "./frame_maps.ts";
import { channelMoments, pointsPerPart } from "./channel_moments.ts";

const kernel = defineKernel("wgsl/ops/batch_norm.wgsl", text);
const epsilon = 1e-5; // PyTorch's

/** The four tensors of a batch norm, `(channels)` rows each. */
export interface BatchNormParameters {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  /** Unbiased, as PyTorch keeps it. */
  readonly runningVariance: Tensor;
}

/** Which mean and variance normalise. */
export interface BatchNormStatistics {
  /** Those of the batch, over all frames of all scenes (default), or the running ones. */
  readonly statistics?: "batch" | "running" | undefined;
  /** How far the running statistics move towards the batch's; PyTorch's is 0.1. Default 0: they stay. */
  readonly momentum?: number | undefined;
}

/** Options of {@link batchNorm}. */
export interface BatchNormOptions extends BatchNormStatistics {
  /** Added behind the normalisation: maps like x. */
  readonly residual?: FrameMaps;
  /** Whether the sum goes through a ReLU. */
  readonly relu?: boolean;
  /** Whether what is normalised goes through a ReLU of its own before the sum. For inference only. */
  readonly innerRelu?: boolean;
}

/**
 * Records `y = relu((x − mean)/√(variance + 10⁻⁵)·weight + bias + residual)`, mean and variance of each channel.
 *
 * Differentiable in x, residual, weight and bias, also through the batch's mean and variance; the running ones are constants.
 * Where a segment of the plan is recorded again, they do not move again. With one frame and the batch's statistics it is an
 * instance norm.
 *
 * @returns maps like x
 * @throws where shapes do not fit, or a gradient is required with an inner ReLU
 */
export function batchNorm(
  plan: Plan,
  label: string,
  x: FrameMaps,
  parameters: BatchNormParameters,
  options: BatchNormOptions = {},
): FrameMaps {
  const { statistics = "batch", momentum = 0, residual, relu = false, innerRelu = false } = options;
  const { weight, bias, runningMean, runningVariance } = parameters;
  const op = new Operation(plan, "batchNorm", label, kernel);
  const { channels } = x;
  expectFrameMaps(op, { x });
  for (const [name, tensor] of Object.entries(parameters)) {
    op.expect({ [name]: tensor }, "rows", [channels]);
  }
  if (residual) expectFrameMaps(op, { residual: { ...x, frames: residual.frames } });
  const frames = x.frames.flat(), residuals = residual?.frames.flat();
  const y = mapsLike(op, x, {}, [...frames, ...residuals ?? [], weight, bias]);
  const outputs = y.frames.flat();
  if (innerRelu) { for (const frame of outputs) op.expectFrozen({ y: frame }); }
  const points = frames.length * x.height * x.width;
  const blocks = blocksOf(x.height * x.width);
  const dims = { blocks, channels, epsilon, momentum, points };
  const byChannel = [Math.ceil(channels / 64)] as const;
  const byMap = [channels, Math.ceil(blocks / 4)] as const;

  let moments: Tensor;
  if (statistics === "batch") {
    moments = channelMoments(plan, `${label}.moments`, frames);
    if (momentum !== 0 && !plan.repeating) {
      const running = { running_mean: runningMean, running_variance: runningVariance };
      op.run("move_running", { dims, moments, ...running }, byChannel);
    }
  } else {
    moments = op.scratch("moments", [channels, 2]);
    const running = { kept_mean: runningMean, kept_variance: runningVariance };
    op.run("read_running", { dims, ...running, kept_moments: moments }, byChannel);
  }
  const constants = { relu: relu ? 1 : 0 };
  frames.forEach((frame, f) =>
    op.run(
      "forward",
      { dims, x: frame, moments, weight, bias, residual: residuals?.[f], y: outputs[f] },
      byMap,
      { constants: { ...constants, inner_relu: innerRelu ? 1 : 0 } },
    )
  );

  op.backward(outputs, (gradients) => {
    const slopes = backwardParameters(gradients);
    frames.forEach((_, f) => backwardMaps(f, gradients[f], slopes));
  });

  function backwardParameters(gradients: readonly Tensor[]): Tensor {
    const perPart = pointsPerPart(points);
    const parts = Math.ceil(x.height * x.width / perPart), rows = frames.length * parts;
    const partials = op.scratch("partials", [rows, channels, 2]);
    frames.forEach((frame, f) => {
      const split = {
        points: x.height * x.width,
        points_per_part: perPart,
        parts,
        first_row: f * parts,
      };
      op.run(
        "backward_sums",
        { dims, split, moments, x: frame, kept_y: outputs[f], d_y: gradients[f], partials },
        linearWorkgroups(channels * parts),
        { constants },
      );
    });
    const slopes = op.scratch("slopes", [channels, 4]);
    const merging = { rows, running: statistics === "running" };
    const targets = { d_weight: op.target(weight), d_bias: op.target(bias) };
    op.run(
      "backward_parameters",
      { dims, merging, moments, weight, parts: partials, slopes, ...targets },
      byChannel,
      { part: "backward_weight" },
    );
    return slopes;
  }

  function backwardMaps(f: number, dY: Tensor, slopes: Tensor): void {
    const d_x = op.target(frames[f]);
    const d_residual = op.target(relu ? residuals?.[f] : undefined);
    const common = { dims, kept_y: outputs[f], d_y: dY };
    const input = { x: frames[f], kept_slopes: slopes, d_x }, sum = { d_residual };
    const both = d_x.gradient && d_residual.gradient && d_x.gradient !== d_residual.gradient;
    if (both) {
      const bindings = { ...common, ...input, ...sum };
      op.run("backward_input_and_residual", bindings, byMap, { constants });
    } else {
      op.run("backward_input", { ...common, ...input }, byMap, { constants });
      op.run("backward_residual", { ...common, ...sum }, byMap, { constants });
    }
    if (residuals && !relu) op.share(residuals[f], dY);
  }

  return y;
}
