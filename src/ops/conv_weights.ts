/**
 * Gradients of a convolution's weight and bias.
 *
 * @module
 */
import text from "../../wgsl/ops/conv_weights.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Operation } from "../runtime/operation.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import type { FrameMaps } from "./frame_maps.ts";
import type { ProductVariant } from "./product_variant.ts";
import { recordPartSums } from "./linear_weights.ts";

const kernel = defineKernel("wgsl/ops/conv_weights.wgsl", text);

/** Blocks that one invocation walks, 16 turns each: some software drivers end an invocation's loops silently after 65,535. */
const mostPartBlocks = 2048;

/** What a convolution's weight and options say. */
export interface ConvShape {
  readonly outputs: number;
  readonly channels: number;
  /** Of channels and of outputs; gradients have 1. */
  readonly groups: number;
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
  /** Rows, columns. */
  readonly padding: readonly [number, number];
}

/** A frame of outputs and the frame that one frame of the kernel reads for it. */
export interface FramePair {
  readonly x: Tensor;
  readonly dY: Tensor;
}

/**
 * dW and db: a product over the points of all frames, added up frame by frame in parts.
 *
 * @param pairs by frame of the kernel
 */
export function recordConvWeightGradient(
  op: Operation,
  variant: ProductVariant,
  { x, y, shape, weight, bias }: {
    x: FrameMaps;
    y: FrameMaps;
    shape: ConvShape;
    weight: Tensor;
    bias?: Tensor | undefined;
  },
  pairs: readonly (readonly FramePair[])[],
): void {
  const { outputs, channels, frames, rows, columns, stride, padding } = shape;
  const dWeight = op.target(weight), dBias = op.target(bias);
  if (!dWeight.gradient && !dBias.gradient) return;

  const taps = rows * columns;
  const fours = Math.ceil(channels / 4); // of a tap
  const aligned = taps === 1 && stride === 1 && padding.every((length) => length === 0);
  const points = y.height * y.width, blocks = blocksOf(points);
  pairs.forEach((ofFrame, frame) => {
    // every frame of y takes part in the middle
    const biased = dBias.gradient !== undefined && frame === (frames - 1) / 2;
    const tile = gradientTile(variant, blocks, outputs, taps * fours + Number(biased));
    const { outputTiles, columnTiles, deep } = tile;
    const wanted = deep * Math.ceil(tile.workgroups / (outputTiles * columnTiles)); // parts
    const perPart = Math.min(mostPartBlocks, Math.max(1, Math.floor(blocks / wanted)));
    const parts = Math.ceil(blocks / perPart / deep) * deep;
    const rowFours = columnTiles * tile.fours;
    const partSize = outputTiles * tile.outputs * rowFours * 4;
    const partials = op.scratch(`partials.${frame}`, [parts * partSize]);
    if (ofFrame.length === 0) op.plan.fill(partials, 0);
    const dims = {
      out_channels: outputs,
      out_width: y.width,
      points,
      in_channels: channels,
      in_height: x.height,
      in_width: x.width,
      stride,
      row_padding: padding[0],
      column_padding: padding[1],
      tap_columns: columns,
      taps,
      tap_fours: fours,
      row_fours: rowFours,
      blocks_per_part: perPart,
      lanes_across: tile.across,
      lanes_down: tile.down,
    };
    const options = {
      kernel,
      part: "backward_weight",
      constants: {
        aligned: Number(aligned),
        same_tap: Number(fours % 4 === 0 && !biased),
        ragged: Number(points % 4 !== 0),
        has_bias: Number(biased),
      },
      flops: 2 * points * outputs * channels * taps,
    };
    ofFrame.forEach((pair, i) =>
      op.run(
        `gradient_${variant}`,
        {
          dims: { ...dims, mode_partials: i > 0 ? 1 : 0 },
          x: pair.x,
          x_quads: pair.x,
          dy: pair.dY,
          partials,
        },
        [outputTiles, columnTiles, parts / deep],
        options,
      )
    );
    const inParts = {
      parts: partials,
      part_size: partSize,
      parts_per_group: parts,
      rows: outputs,
      part_row: rowFours * 4,
    };
    recordPartSums(op, "backward_weight.sum", dWeight, {
      ...inParts,
      groups: taps,
      part_group: fours * 4,
      columns: channels,
      first: frame * taps,
      group_stride: 1,
      row_stride: channels * frames * taps,
      column_stride: frames * taps,
    });
    if (biased) {
      recordPartSums(op, "backward_bias", dBias, {
        ...inParts,
        groups: 1,
        part_first: taps * fours * 4,
        columns: 1,
        row_stride: 1,
      });
    }
  });
}

/** How the gradient is cut among workgroups. */
interface GradientTile {
  /** Rows and columns of a workgroup, columns in fours, and how many workgroups hold them all. */
  readonly outputs: number;
  readonly fours: number;
  readonly outputTiles: number;
  readonly columnTiles: number;
  /** Lanes of a workgroup along the columns and the outputs, and its parts. */
  readonly across: number;
  readonly down: number;
  readonly deep: number;
  /** Wanted in all. */
  readonly workgroups: number;
}

/** The lanes of the register kernel lie where the fewest of them are idle: a small matrix has more parts instead. */
function gradientTile(
  variant: ProductVariant,
  blocks: number,
  outputs: number,
  fours: number,
): GradientTile {
  const tiles = (of: { outputs: number; fours: number }) => ({
    ...of,
    outputTiles: Math.ceil(outputs / of.outputs),
    columnTiles: Math.ceil(fours / of.fours),
  });
  if (variant === "tiled") {
    return { ...tiles({ outputs: 64, fours: 16 }), across: 1, down: 1, deep: 1, workgroups: 512 };
  }
  const lanes = [8, 4, 2, 1];
  const arrangements = lanes.flatMap((used) =>
    lanes.filter((across) => across <= used).map((across): GradientTile => {
      const down = used / across;
      const size = tiles({ outputs: 16 * down, fours: 4 * across });
      return { ...size, across, down, deep: 8 / used, workgroups: 32 };
    })
  );
  const turns = ({ outputTiles, columnTiles, deep }: GradientTile) =>
    outputTiles * columnTiles * Math.ceil(blocks / deep);
  return arrangements.reduce((best, other) => turns(other) < turns(best) ? other : best);
}
