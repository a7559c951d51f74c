/**
 * Gradients of kernels that write several at once.
 *
 * @module
 */
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

/** What a kernel with several gradients does with one of them. */
export interface OptionalSink {
  /** The gradient, or one number that is never touched. */
  readonly gradient: Tensor;
  /** 0: overwrite; 1: add; 2: write nothing, since nobody asks for this gradient. */
  readonly mode: 0 | 1 | 2;
}

/** Where a kernel that always binds a gradient of `input` writes it. */
export function optionalSink(plan: Plan, input: Tensor): OptionalSink {
  const sink = plan.gradientSink(input);
  if (sink) return { gradient: sink.gradient, mode: sink.accumulate };
  return { gradient: plan.activation(`unasked(${input.label})`, [1]), mode: 2 };
}
