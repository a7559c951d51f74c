/**
 * Linear layers over points, with everything around them that would be a pass of its own.
 *
 * @module
 */
import productText from "../../wgsl/ops/linear.wgsl" with { type: "text" };
import weightsText from "../../wgsl/ops/linear_weights.wgsl" with { type: "text" };
import type { Gpu } from "../runtime/device.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { type GradientSink, linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { pointsPerGroup, sumGroups } from "./add_groups.ts";
import { expectShape } from "./shapes.ts";

const productKernel = defineKernel("wgsl/ops/linear.wgsl", productText);
const weightsKernel = defineKernel("wgsl/ops/linear_weights.wgsl", weightsText);

const lowest = -3.4028234663852886e38;
const narrowOutputs = 4;
/** Blocks that one invocation walks, 17 turns each: some software drivers end an invocation's loops silently after 65,535. */
const mostPartBlocks = 2048;

/** What a linear layer multiplies and adds. */
export interface LinearOptions {
  /** W `(outputs, columns)` rows. */
  readonly weight: Tensor;
  /** b `(outputs)` rows. */
  readonly bias?: Tensor;
  /** `[first, count]` of W's columns that take part; all by default. */
  readonly columns?: readonly [number, number];
  /** Reads `relu(x)` in place of x. */
  readonly reluInput?: boolean;
  /** `(scenes, points, outputs)` in blocks, added. */
  readonly residual?: Tensor;
  /** `(scenes, groups, outputs)` in blocks, added to the points of each group (a ray's, a scene's). */
  readonly groupBias?: Tensor;
  /** Which kernels: by default registers on software drivers, shared tiles on GPUs. */
  readonly variant?: LinearVariant;
}

/** `registers`: no barrier, large register tiles; `tiled`: shared-memory tiles. */
export type LinearVariant = "registers" | "tiled";

/** The variant that suits an adapter. */
export function linearVariant(gpu: Gpu): LinearVariant {
  return gpu.software ? "registers" : "tiled";
}

/**
 * Records `y = W·a + b + groupBias + residual` with `a = relu(x)` or `x`.
 *
 * @param x `(scenes, points, inputs)` in blocks
 * @returns `(scenes, points, outputs)` in blocks
 */
export function linear(plan: Plan, label: string, x: Tensor, options: LinearOptions): Tensor {
  const { weight, bias, reluInput = false, residual, groupBias } = options;
  const variant = options.variant ?? linearVariant(plan.gpu);
  const path = plan.path(label);
  const [scenes, points, inputs] = expectShape("linear", path, { x }, "blocks", [
    "scenes",
    "points",
    "inputs",
  ]);
  const [outputs, columns] = expectShape("linear", path, { weight }, "rows", [
    "outputs",
    options.columns ? "columns" : inputs,
  ]);
  const [first, count] = options.columns ?? [0, columns];
  if (count !== inputs || first + count > columns) {
    throw new Error(
      `Cannot record linear "${path}": columns ${first} to ${first + count} of weight ` +
        `(${outputs}, ${columns}), x has ${inputs} channels`,
    );
  }
  const shape = [scenes, points, outputs];
  if (bias) expectShape("linear", path, { bias }, "rows", [outputs]);
  if (residual) expectShape("linear", path, { residual }, "blocks", shape);
  const y = plan.activation(label, shape, "blocks", [x, weight, bias, residual, groupBias]);
  const perGroup = groupBias ? pointsPerGroup("linear", path, y, groupBias) : 0;
  const floor = reluInput ? 0 : lowest;
  const part: ColumnRange = { weight, first, inputs, outputs, columns };

  recordProduct(plan, `${label}.forward`, variant, {
    x,
    packed: packWeight(plan, label, part, false),
    y,
    bias,
    groupBias,
    perGroup,
    residual,
    floor,
    accumulate: 0,
  });

  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(x);
    if (sink) {
      recordProduct(plan, `${label}.backward_input`, variant, {
        x: dY,
        packed: packWeight(plan, label, part, true),
        y: sink.gradient,
        gate: reluInput ? x : undefined,
        perGroup: 0,
        floor: lowest,
        accumulate: sink.accumulate,
      });
    }
    recordWeightGradient(plan, label, variant, part, x, dY, floor, { bias, groupBias });
    if (residual) plan.shareGradient(residual, dY);
  });
  return y;
}

/** The columns of a weight that take part. */
interface ColumnRange {
  readonly weight: Tensor;
  readonly first: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly columns: number;
}

/** W (or Wᵀ, for the input's gradient) as the products read it, once a step. */
function packWeight(plan: Plan, label: string, range: ColumnRange, transposed: boolean): Tensor {
  const { weight, first, columns } = range;
  const [inputs, outputs] = transposed
    ? [range.outputs, range.inputs]
    : [range.inputs, range.outputs];
  return plan.once(weight, `pack ${first} ${inputs} ${transposed}`, () => {
    const even = Math.ceil(inputs / 2) * 2;
    const size = Math.ceil(outputs / 16) * even * 16;
    const packed = plan.activation(`${label}.packed`, [size]);
    plan.dispatch({
      label: `${label}.pack`,
      kernel: weightsKernel,
      entry: "pack",
      bindings: {
        weight,
        packed,
        packing: {
          inputs,
          outputs,
          first,
          input_stride: transposed ? columns : 1,
          output_stride: transposed ? 1 : columns,
        },
      },
      workgroups: linearWorkgroups(size),
    });
    return packed;
  });
}

interface Product {
  readonly x: Tensor;
  readonly packed: Tensor;
  readonly y: Tensor;
  readonly bias?: Tensor;
  readonly groupBias?: Tensor;
  readonly perGroup: number;
  readonly residual?: Tensor;
  readonly gate?: Tensor;
  readonly floor: number;
  readonly accumulate: 0 | 1;
}

function recordProduct(plan: Plan, label: string, variant: LinearVariant, of: Product): void {
  const [scenes, points, inputs] = of.x.shape;
  const outputs = of.y.shape[2];
  const perScene = blocksOf(points);
  const blocks = scenes * perScene;
  const narrow = outputs <= narrowOutputs;
  const dispatch = {
    registers: {
      entry: "product_registers",
      constants: { narrow: Number(narrow) },
      workgroups: [Math.ceil(blocks / 2), Math.ceil(outputs / 16)] as const,
    },
    tiled: narrow
      ? { entry: "product_tiled_narrow", workgroups: [Math.ceil(blocks / 4)] as const }
      : { entry: "product_tiled", workgroups: [blocks, Math.ceil(outputs / 64)] as const },
  }[variant];
  plan.dispatch({
    ...dispatch,
    label,
    kernel: productKernel,
    constants: {
      ...("constants" in dispatch ? dispatch.constants : {}),
      has_bias: of.bias ? 1 : 0,
      has_groups: of.groupBias ? 1 : 0,
      group_quads: of.perGroup % 4 === 0 ? 1 : 0,
      has_gate: of.gate ? 1 : 0,
      has_residual: of.residual ? 1 : 0,
      accumulate: of.accumulate,
    },
    bindings: {
      x: of.x,
      packed: of.packed,
      y: of.y,
      bias: of.bias ?? of.x, // what is absent is bound all the same, and not read
      group_bias: of.groupBias ?? of.x,
      gate: of.gate ?? of.x,
      residual: of.residual ?? of.x,
      product: {
        blocks,
        blocks_per_scene: perScene,
        inputs,
        outputs,
        points_per_group: of.perGroup,
        groups: of.groupBias?.shape[1] ?? 1,
        floor: of.floor,
      },
    },
    flops: 2 * scenes * points * inputs * outputs,
  });
}

/** dW and db, and the group bias's gradient, which is db kept apart where a group is a whole scene. */
function recordWeightGradient(
  plan: Plan,
  label: string,
  variant: LinearVariant,
  range: ColumnRange,
  x: Tensor,
  dY: Tensor,
  floor: number,
  { bias, groupBias }: { bias?: Tensor; groupBias?: Tensor },
): void {
  const { weight, first, inputs, outputs, columns } = range;
  const dWeight = plan.gradientSink(weight, { partial: inputs < columns });
  const dBias = bias && plan.gradientSink(bias);
  const wholeScene = groupBias?.shape[1] === 1;
  if (groupBias && !wholeScene) sumGroups(plan, `${label}.backward_group_bias`, dY, groupBias);
  const dScene = wholeScene ? plan.gradientSink(groupBias, { partial: true }) : undefined;
  if (!dWeight && !dBias && !dScene) return;

  const [scenes, points] = x.shape;
  const perScene = blocksOf(points);
  const swapped = outputs <= narrowOutputs;
  const [wide, thin] = swapped ? [inputs, outputs] : [outputs, inputs];
  const { entry, thinTile, padded, workgroups } = gradientTiles(variant, swapped);
  const tiles = Math.ceil(wide / 64) * Math.ceil(thin / thinTile);
  const groups = dScene ? scenes : 1; // whose bias gradients are kept apart
  const perGroup = scenes * perScene / groups;
  const wanted = Math.ceil(workgroups / (tiles * groups));
  const perPart = Math.min(mostPartBlocks, Math.ceil(perGroup / Math.min(perGroup, wanted)));
  const partsPerGroup = Math.ceil(perGroup / perPart);
  const parts = groups * partsPerGroup;
  const thinStride = Math.ceil(thin / padded) * padded;
  const partSize = Math.ceil(wide / 64) * 64 * thinStride;
  const partials = plan.activation(`${label}.partials`, [parts * partSize]);
  const biasPartials = plan.activation(`${label}.bias_partials`, [parts * outputs]);
  plan.dispatch({
    label: `${label}.backward_weight`,
    kernel: weightsKernel,
    entry,
    constants: { swapped: Number(swapped) },
    bindings: {
      wide: swapped ? x : dY,
      thin: swapped ? dY : x,
      partials,
      bias_partials: biasPartials,
      weights: {
        points,
        blocks_per_scene: perScene,
        wide_channels: wide,
        thin_channels: thin,
        thin_fours: thinStride / 4,
        blocks_per_group: perGroup,
        parts_per_group: partsPerGroup,
        blocks_per_part: perPart,
        floor,
      },
    },
    workgroups: [Math.ceil(wide / 64), Math.ceil(thin / thinTile), parts],
    flops: 2 * scenes * points * inputs * outputs,
  });
  const sum = (
    name: string,
    sink: GradientSink | undefined,
    of: Tensor,
    { groups, ...places }: Record<string, number>,
  ) => {
    if (!sink) return;
    plan.dispatch({
      label: `${label}.${name}`,
      kernel: weightsKernel,
      entry: "sum_parts",
      bindings: {
        parts: of,
        sums: sink.gradient,
        places: {
          rows: outputs,
          ...places,
          part_size: of.size / parts,
          parts_per_group: parts / groups,
          accumulate: sink.accumulate,
        },
      },
      workgroups: [...linearWorkgroups(outputs * places.columns), groups],
    });
  };
  sum("backward_weight.sum", dWeight, partials, {
    groups: 1,
    columns: inputs,
    part_row: swapped ? 1 : thinStride,
    part_column: swapped ? thinStride : 1,
    row_stride: columns,
    group_stride: 0,
    first,
  });
  const biases = { columns: 1, part_row: 1, part_column: 0, first: 0 };
  sum("backward_bias", dBias, biasPartials, {
    ...biases,
    groups: 1,
    row_stride: 1,
    group_stride: 0,
  });
  // a scene's code lies in lane 0 of its block: 64 numbers a channel
  sum("backward_group_bias", dScene, biasPartials, {
    ...biases,
    groups: scenes,
    row_stride: 64,
    group_stride: 64 * outputs,
  });
}

/** How the weight gradient is cut: channels of a workgroup, to which multiple rows of sums are padded, workgroups wanted. */
function gradientTiles(variant: LinearVariant, swapped: boolean) {
  if (variant === "tiled") {
    return { entry: "gradient_tiled", thinTile: 64, padded: 4, workgroups: 512 };
  }
  return swapped
    ? { entry: "gradient_registers_narrow", thinTile: 4, padded: 4, workgroups: 32 }
    : { entry: "gradient_registers", thinTile: 32, padded: 32, workgroups: 32 };
}
