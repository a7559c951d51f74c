/**
 * Operations: a kernel's entry points recorded with their shapes, outputs and gradients.
 *
 * An operation is a function `(plan, label, inputs) → output` that makes one {@link Operation} and tells it what to run. Tensors
 * are bound by the kernel's own names. Two names have a meaning:
 *
 * - `mode_x`, a uniform's field or an `override`, says how the gradient bound by {@link Operation.target} to `d_x` (or `x`) is
 *   written: 0 overwrite, 1 add, 2 not at all. Fan-out adds up, so a kernel always obeys it (`wgsl/common/gradients.wgsl`).
 * - `has_x` says whether a tensor or `undefined` is bound to `x`.
 *
 * @module
 */
import type { Constants, Kernel } from "./kernel.ts";
import type { Plan } from "./plan.ts";
import { expectFrozen, expectShape } from "./shapes.ts";
import { isTensor, type Layout, type Tensor } from "./tensor.ts";
import type { Uniform } from "./uniforms.ts";

/** Where a backward pass writes the gradient of one input: bound in its place. */
export class GradientTarget {
  /** @param gradient none where nobody asks */
  constructor(readonly gradient: Tensor | undefined, readonly mode: 0 | 1 | 2) {}
}

/** What stands for a variable of a kernel: a tensor, numbers of a uniform block, a gradient, or nothing. */
export type Bound = Tensor | Uniform | GradientTarget | undefined;

/** Options of {@link Operation.run}. */
export interface RunOptions {
  /** Numbers for `override` constants. */
  readonly constants?: Constants;
  /** Floating-point operations (a multiply-add is two). */
  readonly flops?: number;
  /** Another of the operation's kernels. */
  readonly kernel?: Kernel;
  /** What the label ends in, where that is not the entry point; nothing where it is empty. */
  readonly part?: string | undefined;
}

/** One use of a kernel in a plan. */
export class Operation {
  /** The label under the plan's scopes. */
  readonly path: string;
  readonly #inputs = new Set<Tensor>();

  /**
   * @param name the function that records, for messages: `linear`
   * @param label names the output and, with the entry points, the dispatches: `blocks.0.fc_0`; where it is empty the plan's
   * scopes and what is joined to it do
   */
  constructor(
    readonly plan: Plan,
    readonly name: string,
    readonly label: string,
    readonly kernel: Kernel,
  ) {
    this.path = plan.path(label).replace(/\.$/, "");
  }

  /**
   * Checks one named tensor against a layout and dimensions; a word stands for any length.
   *
   * @returns the tensor's shape
   * @throws `Cannot record linear "sf.out": weight is (256, 128) in rows, wanted (outputs, 84) in rows`
   */
  expect(
    named: Readonly<Record<string, Tensor>>,
    layout: Layout,
    wanted: readonly (number | string)[],
  ): readonly number[] {
    return expectShape(this.name, this.path, named, layout, wanted);
  }

  /** Refuses inputs that require a gradient: the operation is for inference only. In a plan for inference none does. */
  expectFrozen(named: Readonly<Record<string, Tensor | undefined>>): void {
    if (!this.plan.options.inference) expectFrozen(this.name, this.path, named);
  }

  /** The error of something else that does not fit: `Cannot record linear "sf.out": …`. */
  error(wrong: string): Error {
    return new Error(`Cannot record ${this.name} "${this.path}": ${wrong}`);
  }

  /**
   * An output, which requires a gradient when one of its inputs does.
   *
   * @param inputs what it is differentiable in; {@link backward} must ask for the gradient of each that requires one
   * @param part what the label goes on with, where there are several outputs
   */
  output(
    shape: readonly number[],
    layout: Layout,
    inputs: readonly (Tensor | undefined)[],
    part?: string,
  ): Tensor {
    for (const input of inputs) if (input) this.#inputs.add(input);
    return this.plan.activation(this.#labelOf(part), shape, layout, inputs);
  }

  /** A tensor that only this operation reads. */
  scratch(part: string, shape: readonly number[], layout: Layout = "rows"): Tensor {
    return this.plan.activation(this.#labelOf(part), shape, layout);
  }

  /** An output that is not differentiable, and that is meant: an index, a measure to be logged. */
  constant(shape: readonly number[], layout: Layout = "rows", part?: string): Tensor {
    const tensor = this.plan.activation(this.#labelOf(part), shape, layout);
    this.plan.guard.constant(tensor);
    return tensor;
  }

  /**
   * Records one dispatch, labelled `label.entry`. One that writes nothing but gradients for which nobody asks is left out.
   *
   * @throws when the kernel does not declare what is bound, or the device cannot run so many workgroups
   */
  run(
    entry: string,
    bindings: Readonly<Record<string, Bound>>,
    workgroups: readonly [number, number?, number?],
    options: RunOptions = {},
  ): void {
    const { plan } = this;
    const { kernel = this.kernel, part = entry, flops } = options;
    const writes = Object.keys(bindings).filter((name) =>
      kernel.bindings.get(name)?.access === "read_write"
    );
    const isUnasked = (name: string) => {
      const bound = bindings[name];
      return bound instanceof GradientTarget && !bound.gradient;
    };
    if (writes.length > 0 && writes.every(isUnasked)) return;

    const flags: Record<string, number> = {}; // mode_… and has_…
    const tensors: Record<string, Tensor> = {};
    let spares = 0;
    for (const [name, bound] of Object.entries(bindings)) {
      if (bound !== undefined && !(bound instanceof GradientTarget) && !isTensor(bound)) continue;
      const spare = () =>
        kernel.bindings.get(name)?.access === "read_write" ? plan.spare(spares++) : plan.absent;
      if (bound instanceof GradientTarget) {
        const mode = `mode_${name.replace(/^d_/, "")}`;
        if (!declares(kernel, bindings, mode)) {
          throw this.error(`${kernel.path} has no ${mode}, which says how ${name} is written`);
        }
        flags[mode] = bound.mode;
        tensors[name] = bound.gradient ?? spare();
      } else {
        flags[`has_${name}`] = bound ? 1 : 0;
        tensors[name] = bound ?? spare();
      }
    }
    const uniforms: Record<string, Uniform> = {};
    for (const [name, bound] of Object.entries(bindings)) {
      if (name in tensors) continue;
      const fields = kernel.bindings.get(name)?.fields ?? [];
      const missing = fields.map((field) => field.name).filter((field) =>
        !(field in (bound as Uniform)) && /^(mode|has)_/.test(field)
      );
      uniforms[name] = {
        ...bound as Uniform,
        ...Object.fromEntries(missing.map((field) => [field, flags[field] ?? 0])),
      };
    }
    const constants = Object.fromEntries(
      Object.entries(flags).filter(([name]) => kernel.overrides.has(name)),
    );
    plan.dispatch({
      label: this.#labelOf(part),
      kernel,
      entry,
      constants: { ...constants, ...options.constants },
      bindings: { ...tensors, ...uniforms },
      workgroups,
      flops,
      by: this,
    });
  }

  /**
   * Says how the gradients of outputs become those of the inputs; `record` runs once, while the plan walks back.
   *
   * @throws while walking back, when `record` asks for the gradient of none of the {@link output}'s inputs that requires one
   */
  backward(outputs: readonly Tensor[], record: (gradients: Tensor[]) => void): void {
    const inputs = [...this.#inputs].filter((input) => input.requiresGradient);
    this.plan.backward(outputs, (gradients) => {
      const asked = this.plan.asking(() => record(gradients));
      const forgotten = inputs.find((input) => !asked.has(input));
      if (!forgotten) return;
      throw new Error(
        `Cannot differentiate ${this.name} "${this.path}": its backward pass never asks for the gradient of ` +
          `"${forgotten.label}"`,
      );
    });
  }

  /**
   * Where the backward pass writes the gradient of `input`, to be bound in its place; nobody asks for that of an absent one.
   *
   * @param options `partial`: the kernel covers only some of the numbers (columns of a weight, channels of a map): the rest is
   * made zero first, and it adds
   */
  target(
    input: Tensor | undefined,
    options: { readonly partial?: boolean } = {},
  ): GradientTarget {
    const sink = input && this.plan.gradientSink(input, options);
    return new GradientTarget(sink?.gradient, sink?.accumulate ?? 2);
  }

  /** {@link Plan.shareGradient}: an output's gradient is also that of `input`, without a copy where that can be. */
  share(input: Tensor, gradient: Tensor): void {
    this.plan.shareGradient(input, gradient);
  }

  #labelOf(part?: string): string {
    return [this.label, part].filter(Boolean).join(".");
  }
}

/** Whether a kernel has a flag as an `override` or in one of the uniform blocks that are bound. */
function declares(
  kernel: Kernel,
  bindings: Readonly<Record<string, Bound>>,
  flag: string,
): boolean {
  return kernel.overrides.has(flag) ||
    Object.keys(bindings).some((name) =>
      kernel.bindings.get(name)?.fields.some((field) => field.name === flag)
    );
}
