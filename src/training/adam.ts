/**
 * Adam over flat parameter groups, with the global gradient norm measured and clipped.
 *
 * @module
 */
import text from "../../wgsl/training/adam.wgsl" with { type: "text" };
import type { ParameterGroup } from "../nets/parameters.ts";
import type { Gpu } from "../runtime/device.ts";
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { adamDecay } from "../runtime/step.ts";
import { createTensor, destroyTensor, type Tensor, writeTensor } from "../runtime/tensor.ts";
import { offsetOf } from "../runtime/views.ts";

const kernel = defineKernel("wgsl/training/adam.wgsl", text);

const lanes = 64;
const mostRows = 1024; // workgroups that share a group's Σ g²
const epsilon = 1e-8; // added to the deviation, as in PyTorch

/** Options of {@link Adam}. */
export interface AdamOptions {
  /** Gradients whose global norm is larger are scaled down to it. Default: no clipping. */
  maxNorm?: number | undefined;
  /** A step whose global norm is larger is left out: parameters and moments stay. Default: none is. */
  skipNorm?: number;
}

/** Running means of a group's gradients and of their squares, laid out like its values. */
interface Moments {
  readonly exp_avg: Tensor;
  readonly exp_avg_sq: Tensor;
}

const momentNames = ["exp_avg", "exp_avg_sq"] as const;

/**
 * PyTorch's Adam and `clip_grad_norm_` for the trainable groups of one stage.
 *
 * `g' = g·min(1, maxNorm/(‖g‖ + 1e-6))`, `m = β₁m + (1 − β₁)g'`, `v = β₂v + (1 − β₂)g'²`,
 * `p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)`; the norm is that of all groups together. In a step whose norm is
 * not finite, or over `skipNorm`, nothing moves, so the parameters and moments stay those of the last good step.
 */
export class Adam {
  /** `(1)`: the global norm ‖g‖ of the last step before clipping; NaN or infinite when a gradient was. */
  readonly norm: Tensor;
  readonly #moments: readonly Moments[];

  /**
   * @param groups trainable groups; their moments start at zero
   * @throws when a group is frozen
   */
  constructor(
    readonly gpu: Gpu,
    readonly groups: readonly ParameterGroup[],
    readonly options: AdamOptions = {},
  ) {
    const frozen = groups.find((group) => !group.gradients);
    if (frozen) throw new Error(`Cannot train "${frozen.label}": the group is frozen`);
    this.norm = createTensor(gpu, "adam.norm", [1]);
    this.#moments = groups.map(({ label, values }) => ({
      exp_avg: createTensor(gpu, `adam.exp_avg.${label}`, values.shape),
      exp_avg_sq: createTensor(gpu, `adam.exp_avg_sq.${label}`, values.shape),
    }));
  }

  /**
   * Records one step; call after the plan is differentiated.
   *
   * @param step the uniform of `createStep`: learning rate and bias corrections
   */
  record(plan: Plan, step: Tensor): void {
    const { maxNorm = 0, skipNorm = 0 } = this.options;
    const op = new Operation(plan, "adam", "adam", kernel);
    let rows = 0;
    const ranges = this.groups.map(({ values }) => {
      const size = values.size / 4;
      const range = { size, firstRow: rows, rows: Math.min(Math.ceil(size / lanes), mostRows) };
      rows += range.rows;
      return range;
    });
    const partials = op.scratch("partials", [rows]);
    const dimsOf = ({ size, firstRow, rows: groupRows }: typeof ranges[number]) => ({
      size,
      first_row: firstRow,
      group_rows: groupRows,
      rows,
      max_norm: maxNorm,
      skip_norm: skipNorm,
      ...adamDecay,
      epsilon,
    });
    const { norm } = this;
    this.groups.forEach(({ label, gradients }, i) => {
      const bindings = { gradients, partials, dims: dimsOf(ranges[i]) };
      op.run("sum_squares", bindings, [ranges[i].rows], { part: `sum_squares.${label}` });
    });
    op.run("finish_norm", { partials, norm, dims: dimsOf(ranges[0]) }, [1]);
    this.groups.forEach(({ label, gradients, values }, i) => {
      const moments = this.#moments[i], dims = dimsOf(ranges[i]);
      const bindings = { gradients, values, ...moments, norm, step, dims };
      op.run("update", bindings, linearWorkgroups(dims.size), { part: `update.${label}` });
    });
  }

  /** The moments by name, `<parameter>.exp_avg` and `<parameter>.exp_avg_sq`, for a checkpoint. */
  async read(): Promise<Map<string, Float32Array>> {
    const all = new Map<string, Float32Array>();
    for (const [i, group] of this.groups.entries()) {
      for (const moment of momentNames) {
        const values = await group.read(this.#moments[i][moment]);
        for (const [name, numbers] of values) all.set(`${name}.${moment}`, numbers);
      }
    }
    return all;
  }

  /**
   * Writes the moments from what {@link read} gave.
   *
   * @throws listing missing names and wrong sizes; other names are ignored
   */
  write(moments: ReadonlyMap<string, Float32Array>): void {
    const wrong: string[] = [];
    const writes: [Tensor, Float32Array][] = [];
    for (const [i, group] of this.groups.entries()) {
      for (const moment of momentNames) {
        const flat = new Float32Array(group.values.size);
        for (const { name } of group.specs) {
          const parameter = group.get(name), { shape, size } = parameter;
          const given = moments.get(`${name}.${moment}`);
          if (!given) wrong.push(`${name}.${moment} (${shape.join(", ")}) is missing`);
          else if (given.length !== size) {
            wrong.push(
              `${name}.${moment} has ${given.length} numbers, wanted (${shape.join(", ")})`,
            );
          } else flat.set(given, offsetOf(parameter));
        }
        writes.push([this.#moments[i][moment], flat]);
      }
    }
    if (wrong.length) throw new Error(`Cannot load Adam's moments:\n  ${wrong.join("\n  ")}`);
    for (const [tensor, flat] of writes) writeTensor(this.gpu, tensor, flat);
  }

  /** Frees the moments and the norm. */
  destroy(): void {
    for (const moments of this.#moments) {
      for (const moment of momentNames) destroyTensor(this.gpu, moments[moment]);
    }
    destroyTensor(this.gpu, this.norm);
  }
}
