/**
 * Batch normalisation over all frames of all scenes, fused with the residual sum and ReLU behind it.
 *
 * @module
 */
import text from "../../wgsl/ops/batch_norm.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, expectFrozen, type FrameMaps, mapsLike } from "./frame_maps.ts";
import { channelMoments } from "./moments.ts";
import { expectShape } from "./shapes.ts";

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
  readonly statistics?: "batch" | "running";
  /** How far the running statistics move towards the batch's; PyTorch's is 0.1. Default 0: they stay. */
  readonly momentum?: number;
}

/** What {@link batchNorm} may be told. */
export interface BatchNormOptions extends BatchNormStatistics {
  /** Added behind the normalisation: maps like x. */
  readonly residual?: FrameMaps;
  /** Whether the sum goes through a ReLU. */
  readonly relu?: boolean;
}

/**
 * Records `y = relu((x − mean)/√(variance + 10⁻⁵)·weight + bias + residual)`, mean and variance of each channel.
 *
 * @returns maps like x
 */
export function batchNorm(
  plan: Plan,
  label: string,
  x: FrameMaps,
  parameters: BatchNormParameters,
  options: BatchNormOptions = {},
): FrameMaps {
  const { statistics = "batch", momentum = 0, residual, relu = false } = options;
  const { weight, bias, runningMean, runningVariance } = parameters;
  const { channels } = x;
  expectFrameMaps("batchNorm", plan.path(label), "x", x);
  for (const [name, tensor] of Object.entries(parameters)) {
    expectShape("batchNorm", plan.path(label), { [name]: tensor }, "rows", [channels]);
  }
  if (residual) expectFrameMaps("batchNorm", plan.path(label), "residual", { ...x, ...residual });
  expectFrozen(plan.path(label), [
    ...x.frames.flat(),
    ...residual?.frames.flat() ?? [],
    weight,
    bias,
  ]);
  const y = mapsLike(plan, label, x);
  const points = x.frames.flat().length * x.height * x.width;
  const blocks = blocksOf(x.height * x.width);
  const dims = { blocks, channels, epsilon, momentum, points };
  const workgroups: [number] = [Math.ceil(channels / 64)];

  let moments: Tensor;
  if (statistics === "batch") {
    moments = channelMoments(plan, `${label}.moments`, x.frames.flat());
    if (momentum !== 0) {
      plan.dispatch({
        label: `${label}.move_running`,
        kernel,
        entry: "move_running",
        bindings: { dims, moments, running_mean: runningMean, running_variance: runningVariance },
        workgroups,
      });
    }
  } else {
    moments = plan.activation(`${label}.moments`, [channels, 2]);
    plan.dispatch({
      label: `${label}.read_running`,
      kernel,
      entry: "read_running",
      bindings: {
        dims,
        kept_mean: runningMean,
        kept_variance: runningVariance,
        kept_moments: moments,
      },
      workgroups,
    });
  }
  x.frames.forEach((scene, s) =>
    scene.forEach((frame, f) => {
      plan.dispatch({
        label: `${label}.forward`,
        kernel,
        entry: "forward",
        constants: { has_residual: residual ? 1 : 0, relu: relu ? 1 : 0 },
        bindings: {
          dims,
          x: frame,
          moments,
          weight,
          bias,
          residual: residual?.frames[s][f] ?? frame, // not read where has_residual is 0
          y: y.frames[s][f],
        },
        workgroups: [channels, Math.ceil(blocks / 4)],
      });
    })
  );
  return y;
}
