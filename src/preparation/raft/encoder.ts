/**
 * RAFT's encoders: of the features that are compared (`fnet`, instance norm) and of the context (`cnet`, batch norm with running
 * statistics), at an eighth of the frame's size.
 *
 * @module
 */
import { type RaftEncoderName, raftLayers } from "../../data/weights/raft_weights.ts";
import { tanh } from "../../ops/activation.ts";
import { batchNorm, type BatchNormOptions } from "../../ops/batch_norm.ts";
import { featurePyramid } from "../../ops/correlation_lookup.ts";
import type { FrameMaps } from "../../ops/frame_maps.ts";
import type { Plan } from "../../runtime/plan.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { RaftLayers } from "./layers.ts";

/**
 * Records an encoder up to its last block: 128 channels at an eighth of the frame's size.
 *
 * Block: `y = relu(n₁ conv x)`, `y = relu(n₂ conv y)`, `relu(x' + y)`; x' = n₃ conv x where the grid is halved, else x.
 *
 * @param frame one frame: an instance norm's statistics are those of a frame
 */
export function recordEncoder(
  plan: Plan,
  layers: RaftLayers,
  encoder: RaftEncoderName,
  frame: FrameMaps,
): FrameMaps {
  const statistics = encoder === "fnet" ? "batch" : "running";
  const layer = (
    [conv, norm]: [string, string],
    x: FrameMaps,
    stride: number,
    options: BatchNormOptions,
  ) => {
    const y = layers.convolutions.record(plan, `${encoder}.${conv}`, x, { stride });
    const parameters = layers.norm(`${encoder}.${norm}`, y.channels);
    return batchNorm(plan, `${encoder}.${norm}`, y, parameters, { statistics, ...options });
  };
  let x = layer(["conv1", "norm1"], frame, 2, { relu: true });
  for (const { name, stride } of raftLayers) {
    for (const block of [`${name}.0`, `${name}.1`]) {
      const step = block.endsWith(".0") ? stride : 1;
      const residual = step > 1
        ? layer([`${block}.downsample.0`, `${block}.norm3`], x, step, {})
        : x;
      const inner = layer([`${block}.conv1`, `${block}.norm1`], x, step, { relu: true });
      const sum = { innerRelu: true, residual, relu: true };
      x = layer([`${block}.conv2`, `${block}.norm2`], inner, 1, sum);
    }
  }
  return x;
}

/** Records the features of a frame on four levels, `(pixels of all levels, 256)` rows. */
export function recordFeatures(plan: Plan, layers: RaftLayers, frame: FrameMaps): Tensor {
  const x = recordEncoder(plan, layers, "fnet", frame);
  const { frames: [[features]], height, width } = layers.convolutions.record(plan, "fnet.conv2", x);
  return featurePyramid(plan, "pyramid", features, height, width);
}

/** What a frame's context gives its updates, in blocks. */
export interface RaftContext {
  /** The first state, `(1, pixels, 128)`. */
  readonly hidden: Tensor;
  /** What the context adds in each half of the gated unit, at every iteration: `(1, pixels, 384)` each. */
  readonly shares: readonly [Tensor, Tensor];
}

/** Records the context of a frame. */
export function recordContext(plan: Plan, layers: RaftLayers, frame: FrameMaps): RaftContext {
  const x = recordEncoder(plan, layers, "cnet", frame);
  const state = layers.convolutions.record(plan, "cnet.state", x);
  const context = layers.convolutions.record(plan, "cnet.context", x, { relu: true });
  const share = (half: 1 | 2) =>
    layers.convolutions.record(plan, `gru${half}.share`, context).frames[0][0];
  return { hidden: tanh(plan, "cnet.hidden", state.frames[0][0]), shares: [share(1), share(2)] };
}
