/**
 * A linear layer's weights: their packing for the products, and their gradients.
 *
 * @module
 */
import text from "../../wgsl/ops/linear_weights.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { GradientTarget, Operation } from "../runtime/operation.ts";
import { linearWorkgroups } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { sumGroups } from "./add_groups.ts";
import type { ProductVariant } from "./product_variant.ts";

const kernel = defineKernel("wgsl/ops/linear_weights.wgsl", text);

/** Layers of at most so many outputs have kernels of their own. */
export const narrowOutputs = 4;
/** Blocks that one invocation walks, 17 turns each: some software drivers end an invocation's loops silently after 65,535. */
const mostPartBlocks = 2048;

/** The columns of a weight that take part. */
export interface ColumnRange {
  readonly weight: Tensor;
  readonly first: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly columns: number;
}

/** W (or Wᵀ, for the input's gradient) as the products read it, once a step. */
export function packWeight(op: Operation, range: ColumnRange, transposed: boolean): Tensor {
  const { weight, first, columns } = range;
  const [inputs, outputs] = transposed
    ? [range.outputs, range.inputs]
    : [range.inputs, range.outputs];
  return op.plan.once(weight, `pack ${first} ${inputs} ${transposed}`, () => {
    const packed = op.scratch("packed", [
      Math.ceil(outputs / 16) * Math.ceil(inputs / 2) * 2 * 16,
    ]);
    const [input_stride, output_stride] = transposed ? [columns, 1] : [1, columns];
    const packing = { inputs, outputs, first, input_stride, output_stride };
    op.run("pack", { weight, packed, packing }, linearWorkgroups(packed.size), { kernel });
    return packed;
  });
}

/** dW and db, and the group bias's gradient, which is db kept apart where a group is a whole scene. */
export function recordWeightGradient(
  op: Operation,
  variant: ProductVariant,
  range: ColumnRange,
  x: Tensor,
  dY: Tensor,
  floor: number,
  { bias, groupBias }: { bias?: Tensor | undefined; groupBias?: Tensor | undefined },
): void {
  const { weight, first, inputs, outputs, columns } = range;
  const dWeight = op.target(weight, { partial: inputs < columns });
  const dBias = op.target(bias);
  const wholeScene = groupBias?.shape[1] === 1;
  if (groupBias && !wholeScene) sumGroups(op, dY, groupBias, "backward_group_bias");
  const dScene = op.target(wholeScene ? groupBias : undefined, { partial: true });
  if (![dWeight, dBias, dScene].some(({ gradient }) => gradient)) return;

  const [scenes, points] = x.shape;
  const perScene = blocksOf(points);
  const swapped = outputs <= narrowOutputs;
  const [wide, thin] = swapped ? [inputs, outputs] : [outputs, inputs];
  const { entry, thinTile, padded, workgroups } = gradientTiles(variant, swapped);
  const tiles = Math.ceil(wide / 64) * Math.ceil(thin / thinTile);
  const groups = dScene.gradient ? scenes : 1; // whose bias gradients are kept apart
  const perGroup = scenes * perScene / groups;
  const wanted = Math.ceil(workgroups / (tiles * groups));
  const perPart = Math.min(mostPartBlocks, Math.ceil(perGroup / Math.min(perGroup, wanted)));
  const partsPerGroup = Math.ceil(perGroup / perPart);
  const parts = groups * partsPerGroup;
  const thinStride = Math.ceil(thin / padded) * padded;
  const partSize = Math.ceil(wide / 64) * 64 * thinStride;
  const partials = op.scratch("partials", [parts * partSize]);
  const biasPartials = op.scratch("bias_partials", [parts * outputs]);
  const weights = {
    points,
    blocks_per_scene: perScene,
    wide_channels: wide,
    thin_channels: thin,
    thin_fours: thinStride / 4,
    blocks_per_group: perGroup,
    parts_per_group: partsPerGroup,
    blocks_per_part: perPart,
    floor,
  };
  op.run(
    entry,
    {
      weights,
      wide: swapped ? x : dY,
      thin: swapped ? dY : x,
      partials,
      bias_partials: biasPartials,
    },
    [Math.ceil(wide / 64), Math.ceil(thin / thinTile), parts],
    {
      kernel,
      part: "backward_weight",
      constants: { swapped: Number(swapped) },
      flops: 2 * scenes * points * inputs * outputs,
    },
  );
  recordPartSums(op, "backward_weight.sum", dWeight, {
    parts: partials,
    part_size: partSize,
    groups: 1,
    parts_per_group: parts,
    rows: outputs,
    columns: inputs,
    part_row: swapped ? 1 : thinStride,
    part_column: swapped ? thinStride : 1,
    row_stride: columns,
    first,
  });
  const biases = {
    parts: biasPartials,
    part_size: outputs,
    rows: outputs,
    columns: 1,
    part_row: 1,
  };
  recordPartSums(op, "backward_bias", dBias, {
    ...biases,
    groups: 1,
    parts_per_group: parts,
    row_stride: 1,
  });
  // a scene's code lies in lane 0 of its block: 64 numbers a channel
  recordPartSums(op, "backward_group_bias", dScene, {
    ...biases,
    groups: scenes,
    parts_per_group: partsPerGroup,
    part_group: partsPerGroup * outputs,
    row_stride: 64,
    group_stride: 64 * outputs,
  });
}

/** Sums of parts in their order: see `Sums` in linear_weights.wgsl. */
export interface PartSums {
  readonly parts: Tensor;
  /** Rows, columns and groups of the result. */
  readonly rows: number;
  readonly columns: number;
  readonly groups: number;
  readonly parts_per_group: number;
  /** Numbers between parts, and in a part between groups, rows and columns. */
  readonly part_size: number;
  readonly part_first?: number;
  readonly part_group?: number;
  readonly part_row: number;
  readonly part_column?: number;
  /** Numbers in the result between groups, rows and columns. */
  readonly first?: number;
  readonly group_stride?: number;
  readonly row_stride: number;
  readonly column_stride?: number;
}

/** Records `gradient[group, row, column] (+)= Σ parts[part, group, row, column]` over the parts. */
export function recordPartSums(
  op: Operation,
  part: string,
  sums: GradientTarget,
  { parts, groups, ...given }: PartSums,
): void {
  const places = {
    part_first: 0,
    part_group: 0,
    part_column: 1,
    first: 0,
    group_stride: 0,
    column_stride: 1,
    ...given,
  };
  const [across, down] = linearWorkgroups(places.rows * places.columns);
  op.run("sum_parts", { places, parts, sums }, [across, down, groups], { kernel, part });
}

/** How the weight gradient is cut: channels of a workgroup, to which multiple rows of sums are padded, workgroups wanted. */
function gradientTiles(variant: ProductVariant, swapped: boolean) {
  if (variant === "tiled") {
    return { entry: "gradient_tiled", thinTile: 64, padded: 4, workgroups: 512 };
  }
  return swapped
    ? { entry: "gradient_registers_narrow", thinTile: 4, padded: 4, workgroups: 32 }
    : { entry: "gradient_registers", thinTile: 32, padded: 32, workgroups: 32 };
}
