/**
 * Linear layers over points, with everything around them that would be a pass of its own.
 *
 * @module
 */
import text from "../../wgsl/ops/linear.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { type GradientTarget, Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { pointsPerGroup } from "./add_groups.ts";
import {
  type ColumnRange,
  narrowOutputs,
  packWeight,
  recordWeightGradient,
} from "./linear_weights.ts";
import { type ProductVariant, productVariant } from "./product_variant.ts";

const kernel = defineKernel("wgsl/ops/linear.wgsl", text);

const lowest = -3.4028234663852886e38;

/** What a linear layer multiplies and adds. */
export interface LinearOptions {
  /** W `(outputs, columns)` rows. */
  readonly weight: Tensor;
  /** b `(outputs)` rows. */
  readonly bias?: Tensor | undefined;
  /** `[first, count]` of W's columns that take part; all by default. */
  readonly columns?: readonly [number, number];
  /** Reads `relu(x)` in place of x. */
  readonly reluInput?: boolean;
  /** `(scenes, points, outputs)` in blocks, added. */
  readonly residual?: Tensor | undefined;
  /** `(scenes, groups, outputs)` in blocks, added to the points of each group (a ray's, a scene's). */
  readonly groupBias?: Tensor | undefined;
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
  const op = new Operation(plan, "linear", label, kernel);
  const [scenes, points, inputs] = op.expect({ x }, "blocks", ["scenes", "points", "inputs"]);
  const wanted = ["outputs", options.columns ? "columns" : inputs];
  const [outputs, columns] = op.expect({ weight }, "rows", wanted);
  const [first, count] = options.columns ?? [0, columns];
  if (count !== inputs || first + count > columns) {
    throw op.error(
      `columns ${first} to ${
        first + count
      } of weight (${outputs}, ${columns}), x has ${inputs} channels`,
    );
  }
  const shape = [scenes, points, outputs];
  if (bias) op.expect({ bias }, "rows", [outputs]);
  if (residual) op.expect({ residual }, "blocks", shape);
  const y = op.output(shape, "blocks", [x, weight, bias, residual, groupBias]);
  const perGroup = groupBias ? pointsPerGroup(op, y, groupBias) : 0;
  const floor = reluInput ? 0 : lowest;
  const range: ColumnRange = { weight, first, inputs, outputs, columns };

  recordProduct(op, "forward", variant, {
    x,
    packed: packWeight(op, range, false),
    outputs,
    y,
    bias,
    groupBias,
    perGroup,
    residual,
    floor,
  });

  op.backward([y], ([dY]) => {
    if (x.requiresGradient) {
      recordProduct(op, "backward_input", variant, {
        x: dY,
        outputs: inputs,
        y: op.target(x),
        packed: packWeight(op, range, true),
        gate: reluInput ? x : undefined,
        perGroup: 0,
        floor: lowest,
      });
    }
    recordWeightGradient(op, variant, range, x, dY, floor, { bias, groupBias });
    if (residual) op.share(residual, dY);
  });
  return y;
}

interface Product {
  readonly x: Tensor;
  readonly packed: Tensor;
  readonly outputs: number;
  readonly y: Tensor | GradientTarget;
  readonly bias?: Tensor | undefined;
  readonly groupBias?: Tensor | undefined;
  readonly perGroup: number;
  readonly residual?: Tensor | undefined;
  readonly gate?: Tensor | undefined;
  readonly floor: number;
}

function recordProduct(op: Operation, part: string, variant: ProductVariant, of: Product): void {
  const { x, packed, outputs, y, bias, groupBias, perGroup, residual, gate, floor } = of;
  const [scenes, points, inputs] = x.shape;
  const perScene = blocksOf(points);
  const blocks = scenes * perScene;
  const narrow = outputs <= narrowOutputs;
  const [entry, ...workgroups] = {
    registers: ["product_registers", Math.ceil(blocks / 2), Math.ceil(outputs / 16)] as const,
    tiled: narrow
      ? ["product_tiled_narrow", Math.ceil(blocks / 4)] as const
      : ["product_tiled", blocks, Math.ceil(outputs / 64)] as const,
  }[variant];
  const product = {
    blocks,
    blocks_per_scene: perScene,
    inputs,
    outputs,
    points_per_group: perGroup,
    groups: groupBias?.shape[1] ?? 1,
    floor,
  };
  const constants = {
    group_quads: perGroup % 4 === 0 ? 1 : 0,
    ...variant === "registers" && { narrow: Number(narrow) },
  };
  const flops = 2 * scenes * points * inputs * outputs;
  const bindings = { product, x, packed, y, bias, group_bias: groupBias, gate, residual };
  op.run(entry, bindings, workgroups, { part, constants, flops });
}
