/**
 * Linear layers over points, with everything around them that would be a pass of its own.
 *
 * @module
 */
import text from "../../wgsl/ops/linear.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { pointsPerGroup } from "./add_groups.ts";
import {
  type ColumnRange,
  narrowOutputs,
  packWeight,
  recordWeightGradient,
} from "./linear_weights.ts";
import { expectShape } from "../runtime/shapes.ts";
import { type ProductVariant, productVariant } from "./variant.ts";

const kernel = defineKernel("wgsl/ops/linear.wgsl", text);

const lowest = -3.4028234663852886e38;

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
  readonly variant?: ProductVariant;
}

/**
 * Records `y = W·a + b + groupBias + residual` with `a = relu(x)` or `x`.
 *
 * @param x `(scenes, points, inputs)` in blocks
 * @returns `(scenes, points, outputs)` in blocks
 */
export function linear(plan: Plan, label: string, x: Tensor, options: LinearOptions): Tensor {
  const { weight, bias, reluInput = false, residual, groupBias } = options;
  const variant = options.variant ?? productVariant(plan.gpu);
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

function recordProduct(plan: Plan, label: string, variant: ProductVariant, of: Product): void {
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
    kernel,
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
