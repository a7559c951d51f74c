/**
 * Convolutions over the frames of videos: rows×columns in a frame, 3×1×1 across frames, strided.
 *
 * @module
 */
import text from "../../wgsl/ops/conv.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { type GradientTarget, Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { type ConvShape, type FramePair, recordConvWeightGradient } from "./conv_weights.ts";
import { expectFrameMaps, type FrameMaps, mapsLike } from "./frame_maps.ts";
import { type ProductVariant, productVariant } from "./product_variant.ts";

const kernel = defineKernel("wgsl/ops/conv.wgsl", text);

/** Options of {@link conv}. */
export interface ConvOptions {
  /** Pixels between outputs, both ways; frames are never skipped. Default 1. */
  readonly stride?: number | undefined;
  /** Rows and columns of zeros around a frame, both ways or one each. Default half the kernel's, rounded down. */
  readonly padding?: number | readonly [number, number];
  /** b `(outputs)` rows. */
  readonly bias?: Tensor | undefined;
  /** Equal groups of channels; an output sees those of its own. Default 1. More are for inference only. */
  readonly groups?: number | undefined;
  /** Added behind the bias: maps like y. For inference only. */
  readonly residual?: FrameMaps;
  /** Whether the sum goes through a ReLU. For inference only. */
  readonly relu?: boolean;
  /** The weight as {@link packConv} packed it in another plan, so that a plan that runs often need not. */
  readonly panels?: Tensor;
  /** Which kernels: by default registers on software drivers, shared tiles on GPUs. */
  readonly variant?: ProductVariant;
}

/**
 * Records `y[o, f, p] = Σ weight[o, c, i, tap]·x[c, f + i − ⌊frames/2⌋, stride·p + tap − padding] + bias[o]`, zero outside
 * the frame and the scene; with a residual and a ReLU behind it where wanted.
 *
 * Differentiable in x, weight and bias; not with groups, a residual or a ReLU, which are for inference only.
 *
 * @param weight `(outputs, channels/groups, rows, columns)` or `(outputs, channels/groups, frames, rows, columns)` rows, frames odd
 * @returns `outputs` channels on a grid of `⌊(length + 2·padding − kernel)/stride⌋ + 1` both ways
 * @throws where shapes do not fit, or a gradient is required of what is for inference only
 */
export function conv(
  plan: Plan,
  label: string,
  x: FrameMaps,
  weight: Tensor,
  options: ConvOptions = {},
): FrameMaps {
  const { bias, residual, relu = false, panels, variant = productVariant(plan.gpu) } = options;
  const op = new Operation(plan, "conv", label, kernel);
  expectFrameMaps(op, { x });
  const shape = convShape(op, x, weight, options);
  const { outputs, frames } = shape;
  if (panels) op.expect({ panels }, "rows", panelShape(shape));
  if (bias) op.expect({ bias }, "rows", [outputs]);
  const y = mapsLike(
    op,
    x,
    {
      height: outputLength(x.height, shape.rows, shape.padding[0], shape.stride),
      width: outputLength(x.width, shape.columns, shape.padding[1], shape.stride),
      channels: outputs,
    },
    [...x.frames.flat(), ...residual?.frames.flat() ?? [], weight, bias],
  );
  if (residual) expectFrameMaps(op, { residual: { ...y, frames: residual.frames } });
  const forInference = shape.groups > 1 || relu || residual !== undefined;
  if (forInference && y.frames.flat().some((frame) => frame.requiresGradient)) {
    throw new Error(
      `Cannot differentiate conv "${op.path}": groups, residual and relu are for inference only; ` +
        "use frozen parameters and inputs",
    );
  }
  const half = (frames - 1) / 2;

  const forward = forwardWalk(shape, y);
  y.frames.forEach((scene, s) =>
    scene.forEach((target, f) => {
      const first = Math.max(0, half - f), last = Math.min(frames, scene.length - f + half) - 1;
      for (let i = first; i <= last; i++) {
        recordProduct(op, "forward", variant, {
          x: { ...x, frame: x.frames[s][f + i - half] },
          y: { ...y, frame: target },
          adds: i > first,
          panels: panels ?? packFrame(op, weight, shape, i, false),
          taps: shape.rows * shape.columns,
          walk: forward,
          shape,
          bias: i === first ? bias : undefined,
          residual: i === last ? residual?.frames[s][f] : undefined,
          relu: relu && i === last,
        });
      }
    })
  );

  op.backward(y.frames.flat(), (gradients) => {
    const dFrames = y.frames.map((scene) => gradients.splice(0, scene.length));
    const walks = backwardWalks(shape, x);
    x.frames.forEach((scene, s) =>
      scene.forEach((input, f) => {
        if (!input.requiresGradient) return;
        for (let i = 0; i < frames; i++) {
          const source = dFrames[s][f - i + half];
          if (!source) continue;
          const target = op.target(input); // the same for all walks: they write other pixels
          for (const walk of walks) {
            if (target.mode === 1 && walk.tap_rows * walk.tap_columns === 0) continue;
            recordProduct(op, "backward_input", variant, {
              x: { ...y, frame: source },
              y: { ...x, frame: target },
              panels: packFrame(op, weight, shape, i, true),
              taps: shape.rows * shape.columns,
              walk,
            });
          }
        }
      })
    );
    const pairs = Array.from(
      { length: frames },
      (_, i) =>
        dFrames.flatMap((scene, s) =>
          scene.flatMap((dY, f): FramePair[] => {
            const source = x.frames[s][f + i - half];
            return source ? [{ x: source, dY }] : [];
          })
        ),
    );
    recordConvWeightGradient(op, variant, { x, y, shape, weight, bias }, pairs);
  });
  return y;
}

function outputLength(length: number, kernel: number, padding: number, stride: number): number {
  return Math.floor((length + 2 * padding - kernel) / stride) + 1;
}

function convShape(
  op: Operation,
  x: FrameMaps,
  weight: Tensor,
  { stride = 1, padding: given, groups = 1 }: ConvOptions,
): ConvShape {
  const [outputs, groupChannels, frames, rows, columns] = weight.shape.length === 4
    ? [weight.shape[0], weight.shape[1], 1, weight.shape[2], weight.shape[3]]
    : weight.shape;
  const channels = groupChannels * groups;
  if (
    weight.shape.length < 4 || channels !== x.channels || outputs % groups !== 0 || frames % 2 === 0
  ) {
    const grouped = groups > 1 ? `/${groups}` : "",
      even = groups > 1 ? "groups of outputs and " : "";
    throw op.error(
      `weight is (${weight.shape.join(", ")}), wanted ` +
        `(outputs, ${x.channels}${grouped}, frames, rows, columns) with ${even}odd frames`,
    );
  }
  const half = [Math.floor(rows / 2), Math.floor(columns / 2)] as const;
  const padding = typeof given === "number" ? [given, given] as const : given ?? half;
  if (rows > x.height + 2 * padding[0] || columns > x.width + 2 * padding[1]) {
    throw op.error(
      `its kernel is ${rows} x ${columns}, wanted at most ` +
        `${x.height + 2 * padding[0]} x ${x.width + 2 * padding[1]}: the frame and its padding`,
    );
  }
  return { outputs, channels, groups, frames, rows, columns, stride, padding };
}

/** A grid of pixels to be written, and what its taps read: see `Dims` in conv.wgsl. */
interface Walk {
  readonly rows: number;
  readonly columns: number;
  readonly y_step: number;
  readonly y_row: number;
  readonly y_column: number;
  readonly x_step: number;
  readonly x_row: number;
  readonly x_column: number;
  readonly x_tap: number;
  readonly tap_rows: number;
  readonly tap_columns: number;
  readonly first_tap: number;
  readonly tap_row: number;
  readonly tap_column: number;
}

function forwardWalk({ rows, columns, stride, padding }: ConvShape, y: FrameMaps): Walk {
  return {
    rows: y.height,
    columns: y.width,
    y_step: 1,
    y_row: 0,
    y_column: 0,
    x_step: stride,
    x_row: -padding[0],
    x_column: -padding[1],
    x_tap: 1,
    tap_rows: rows,
    tap_columns: columns,
    first_tap: 0,
    tap_row: columns,
    tap_column: 1,
  };
}

/** One walk for each remainder of x's pixels by the stride: `p = (q + padding − tap)/stride` is whole for the same taps. */
function backwardWalks(shape: ConvShape, x: FrameMaps): Walk[] {
  const { rows, columns, stride, padding } = shape;
  const axis = (length: number, kernel: number, padding: number) =>
    Array.from({ length: Math.min(stride, length) }, (_, remainder) => {
      const firstTap = (remainder + padding) % stride;
      return {
        pixels: Math.ceil((length - remainder) / stride),
        remainder,
        firstTap,
        taps: Math.max(0, Math.ceil((kernel - firstTap) / stride)),
        source: Math.floor((remainder + padding) / stride), // of pixel 0, first tap
      };
    });
  return axis(x.height, rows, padding[0]).flatMap((down) =>
    axis(x.width, columns, padding[1]).map((across): Walk => ({
      rows: down.pixels,
      columns: across.pixels,
      y_step: stride,
      y_row: down.remainder,
      y_column: across.remainder,
      x_step: 1,
      x_row: down.source,
      x_column: across.source,
      x_tap: -1,
      tap_rows: down.taps,
      tap_columns: across.taps,
      first_tap: down.firstTap * columns + across.firstTap,
      tap_row: stride * columns,
      tap_column: stride,
    }))
  );
}

interface Frame<T> extends Omit<FrameMaps, "frames"> {
  readonly frame: T;
}

interface Product {
  readonly x: Frame<Tensor>;
  readonly y: Frame<Tensor | GradientTarget>;
  readonly panels: Tensor;
  readonly taps: number;
  readonly walk: Walk;
  /** Where it has groups. */
  readonly shape?: ConvShape;
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
  readonly relu?: boolean;
  /** To what other frames of the kernel have given. */
  readonly adds?: boolean;
}

/** Who sees whom: `channels/groups` inputs an output, `depth` inputs a tile of 16 outputs. */
function grouping(channels: number, outputs: number, groups = 1) {
  const ofGroup = outputs / groups;
  const groupOf = (output: number) => Math.floor(Math.min(output, outputs - 1) / ofGroup);
  let most = 1;
  for (let o = 0; o < outputs; o += 16) most = Math.max(most, groupOf(o + 15) - groupOf(o) + 1);
  return { depth: most * channels / groups, group_outputs: ofGroup };
}

function recordProduct(op: Operation, part: string, variant: ProductVariant, of: Product): void {
  const { x, y, walk } = of;
  const pixels = walk.rows * walk.columns;
  const taps = walk.tap_rows * walk.tap_columns;
  const sameGrid = x.height === walk.rows && x.width === walk.columns && walk.x_step === 1;
  const direct = of.taps === 1 && sameGrid && walk.x_row === 0 && walk.x_column === 0;
  const groups = of.shape?.groups ?? 1;
  const group_channels = x.channels / groups;
  const blocks = blocksOf(pixels), tiles = Math.ceil(y.channels / 16);
  const twoBlocks = Math.ceil(blocks / 2) * tiles <= blocks * Math.ceil(tiles / 2);
  const dims = {
    ...walk,
    in_channels: x.channels,
    in_height: x.height,
    in_width: x.width,
    out_channels: y.channels,
    out_width: y.width,
    taps: of.taps,
    blocks: twoBlocks ? 2 : 1,
    group_channels,
    ...grouping(x.channels, y.channels, groups),
  };
  op.run(
    `product_${variant}`,
    {
      dims,
      x: x.frame,
      x_quads: x.frame,
      panels: of.panels,
      bias: of.bias,
      residual: of.residual,
      y: y.frame,
    },
    variant === "tiled"
      ? groups > 1 ? [Math.ceil(blocks / 4), tiles] : [blocks, Math.ceil(y.channels / 64)]
      : twoBlocks
      ? [Math.ceil(blocks / 2), tiles]
      : [blocks, Math.ceil(tiles / 2)],
    {
      part,
      constants: {
        aligned: Number(direct && variant === "registers"),
        scattered: Number(walk.y_step > 1),
        relu: of.relu ? 1 : 0,
        ...of.adds && { mode_y: 1 },
        ...variant === "tiled" && { quads: groups > 1 ? 64 : 16 },
      },
      flops: 2 * pixels * y.channels * group_channels * taps,
    },
  );
}

/**
 * Records how {@link conv} lays out a weight `(outputs, channels/groups, rows, columns)`, for plans that are given it as `panels`.
 */
export function packConv(plan: Plan, label: string, weight: Tensor, groups = 1): Tensor {
  const op = new Operation(plan, "packConv", label, kernel);
  const wanted = ["outputs", "inputs", "rows", "columns"];
  const [outputs, inputs, rows, columns] = op.expect({ weight }, "rows", wanted);
  const one = { frames: 1, stride: 1, padding: [0, 0] } as const;
  const shape = { outputs, channels: inputs * groups, groups, rows, columns, ...one };
  return packFrame(op, weight, shape, 0, false);
}

/** Tiles of 16 outputs, and numbers in each. */
function panelShape({ outputs, channels, groups, rows, columns }: ConvShape): [number, number] {
  const { depth } = grouping(channels, outputs, groups);
  return [Math.ceil(outputs / 16), 16 * rows * columns * Math.ceil(depth / 2) * 2];
}

/** One frame of the weight (or its transpose, for the input's gradient) in panels of 16 outputs, once a plan. */
function packFrame(
  op: Operation,
  weight: Tensor,
  shape: ConvShape,
  frame: number,
  transposed: boolean,
): Tensor {
  return op.plan.once(weight, `pack conv ${frame} ${transposed}`, () => {
    const taps = shape.rows * shape.columns;
    const ofChannel = shape.frames * taps;
    const ofOutput = shape.channels / shape.groups * ofChannel;
    const [inputs, outputs, input_stride, output_stride] = transposed
      ? [shape.outputs, shape.channels, ofOutput, ofChannel]
      : [shape.channels, shape.outputs, ofChannel, ofOutput];
    const { depth, group_outputs } = grouping(inputs, outputs, shape.groups);
    const panels = panelShape({ ...shape, channels: inputs, outputs });
    const packed = op.scratch(`packed.${frame}`, panels);
    const packing = {
      inputs,
      outputs,
      taps,
      first: frame * taps,
      input_stride,
      output_stride,
      depth,
      group_inputs: inputs / shape.groups,
      group_outputs,
    };
    op.run("pack", { weight, packed, packing }, linearWorkgroups(packed.size));
    return packed;
  });
}
