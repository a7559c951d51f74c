/**
 * RAFT's update: correlation around where the flow leads, motion features, a gated unit, and what it adds to the flow.
 *
 * @module
 */
import { addInto, assign } from "../../ops/assign.ts";
import { concatenate, writeChannels } from "../../ops/concatenate.ts";
import { convexUpsample, type FineWindow } from "../../ops/convex_upsample.ts";
import { correlationLookup } from "../../ops/correlation_lookup.ts";
import type { ConvOptions } from "../../ops/conv.ts";
import type { FrameMaps } from "../../ops/frame_maps.ts";
import { gruReset, gruUpdate } from "../../ops/gru.ts";
import type { Gpu } from "../../runtime/device.ts";
import type { Plan } from "../../runtime/plan.ts";
import { createTensor, destroyTensor, type Tensor } from "../../runtime/tensor.ts";
import type { RaftContext } from "./encoder.ts";
import { type RaftLayers, raftWidth } from "./layers.ts";

/** What iterations carry on, in blocks, on a grid at an eighth of the frame's size. */
export interface RaftState {
  readonly height: number;
  readonly width: number;
  /** u, `(1, pixels, 2)`: x, then y, in coarse pixels. */
  readonly flow: Tensor;
  /** g, `(1, pixels, 128)`. */
  readonly hidden: Tensor;
  /** [g ⧺ motion], `(1, pixels, 256)`: what the unit's gates see. */
  readonly gateInput: Tensor;
  /** [r·g ⧺ motion], `(1, pixels, 256)`: what its candidate sees. */
  readonly candidateInput: Tensor;
}

/** Makes the memory of a state. */
export function createRaftState(gpu: Gpu, height: number, width: number): RaftState {
  const tensor = (name: string, channels: number) =>
    createTensor(gpu, `raft.${name}`, [1, height * width, channels], { layout: "blocks" });
  return {
    height,
    width,
    flow: tensor("flow", 2),
    hidden: tensor("hidden", raftWidth),
    gateInput: tensor("gate_input", 2 * raftWidth),
    candidateInput: tensor("candidate_input", 2 * raftWidth),
  };
}

/** Frees a state. */
export function destroyRaftState(gpu: Gpu, state: RaftState): void {
  const { flow, hidden, gateInput, candidateInput } = state;
  for (const tensor of [flow, hidden, gateInput, candidateInput]) destroyTensor(gpu, tensor);
}

/** What iterations read of two frames. */
export interface RaftPair extends RaftContext {
  /** Features of the first frame, from `recordFeatures`. */
  readonly first: Tensor;
  /** Features of the second. */
  readonly second: Tensor;
}

/** Records the start: no flow, the state as the first frame's context has it. */
export function recordStart(plan: Plan, state: RaftState, hidden: Tensor): void {
  plan.fill(state.flow, 0);
  assign(plan, "hidden", state.hidden, hidden);
  writeChannels(plan, "gate_input", hidden, state.gateInput, 0);
}

/**
 * Records an iteration of a GRU (src/preparation/README.md#optical-flow): the state moves on, `u ← u + conv relu(conv g)`.
 *
 * @returns the lookup of the correlation, `(1, pixels, 324)` in blocks
 */
export function recordIteration(
  plan: Plan,
  layers: RaftLayers,
  state: RaftState,
  { first, second, shares }: Omit<RaftPair, "hidden">,
): Tensor {
  const { height, width, flow } = state;
  const lookup = correlationLookup(plan, "lookup", { first, second, flow, height, width });
  recordMotion(plan, layers, state, lookup);
  recordUnit(plan, layers, state, shares);
  recordFlowHead(plan, layers, state);
  return lookup;
}

/**
 * Records the motion features, [relu conv [a ⧺ b] ⧺ u] of the correlation's a and the flow's b, behind all else that gates and
 * candidate see.
 */
export function recordMotion(
  plan: Plan,
  layers: RaftLayers,
  state: RaftState,
  lookup: Tensor,
): void {
  const { flow, gateInput, candidateInput } = state;
  const conv = recorder(plan, layers, state, { relu: true });
  const ofCorrelation = conv("convc2", conv("convc1", lookup));
  const ofFlow = conv("convf2", conv("convf1", flow));
  const motion = conv("conv", concatenate(plan, "motion", ofCorrelation, ofFlow));
  for (const input of [gateInput, candidateInput]) { // both halves of the unit see the same
    const end = input.shape[2];
    writeChannels(plan, "motion.write", motion, input, end - raftWidth);
    writeChannels(plan, "motion.write_flow", flow, input, end - 2);
  }
}

/** Records the gated unit: along rows, then along columns. */
export function recordUnit(
  plan: Plan,
  layers: Pick<RaftLayers, "convolutions">,
  state: RaftState,
  shares: RaftContext["shares"],
): void {
  const { hidden, gateInput, candidateInput } = state;
  const conv = recorder(plan, layers, state);
  shares.forEach((share, i) => {
    const unit = `gru${i + 1}`;
    const gates = conv(`${unit}.gates`, gateInput);
    gruReset(plan, `${unit}.reset`, { gates, share, hidden }, candidateInput);
    const candidate = conv(`${unit}.candidate`, candidateInput);
    gruUpdate(plan, `${unit}.update`, { gates, share, hidden, candidate }, gateInput);
  });
}

/** Records `u ← u + conv relu(conv g)`. */
export function recordFlowHead(plan: Plan, layers: RaftLayers, state: RaftState): void {
  const inner = recorder(plan, layers, state, { relu: true })("flow_head.conv1", state.hidden);
  addInto(plan, "flow", state.flow, recorder(plan, layers, state)("flow_head.conv2", inner));
}

/** Records convolutions on the coarse grid. */
function recorder(
  plan: Plan,
  { convolutions }: Pick<RaftLayers, "convolutions">,
  { height, width }: RaftState,
  options: ConvOptions = {},
): (name: string, x: Tensor) => Tensor {
  return (name, x) => {
    const maps: FrameMaps = { frames: [[x]], height, width, channels: x.shape[2] };
    return convolutions.record(plan, name, maps, options).frames[0][0];
  };
}

/**
 * Records the flow at the frame's size: convex combinations by the logits of the mask head.
 *
 * @param window what is wanted of the padded frame
 * @returns logits `(1, pixels, 576)` in blocks, and the flow `(window.height, window.width, 2)` rows, in pixels
 */
export function recordUpsampled(
  plan: Plan,
  layers: RaftLayers,
  state: RaftState,
  window: FineWindow,
): { logits: Tensor; fine: Tensor } {
  const { height, width, hidden, flow } = state;
  const inner = recorder(plan, layers, state, { relu: true })("mask.0", hidden);
  const logits = recorder(plan, layers, state)("mask.2", inner);
  return { logits, fine: convexUpsample(plan, "up", { logits, flow, height, width }, window) };
}
