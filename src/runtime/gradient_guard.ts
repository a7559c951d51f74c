/**
 * A guard against gradients that vanish silently, always on.
 *
 * An output knows whether it requires a gradient from the inputs that its operation names. An operation that forgets one, or
 * never says how its output is differentiated, would train a network that stands still where it should move, without a word.
 *
 * @module
 */
import type { Tensor } from "./tensor.ts";

/** Who records dispatches: an operation, of which one label may have many. */
export interface Recorder {
  /** `linear`: the function that records. */
  readonly name: string;
  /** `static.blocks.0.fc_0`: what it records. */
  readonly path: string;
}

/** What was written from something that requires a gradient, and requires none itself. */
interface Derived {
  readonly by: Recorder;
  readonly source: Tensor;
}

/** Follows what the dispatches of a forward pass read and write. */
export class GradientGuard {
  readonly #derived = new Map<Tensor, Derived>();
  readonly #writers = new Map<Tensor, Recorder>();
  readonly #differentiated = new WeakSet<Tensor>();
  readonly #constants = new WeakSet<Tensor>();

  /** Somebody says how the gradients of these become those of the inputs. */
  differentiated(outputs: readonly Tensor[]): void {
    for (const output of outputs) this.#differentiated.add(output);
  }

  /** Not differentiable, and that is meant: an index, a measure to be logged. */
  constant(tensor: Tensor): void {
    this.#constants.add(tensor);
  }

  /**
   * Checks a dispatch of the forward pass.
   *
   * @throws when it reads what another operation made of a tensor that requires a gradient without saying so, or an output
   * whose operation recorded no backward pass
   */
  dispatch(by: Recorder, reads: readonly Tensor[], writes: readonly Tensor[]): void {
    let source: Tensor | undefined;
    for (const read of reads) {
      const writer = this.#writers.get(read);
      if (read.requiresGradient && writer && writer !== by && !this.#differentiated.has(read)) {
        throw new Error(
          `Cannot record ${by.name} "${by.path}": it reads "${read.label}", which requires a gradient, and ` +
            `${writer.name} "${writer.path}" does not say how it is differentiated; call its backward()`,
        );
      }
      const derived = this.#derived.get(read);
      if (derived && derived.by !== by) {
        throw new Error(
          `Cannot record ${by.name} "${by.path}": it reads "${read.label}", which ${derived.by.name} ` +
            `"${derived.by.path}" made of "${derived.source.label}" and which forgets its gradient; ` +
            "name the input where the output is made, or call the output a constant",
        );
      }
      source ??= read.requiresGradient ? read : derived?.source;
    }
    for (const write of writes) {
      this.#writers.set(write, by);
      const forgets = source && !write.requiresGradient && !write.memory &&
        !this.#constants.has(write);
      if (forgets) this.#derived.set(write, { by, source: source! });
    }
  }
}
