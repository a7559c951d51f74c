/**
 * Dispatches: what a plan is a list of.
 *
 * @module
 */
import type { Gate } from "./gate.ts";
import type { Recorder } from "./gradient_guard.ts";
import type { Constants, Kernel } from "./kernel.ts";
import type { Tensor } from "./tensor.ts";
import type { Uniform } from "./uniforms.ts";

/** One dispatch as an operation records it. */
export interface Dispatch {
  /** Path and pass: `dynamic.blocks.0.fc_0.backward_weight`; the first words group it in benchmarks. */
  readonly label: string;
  readonly kernel: Kernel;
  readonly entry: string;
  readonly constants?: Constants;
  /** Tensors by the WGSL variable's name, and uniform blocks as plain numbers. */
  readonly bindings: Readonly<Record<string, Tensor | Uniform>>;
  readonly workgroups: readonly [number, number?, number?];
  /** Floating-point operations (a multiply-add is two). */
  readonly flops?: number | undefined;
  /** The operation that records it; the dispatches of one may read what the others only wrote for it. */
  readonly by?: Recorder;
  /** What it runs behind. */
  readonly gate?: Gate | undefined;
}
