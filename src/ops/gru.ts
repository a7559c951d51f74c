/**
 * The gates of a gated recurrent unit (Cho et al. 2014), behind the convolutions that make them. For inference only.
 *
 * @module
 */
import text from "../../wgsl/ops/gru.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";

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
 * Records `r·hidden`, r = σ(gates₁ + share₁), written to the first channels of `into`.
 *
 * @param into `(1, points, channels or more)` in blocks; its other channels stay as they are
 */
export function gruReset(plan: Plan, label: string, of: GruTensors, into: Tensor): void {
  const op = new Operation(plan, "gruReset", label, kernel);
  const { dims, workgroups } = expectUnit(op, of, into);
  const { gates, share, hidden } = of;
  const bindings = { dims, gates, share, kept_hidden: hidden, y: into };
  op.run("reset", bindings, workgroups, { part: "" });
}

/**
 * Records `hidden ← (1 − z)·hidden + z·q`, z = σ(gates₀ + share₀), q = tanh(candidate + share₂), in place, and copies it to the
 * first channels of `into`.
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
  const op = new Operation(plan, "gruUpdate", label, kernel);
  const { dims, workgroups } = expectUnit(op, of, into);
  const { gates, share, hidden, candidate } = of;
  op.expect({ candidate }, "blocks", hidden.shape);
  op.expectFrozen({ candidate });
  const bindings = { dims, gates, share, candidate, hidden, y: into };
  op.run("update", bindings, workgroups, { part: "" });
}

function expectUnit(op: Operation, { gates, share, hidden }: GruTensors, into: Tensor) {
  const [, points, channels] = op.expect({ hidden }, "blocks", [1, "points", "channels"]);
  op.expect({ gates }, "blocks", [1, points, 2 * channels]);
  op.expect({ share }, "blocks", [1, points, 3 * channels]);
  const [, , y_channels] = op.expect({ into }, "blocks", [1, points, "channels"]);
  if (y_channels < channels) {
    throw op.error(`into has ${y_channels} channels, wanted ${channels} or more`);
  }
  op.expectFrozen({ gates, share, hidden, into });
  const workgroups = [blocksOf(points), channels] as const;
  return { dims: { channels, y_channels }, workgroups };
}
