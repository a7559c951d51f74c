/**
 * Batch normalisation over all frames of all scenes, fused with the residual sum and ReLU behind it.
 *
 * @module
 */
import text from "../../wgsl/ops/batch_norm.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Dispatch } from "../runtime/dispatch.ts";
import { type GradientSink, linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrameMaps, type FrameMaps, mapsLike } from "./frame_maps.ts";
import { channelMoments, pointsPerPart } from "./moments.ts";
import { expectFrozen, expectShape } from "../runtime/shapes.ts";

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

/** Options of {@link batchNorm}. */
export interface BatchNormOptions extends BatchNormStatistics {
  /** Added behind the normalisation: maps like x. */
  readonly residual?: FrameMaps;
  /** Whether the sum goes through a ReLU. */
  readonly relu?: boolean;
  /** Whether what is normalised goes through a ReLU of its own before the sum. Only runs. */
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
  const { channels } = x;
  expectFrameMaps("batchNorm", plan.path(label), "x", x);
  for (const [name, tensor] of Object.entries(parameters)) {
    expectShape("batchNorm", plan.path(label), { [name]: tensor }, "rows", [channels]);
  }
  if (residual) expectFrameMaps("batchNorm", plan.path(label), "residual", { ...x, ...residual });
  const frames = x.frames.flat(), residuals = residual?.frames.flat();
  const y = mapsLike(plan, label, x, {}, [...frames, ...residuals ?? [], weight, bias]);
  const outputs = y.frames.flat();
  if (innerRelu) {
    for (const frame of outputs) expectFrozen("batchNorm", plan.path(label), { y: frame });
  }
  const points = frames.length * x.height * x.width;
  const blocks = blocksOf(x.height * x.width);
  const dims = { blocks, channels, epsilon, momentum, points };
  const workgroups: [number] = [Math.ceil(channels / 64)];

  let moments: Tensor;
  if (statistics === "batch") {
    moments = channelMoments(plan, `${label}.moments`, frames);
    if (momentum !== 0 && !plan.repeating) {
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
  const workgroupsOfMaps: [number, number] = [channels, Math.ceil(blocks / 4)];
  frames.forEach((frame, f) =>
    plan.dispatch({
      label: `${label}.forward`,
      kernel,
      entry: "forward",
      constants: {
        has_residual: residual ? 1 : 0,
        relu: relu ? 1 : 0,
        inner_relu: innerRelu ? 1 : 0,
      },
      bindings: {
        dims,
        x: frame,
        moments,
        weight,
        bias,
        residual: residuals?.[f] ?? frame, // not read where has_residual is 0
        y: outputs[f],
      },
      workgroups: workgroupsOfMaps,
    })
  );

  plan.backward(outputs, (gradients) => {
    const slopes = backwardParameters(gradients);
    frames.forEach((_, f) => backwardMaps(f, gradients[f], slopes));
  });

  function backwardParameters(gradients: readonly Tensor[]): Tensor {
    const perPart = pointsPerPart(points);
    const parts = Math.ceil(x.height * x.width / perPart), rows = frames.length * parts;
    const partials = plan.activation(`${label}.partials`, [rows, channels, 2]);
    frames.forEach((frame, f) =>
      plan.dispatch({
        label: `${label}.backward_sums`,
        kernel,
        entry: "backward_sums",
        constants: { relu: relu ? 1 : 0 },
        bindings: {
          dims,
          split: {
            points: x.height * x.width,
            points_per_part: perPart,
            parts,
            first_row: f * parts,
          },
          moments,
          x: frame,
          kept_y: outputs[f],
          d_y: gradients[f],
          partials,
        },
        workgroups: linearWorkgroups(channels * parts),
      })
    );
    const slopes = plan.activation(`${label}.slopes`, [channels, 4]);
    const [dWeight, dBias] = [weight, bias].map((parameter): GradientSink =>
      plan.gradientSink(parameter) ??
        { gradient: plan.activation(`${label}.unread`, [channels]), accumulate: 0 }
    );
    plan.dispatch({
      label: `${label}.backward_weight`,
      kernel,
      entry: "backward_parameters",
      bindings: {
        dims,
        merging: {
          rows,
          running: statistics === "running",
          add_weight: dWeight.accumulate,
          add_bias: dBias.accumulate,
        },
        moments,
        weight,
        parts: partials,
        slopes,
        d_weight: dWeight.gradient,
        d_bias: dBias.gradient,
      },
      workgroups,
    });
    return slopes;
  }

  function backwardMaps(f: number, dY: Tensor, slopes: Tensor): void {
    const dX = plan.gradientSink(frames[f]);
    const dResidual = relu && residuals ? plan.gradientSink(residuals[f]) : undefined;
    const adding = { input: dX?.accumulate ?? 0, residual: dResidual?.accumulate ?? 0 };
    const common = { dims, adding, kept_y: outputs[f], d_y: dY };
    const input = dX && { x: frames[f], kept_slopes: slopes, d_x: dX.gradient };
    const sum = dResidual && { d_residual: dResidual.gradient };
    const record = (entry: string, bindings: Dispatch["bindings"]) =>
      plan.dispatch({
        label: `${label}.${entry}`,
        kernel,
        entry,
        constants: { relu: relu ? 1 : 0 },
        bindings: { ...common, ...bindings },
        workgroups: workgroupsOfMaps,
      });
    if (input && sum && input.d_x !== sum.d_residual) {
      record("backward_input_and_residual", { ...input, ...sum });
    } else {
      if (input) record("backward_input", input);
      if (sum) record("backward_residual", sum);
    }
    if (residuals && !relu) plan.shareGradient(residuals[f], dY);
  }

  return y;
}
