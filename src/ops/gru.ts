/**
 * The gates of a gated recurrent unit (Cho et al. 2014), behind the convolutions that make them.
 *
 * @module
 */
import text from "../../wgsl/ops/gru.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectFrozen, expectShape } from "../runtime/shapes.ts";

const kernel = defineKernel("wgsl/ops/gru.wgsl", text);

/** What both steps of a unit read and write, all `(1, points, …)` in blocks. */
export interface GruTensors {
  /** z and r before their sigmoids, without their share: `2·channels`. */
  readonly gates: Tensor;
  /** What is added to z, r and the candidate before their activations, the same at every step: `3·channels`. */
  readonly share: Tensor;
  /** The state: `channels`. */
  readonly hidden: Tensor;
}

/**
 * Records `r·hidden`, r = σ(gates₁ + share₁), written to the first channels of `into`. Forward only.
 *
 * @param into `(1, points, channels or more)` in blocks; its other channels stay as they are
 */
export function gruReset(plan: Plan, label: string, of: GruTensors, into: Tensor): void {
  const { gates, share, hidden } = of;
  expectUnit("gruReset", plan.path(label), of, into);
  const [, points, channels] = hidden.shape;
  plan.dispatch({
    label,
    kernel,
    entry: "reset",
    bindings: {
      dims: { channels, y_channels: into.shape[2] },
      gates,
      share,
      kept_hidden: hidden,
      y: into,
    },
    workgroups: [blocksOf(points), channels],
  });
}

/**
 * Records `hidden ← (1 − z)·hidden + z·q`, z = σ(gates₀ + share₀), q = tanh(candidate + share₂), in place, and copies it to the
 * first channels of `into`. Forward only.
 *
 * @param candidate q before its activation, without its share: `(1, points, channels)` in blocks
 * @param into `(1, points, channels or more)` in blocks; its other channels stay as they are
 */
export function gruUpdate(
  plan: Plan,
  label: string,
  of: GruTensors & { readonly candidate: Tensor },
  into: Tensor,
): void {
  const { gates, share, hidden, candidate } = of;
  const path = plan.path(label);
  expectUnit("gruUpdate", path, of, into);
  expectShape("gruUpdate", path, { candidate }, "blocks", hidden.shape);
  expectFrozen("gruUpdate", path, { candidate });
  const [, points, channels] = hidden.shape;
  plan.dispatch({
    label,
    kernel,
    entry: "update",
    bindings: {
      dims: { channels, y_channels: into.shape[2] },
      gates,
      share,
      candidate,
      hidden,
      y: into,
    },
    workgroups: [blocksOf(points), channels],
  });
}

function expectUnit(
  operation: string,
  path: string,
  { gates, share, hidden }: GruTensors,
  into: Tensor,
): void {
  const [, points, channels] = expectShape(operation, path, { hidden }, "blocks", [
    1,
    "points",
    "channels",
  ]);
  expectShape(operation, path, { gates }, "blocks", [1, points, 2 * channels]);
  expectShape(operation, path, { share }, "blocks", [1, points, 3 * channels]);
  expectShape(operation, path, { into }, "blocks", [1, points, "channels"]);
  if (into.shape[2] < channels) {
    throw new Error(
      `Cannot record ${operation} "${path}": into has ${
        into.shape[2]
      } channels, wanted ${channels} or more`,
    );
  }
  expectFrozen(operation, path, { gates, share, hidden, into });
}
