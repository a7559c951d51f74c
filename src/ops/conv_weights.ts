/**
 * Gradients of a convolution's weight and bias.
 *
 * @module
 */
import text from "../../wgsl/ops/conv_weights.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import type { FrameMaps } from "./frame_maps.ts";
import type { LinearVariant } from "./linear.ts";
import { recordPartSums } from "./linear_weights.ts";

const kernel = defineKernel("wgsl/ops/conv_weights.wgsl", text);

/** Blocks that one invocation walks, 16 turns each: some software drivers end an invocation's loops silently after 65,535. */
const mostPartBlocks = 2048;

/** What a convolution's weight and options say. */
export interface ConvShape {
  readonly outputs: number;
  readonly channels: number;
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
  plan: Plan,
  label: string,
  variant: LinearVariant,
  { x, y, shape, weight, bias }: {
    x: FrameMaps;
    y: FrameMaps;
    shape: ConvShape;
    weight: Tensor;
    bias?: Tensor;
  },
  pairs: readonly (readonly FramePair[])[],
): void {
  const { outputs, channels, frames, rows, columns, stride, padding } = shape;
  const dWeight = plan.gradientSink(weight);
  const dBias = bias && plan.gradientSink(bias);
  if (!dWeight && !dBias) return;

  const taps = rows * columns;
  const fours = Math.ceil(channels / 4); // of a tap
  const aligned = taps === 1 && stride === 1 && padding.every((length) => length === 0);
  const points = y.height * y.width, blocks = blocksOf(points);
  pairs.forEach((ofFrame, frame) => {
    const biased = dBias && frame === (frames - 1) / 2; // every frame of y takes part in the middle
    const tile = gradientTile(variant, outputs, taps * fours + Number(!!biased));
    const { outputTiles, columnTiles } = tile;
    const wanted = Math.min(blocks, Math.ceil(tile.workgroups / (outputTiles * columnTiles)));
    const perPart = Math.min(mostPartBlocks, Math.ceil(blocks / wanted));
    const parts = Math.ceil(blocks / perPart);
    const rowFours = columnTiles * tile.fours;
    const partSize = outputTiles * tile.outputs * rowFours * 4;
    const partials = plan.activation(`${label}.partials.${frame}`, [parts * partSize]);
    if (ofFrame.length === 0) plan.fill(partials, 0);
    ofFrame.forEach((pair, i) =>
      plan.dispatch({
        label: `${label}.backward_weight`,
        kernel,
        entry: `gradient_${variant}`,
        constants: {
          aligned: Number(aligned),
          same_tap: Number(fours % 4 === 0 && !biased),
          ragged: Number(points % 4 !== 0),
          has_bias: biased ? 1 : 0,
        },
        bindings: {
          dims: {
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
            lanes_across: tile.lanesAcross,
            accumulate: Number(i > 0),
          },
          x: pair.x,
          x_quads: pair.x,
          dy: pair.dY,
          partials,
        },
        workgroups: [outputTiles, columnTiles, parts],
        flops: 2 * points * outputs * channels * taps,
      })
    );
    const inParts = {
      parts: partials,
      part_size: partSize,
      parts_per_group: parts,
      rows: outputs,
      part_row: rowFours * 4,
    };
    if (dWeight) {
      recordPartSums(plan, `${label}.backward_weight.sum`, dWeight, {
        ...inParts,
        groups: taps,
        part_group: fours * 4,
        columns: channels,
        first: frame * taps,
        group_stride: 1,
        row_stride: channels * frames * taps,
        column_stride: frames * taps,
      });
    }
    if (biased) {
      recordPartSums(plan, `${label}.backward_bias`, dBias, {
        ...inParts,
        groups: 1,
        part_first: taps * fours * 4,
        columns: 1,
        row_stride: 1,
      });
    }
  });
}

/** How the gradient is cut: outputs and fours of a workgroup, how many of these there are, and workgroups wanted in all. */
function gradientTile(variant: LinearVariant, outputs: number, fours: number) {
  const tile = (lanesAcross: number, ofOutputs: number, ofFours: number, workgroups: number) => ({
    lanesAcross,
    outputs: ofOutputs,
    fours: ofFours,
    outputTiles: Math.ceil(outputs / ofOutputs),
    columnTiles: Math.ceil(fours / ofFours),
    workgroups,
  });
  if (variant === "tiled") return tile(8, 64, 16, 512);
  const [first, ...others] = [8, 4, 2, 1].map((lanes) => tile(lanes, 128 / lanes, 4 * lanes, 32));
  const count = (of: typeof first) => of.outputTiles * of.columnTiles;
  return others.reduce((best, other) => count(other) < count(best) ? other : best, first);
}
