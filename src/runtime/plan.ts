/**
 * The plan: a tape while it is recorded, a plain list of dispatches while it runs.
 *
 * The network's shape never changes while it trains. So an operation is an ordinary function that records itself once: it
 * makes its output tensor, adds its forward dispatch, and says how its hand-written backward is dispatched, given the
 * output's gradient. {@link Plan.differentiate} walks the tape backwards once; {@link Plan.build} shares memory between
 * activations, compiles pipelines and makes bind groups. A step is then one compute pass in one submit.
 *
 * @module
 */
import { arithmetic } from "./arithmetic.ts";
import { buildProgram } from "./build.ts";
import type { Gpu } from "./device.ts";
import type { Dispatch } from "./dispatch.ts";
import { Gate, gateKernel } from "./gate.ts";
import { GradientGuard, type Recorder } from "./gradient_guard.ts";
import type { Program } from "./program.ts";
import { repeatWriters } from "./recompute.ts";
import { isTensor, type Layout, sizeOf, type Tensor } from "./tensor.ts";

/** Where an operation's backward writes the gradient of one of its inputs. */
export interface GradientSink {
  readonly gradient: Tensor;
  /** 0: overwrite, this is the first writer; 1: add to what is there. */
  readonly accumulate: 0 | 1;
}

interface Node {
  readonly outputs: readonly Tensor[];
  readonly backward: (gradients: Tensor[]) => void;
}

interface Gradient {
  tensor: Tensor;
  /** Seeds and shared gradients belong to somebody else: copied before they are added to. */
  borrowed: boolean;
}

/** Options of a {@link Plan}. */
export interface PlanOptions {
  /** Whether {@link Plan.recompute} and {@link Plan.segment} do what they say (default). */
  readonly recompute?: boolean;
  /** Nothing is differentiated, though parameters may require gradients: no tape is kept. */
  readonly inference?: boolean;
}

/** Records operations, then builds a {@link Program}. */
export class Plan {
  /** Looks whether a gradient would vanish silently. */
  readonly guard: GradientGuard = new GradientGuard();
  /** What an absent input is bound to; nobody reads it. */
  readonly absent: Tensor = unbacked("absent");
  readonly #spares: Tensor[] = [];
  /** Whether dispatches are those of a forward pass that will be differentiated, so that the guard looks at them. */
  #guarded: boolean;
  /** Inputs whose gradients an operation's backward pass has asked for. */
  #asked = new Set<Tensor>();
  readonly #dispatches: Dispatch[] = [];
  readonly #nodes: Node[] = [];
  readonly #gradients = new Map<Tensor, Gradient>();
  readonly #targets = new Map<Tensor, Tensor>();
  readonly #kept = new Set<Tensor>();
  readonly #late = new Set<Tensor>();
  /** What a detached tensor's values are. */
  readonly #originals = new Map<Tensor, Tensor>();
  readonly #recomputed = new Set<Tensor>();
  readonly #ranges = new Map<Tensor, { readonly whole: Tensor; readonly offset: number }>();
  #forwardDispatches?: number;
  /** Gradients that an input took over: their memory has one owner. */
  readonly #shared = new Set<Tensor>();
  readonly #scope: string[] = [];
  readonly #once = new Map<Tensor, Map<string, unknown>>();
  /** Gates by their flag's tensor and index, the one being recorded behind, and what was made behind which. */
  readonly #gates = new Map<Tensor, Map<number, Gate>>();
  #gate: Gate | undefined;
  readonly #gateOf = new WeakMap<Tensor, Gate>();
  /** Segments being recorded: the first time, and again for the backward pass. */
  #segments = 0;
  #repeating = false;

  constructor(
    readonly gpu: Gpu,
    readonly label: string,
    readonly options: PlanOptions = {},
  ) {
    this.#guarded = !options.inference;
  }

  /** What the `i`-th output of a dispatch for which nobody asks is bound to: each its own, since buffers may not be written twice. */
  spare(i: number): Tensor {
    return this.#spares[i] ??= unbacked(`spare ${i}`);
  }

  /**
   * A tensor whose memory is chosen before each run by {@link Program.bind}: which of many buffers a step reads changes, the
   * list of dispatches does not.
   *
   * @param gradient also late, and zeroed before the backward pass: what the gradient is added to, where one is wanted
   */
  late(
    label: string,
    shape: readonly number[],
    layout: Layout = "rows",
    gradient?: Tensor,
  ): Tensor {
    const tensor = { ...this.activation(label, shape, layout), requiresGradient: !!gradient };
    this.#late.add(tensor);
    if (gradient) this.writeGradientTo(tensor, gradient);
    return tensor;
  }

  /** The same values, taken as constants: no gradient passes (PyTorch's `detach`). */
  detach(tensor: Tensor): Tensor {
    if (!tensor.requiresGradient) return tensor;
    const constant: Tensor = { ...tensor, requiresGradient: false };
    this.#originals.set(constant, tensor);
    return constant;
  }

  /** The same values under a name of their own, with respect to which {@link vjp} differentiates. */
  alias(tensor: Tensor): Tensor {
    const alias: Tensor = { ...tensor, requiresGradient: true };
    this.#originals.set(alias, this.#originals.get(tensor) ?? tensor);
    if (this.#gate) this.#gateOf.set(alias, this.#gate);
    return alias;
  }

  /** Some numbers of an activation as a tensor in rows, from an offset that is a multiple of 64 (WebGPU's alignment). */
  range(whole: Tensor, label: string, shape: readonly number[], offset: number): Tensor {
    const range = this.activation(label, shape);
    this.#ranges.set(range, { whole, offset });
    return range;
  }

  /** Records a part that nobody differentiates, though its tensors require gradients. */
  untaped<T>(record: () => T): T {
    const first = this.#nodes.length;
    const result = this.#unguarded(record);
    this.#nodes.splice(first);
    return result;
  }

  #unguarded<T>(record: () => T): T {
    const outer = this.#guarded;
    this.#guarded = false;
    try {
      return record();
    } finally {
      this.#guarded = outer;
    }
  }

  /** Runs a backward pass and tells for which tensors' gradients it asks. */
  asking(record: () => void): ReadonlySet<Tensor> {
    const outer = this.#asked;
    const asked = this.#asked = new Set<Tensor>();
    try {
      record();
    } finally {
      this.#asked = outer;
    }
    return asked;
  }

  /**
   * Records a function and, at once and apart from the tape, the gradients of `Σ seed · output` with respect to some of the
   * tensors it reads (a vector-Jacobian product); undefined where the output does not depend on one.
   */
  vjp(
    record: () => Tensor,
    seed: Tensor,
    inputs: readonly Tensor[],
  ): { output: Tensor; gradients: (Tensor | undefined)[] } {
    const first = this.#nodes.length;
    const output = record();
    this.#gradients.set(output, { tensor: seed, borrowed: true });
    this.#walkBack(this.#nodes.splice(first));
    const gradients = inputs.map((input) => this.#gradients.get(input)?.tensor);
    for (const input of inputs) this.#gradients.delete(input); // the next product starts anew
    return { output, gradients };
  }

  /**
   * Frees an activation after its last use in the forward pass and makes it again for the backward pass, by repeating the
   * dispatch that wrote it: memory for arithmetic. Its inputs must be activations that the backward pass reads anyway.
   */
  recompute<T extends Tensor>(tensor: T): T {
    if (this.options.recompute ?? true) this.#recomputed.add(tensor);
    return tensor;
  }

  /**
   * Records a part of the network of which only the results are kept: the backward pass records it again, runs that, and
   * walks back through it (gradient checkpointing, Chen et al. 2016). Its memory is then that of one segment at a time.
   *
   * @param record uses tensors made outside, and makes the same dispatches whenever it is called
   * @param resultsOf the tensors of its result that are used outside
   */
  segment<T>(record: () => T, resultsOf: (result: T) => readonly Tensor[]): T {
    if (!(this.options.recompute ?? true)) return record();
    const first = this.#nodes.length;
    this.#segments++;
    const result = record();
    this.#segments--;
    if (this.#nodes.splice(first).length === 0) return result; // nothing in it is differentiated
    this.backward(resultsOf(result), (gradients) => {
      const outer = this.#repeating;
      this.#repeating = true;
      const start = this.#nodes.length;
      resultsOf(record()).forEach((again, i) =>
        this.#gradients.set(again, { tensor: gradients[i], borrowed: true })
      );
      this.#repeating = outer;
      this.#walkBack(this.#nodes.splice(start));
    });
    return result;
  }

  /** Whether a {@link segment} is being recorded again: what a step does once (running statistics) is not done twice. */
  get repeating(): boolean {
    return this.#repeating;
  }

  /**
   * Records a part that runs only where a number on the GPU is not 0, its backward pass included.
   *
   * What it writes is undefined when it does not run, gradients of its own tensors too; to gradients of tensors made outside it
   * then adds nothing. Weights that are re-laid {@link once} a step are so before it, whether it runs or not.
   *
   * @param flags the number stands at `index`, written before this is recorded
   */
  gated<T>(flags: Tensor, index: number, record: () => T): T {
    if (this.#gate) {
      throw new Error(`Cannot record "${this.path("gate")}": it is behind another gate`);
    }
    let gates = this.#gates.get(flags);
    if (!gates) this.#gates.set(flags, gates = new Map());
    let gate = gates.get(index);
    if (!gate) { // a segment that is recorded again finds it
      gates.set(index, gate = new Gate(this.path("gate")));
      this.dispatch({
        label: "gate.open",
        kernel: gateKernel,
        entry: "open",
        bindings: { flags, counts: gate.counts, args: gate.args, dims: { index } },
        workgroups: [1],
      });
    }
    return this.#behind(gate, record);
  }

  #behind<T>(gate: Gate | undefined, record: () => T): T {
    const outer = this.#gate;
    this.#gate = gate;
    try {
      return record();
    } finally {
      this.#gate = outer;
    }
  }

  /** Whether a tensor outlives the gate that is recorded behind: what is undefined behind it must not be so in the tensor. */
  #outlives(tensor: Tensor): boolean {
    return this.#gate !== undefined && this.#gateOf.get(tensor) !== this.#gate;
  }

  /** Prefixes the labels of what `record` records: `plan.scoped("trunk", () => …)`. */
  scoped<T>(name: string, record: () => T): T {
    this.#scope.push(name);
    try {
      return record();
    } finally {
      this.#scope.pop();
    }
  }

  /** A label under the current scopes. */
  path(label: string): string {
    return [...this.#scope, label].join(".");
  }

  /** A tensor whose memory the plan gives; it requires a gradient when one of `inputs` does. */
  activation(
    label: string,
    shape: readonly number[],
    layout: Layout = "rows",
    inputs: readonly (Tensor | undefined)[] = [],
  ): Tensor {
    const tensor: Tensor = {
      label: this.path(label),
      shape: [...shape],
      layout,
      size: sizeOf(shape, layout),
      requiresGradient: !this.options.inference &&
        inputs.some((input) => input?.requiresGradient),
    };
    if (this.#gate) this.#gateOf.set(tensor, this.#gate);
    return tensor;
  }

  /** What `record` returned the first time for this owner and key: weights are re-laid once a step, however often used. */
  once<T>(owner: Tensor, key: string, record: () => T): T {
    let known = this.#once.get(owner);
    if (!known) this.#once.set(owner, known = new Map());
    if (!known.has(key)) {
      const nodes = this.#nodes.length;
      // What is re-laid has its gradient where it is used: that is no business of the guard's.
      known.set(key, this.#unguarded(() => this.#behind(undefined, record)));
      if (this.#segments > 0 && this.#nodes.length > nodes) {
        throw new Error(
          `Cannot record "${key}" of "${owner.label}" once in a segment: it is differentiated, and a segment forgets that`,
        );
      }
    }
    return known.get(key) as T;
  }

  /** Adds a dispatch to the end of the list. */
  dispatch(dispatch: Dispatch): void {
    for (const [name, value] of Object.entries(dispatch.bindings)) {
      const binding = dispatch.kernel.bindings.get(name);
      if (!binding) {
        throw new Error(
          `Cannot record ${dispatch.label}: ${dispatch.kernel.path} declares no "${name}"`,
        );
      }
      if (!isTensor(value) && binding.access !== "uniform") {
        throw new Error(
          `Cannot record ${dispatch.label}: "${name}" is storage, given plain numbers`,
        );
      }
    }
    if (this.#guarded && dispatch.by) this.#guard(dispatch, dispatch.by);
    const [x, y = 1, z = 1] = dispatch.workgroups;
    const most = this.gpu.device.limits.maxComputeWorkgroupsPerDimension;
    if (!(x > 0 && y > 0 && z > 0 && Math.max(x, y, z) <= most)) {
      throw new Error(
        `Cannot record ${dispatch.label}: ${x} x ${y} x ${z} workgroups, wanted 1 to ${most} each`,
      );
    }
    const bindings = Object.fromEntries(
      Object.entries(dispatch.bindings).map(([name, value]) => [
        name,
        isTensor(value) ? this.#originals.get(value) ?? value : value,
      ]),
    );
    const gate = this.#gate;
    const label = this.path(dispatch.label) + (this.#repeating ? ".again" : "");
    this.#dispatches.push({ ...dispatch, bindings, label, gate });
  }

  #guard(dispatch: Dispatch, by: Recorder): void {
    const reads: Tensor[] = [], writes: Tensor[] = [];
    for (const [name, value] of Object.entries(dispatch.bindings)) {
      if (!isTensor(value)) continue;
      (dispatch.kernel.bindings.get(name)!.access === "read_write" ? writes : reads).push(value);
    }
    this.guard.dispatch(by, reads, writes);
  }

  /**
   * Says how the gradients of an operation's outputs become those of its inputs.
   *
   * `record` runs once, while {@link differentiate} walks back, with one gradient an output (zeros for an output that no
   * loss depends on); it is skipped when no output requires or has a gradient.
   */
  backward(outputs: readonly Tensor[], record: (gradients: Tensor[]) => void): void {
    if (this.options.inference) return;
    this.guard.differentiated(outputs);
    const scope = [...this.#scope];
    const gate = this.#gate;
    this.#nodes.push({
      outputs,
      backward: (gradients) => {
        const outer = this.#scope.splice(0, this.#scope.length, ...scope);
        this.#behind(gate, () => record(gradients));
        this.#scope.splice(0, this.#scope.length, ...outer);
      },
    });
  }

  /**
   * Where a backward pass writes the gradient of `input`; undefined when nobody needs it.
   *
   * With `partial` the writer covers only some of the numbers (columns of a weight, channels of a map): the rest is made
   * zero first, and the writer adds.
   */
  gradientSink(input: Tensor, options: { partial?: boolean } = {}): GradientSink | undefined {
    this.#asked.add(input);
    if (!input.requiresGradient) return undefined;
    const known = this.#gradients.get(input);
    if (known && !known.borrowed) return { gradient: known.tensor, accumulate: 1 };
    const target = this.#targets.get(input); // zero at the step's start: always added to
    const gradient = target ?? this.#newGradient(input);
    this.#gradients.set(input, { tensor: gradient, borrowed: false });
    const outlives = this.#outlives(input);
    const partial = options.partial || outlives; // nothing is added where the gate is closed
    this.#behind(outlives ? undefined : this.#gate, () => {
      if (known) this.#copy(known.tensor, gradient, target ? 1 : 0);
      else if (partial && !target) this.fill(gradient, 0);
    });
    return { gradient, accumulate: known || target || partial ? 1 : 0 };
  }

  /**
   * Adds `gradient`, which is the gradient of an operation's output and is not read again after this call, to that of
   * `input`: the first writer hands the memory over without a copy (`y = x + f(x)` costs nothing on the way back).
   */
  shareGradient(input: Tensor, gradient: Tensor): void {
    this.#asked.add(input);
    if (!input.requiresGradient) return;
    const owner = [...this.#gradients.values()].find((entry) => entry.tensor === gradient);
    const free = !this.#shared.has(gradient) && !this.#outlives(input);
    if (free && !this.#gradients.has(input) && !this.#targets.has(input)) {
      this.#shared.add(gradient);
      this.#gradients.set(input, { tensor: gradient, borrowed: owner?.borrowed ?? false });
      return;
    }
    const sink = this.gradientSink(input)!;
    this.#copy(gradient, sink.gradient, sink.accumulate);
  }

  /** The gradient of a tensor after {@link differentiate}; undefined when no loss depends on it. */
  gradientOf(tensor: Tensor): Tensor | undefined {
    return this.#gradients.get(tensor)?.tensor;
  }

  /** Names zeroed memory that a tensor's gradient is to be added to (a range of a flat buffer, say). */
  writeGradientTo(tensor: Tensor, gradient: Tensor): void {
    this.#targets.set(tensor, gradient);
  }

  /** Walks the tape backwards from tensors whose gradients are given: `Σ seed · tensor` is differentiated. */
  differentiate(seeds: readonly { tensor: Tensor; gradient: Tensor }[]): void {
    this.#forwardDispatches ??= this.#dispatches.length;
    for (const { tensor, gradient } of seeds) {
      if (tensor.size !== gradient.size) {
        throw new Error(
          `Cannot differentiate "${tensor.label}" (${tensor.shape}): its seed is (${gradient.shape})`,
        );
      }
      const known = this.#gradients.get(tensor);
      if (known) throw new Error(`Cannot differentiate "${tensor.label}": it has two seeds`);
      this.#gradients.set(tensor, { tensor: gradient, borrowed: true });
    }
    this.#walkBack(this.#nodes.splice(0));
  }

  #walkBack(nodes: readonly Node[]): void {
    this.#unguarded(() => this.#walk(nodes));
  }

  #walk(nodes: readonly Node[]): void {
    for (const node of nodes.toReversed()) {
      if (!node.outputs.some((output) => output.requiresGradient)) continue;
      if (!node.outputs.some((output) => this.#gradients.has(output))) continue;
      node.backward(node.outputs.map((output) => {
        const known = this.#gradients.get(output);
        if (known) return known.tensor;
        const zeros = this.#newGradient(output);
        this.fill(zeros, 0);
        return zeros;
      }));
    }
  }

  /** Keeps an activation's memory to itself, so that it can be read after a run. */
  keep<T extends Tensor>(tensor: T): T {
    this.#kept.add(tensor);
    return tensor;
  }

  /** Fills a tensor with one value. */
  fill(tensor: Tensor, value: number): void {
    this.dispatch({
      label: `${tensor.label}.fill`,
      kernel: arithmetic,
      entry: "fill",
      bindings: { y: tensor, dims: { size: tensor.size, mode_y: 0, value } },
      workgroups: linearWorkgroups(tensor.size),
    });
  }

  #copy(from: Tensor, to: Tensor, accumulate: 0 | 1): void {
    this.dispatch({
      label: `${to.label}.${accumulate ? "add" : "copy"}`,
      kernel: arithmetic,
      entry: "copy",
      bindings: { x: from, y: to, dims: { size: to.size, mode_y: accumulate, value: 0 } },
      workgroups: linearWorkgroups(to.size),
    });
  }

  #newGradient(tensor: Tensor): Tensor {
    return {
      label: `d(${tensor.label})`,
      shape: tensor.shape,
      layout: tensor.layout,
      size: tensor.size,
      requiresGradient: false,
    };
  }

  /** Shares memory, compiles every pipeline, makes the bind groups. */
  build(): Promise<Program> {
    const forward = this.#forwardDispatches;
    return buildProgram(this.gpu, this.label, {
      dispatches: forward === undefined
        ? this.#dispatches
        : repeatWriters(this.#dispatches, forward, this.#recomputed),
      kept: this.#kept,
      late: this.#late,
      ranges: this.#ranges,
      gates: [...this.#gates.values()].flatMap((gates) => [...gates.values()]),
    });
  }
}

/** A tensor of a few numbers that stands for none; the plan gives it memory like any other. */
function unbacked(label: string): Tensor {
  return { label, shape: [64], layout: "rows", size: 64, requiresGradient: false };
}

/** Workgroups of 64 for `size` invocations, in two dimensions where one has too few. */
export function linearWorkgroups(size: number): [number, number] {
  const groups = Math.max(1, Math.ceil(size / 64));
  const x = Math.min(groups, 32768);
  return [x, Math.ceil(groups / x)];
}
