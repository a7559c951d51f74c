/**
 * RAFT as its definition says, without what `src/preparation/raft` saves: what `deno task bench --flow` measures it beside, and tests
 * check it by.
 *
 * @module
 */
import { raftParameters } from "../../src/data/weights/raft_weights.ts";
import { PackedConvolutions } from "../../src/preparation/packed_convolutions.ts";
import { recordEncoder } from "../../src/preparation/raft/encoder.ts";
import { type RaftLayers, raftWidth } from "../../src/preparation/raft/layers.ts";
import {
  createRaftState,
  destroyRaftState,
  type RaftPair,
  type RaftState,
  recordFlowHead,
  recordIteration,
  recordMotion,
  recordStart,
  recordUnit,
  recordUpsampled,
} from "../../src/preparation/raft/update.ts";
import { mapToBlocks } from "../../src/ops/map_to_blocks.ts";
import { writeChannels } from "../../src/ops/concatenate.ts";
import { correlationLookup, pyramidLevels } from "../../src/ops/correlation_lookup.ts";
import type { FineWindow } from "../../src/ops/convex_upsample.ts";
import type { FrameMaps } from "../../src/ops/frame_maps.ts";
import { linear } from "../../src/ops/linear.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { defineKernel } from "../../src/runtime/kernel.ts";
import { Plan } from "../../src/runtime/plan.ts";
import type { BuiltDispatch, Program } from "../../src/runtime/program.ts";
import { blocksOf, createTensor, destroyTensor, type Tensor } from "../../src/runtime/tensor.ts";

/** What is computed plainly. */
export interface PlainParts {
  /** The volume of all correlations, made once and sampled at every iteration. */
  readonly volume?: boolean;
  /** The unit's convolutions of [state ⧺ context ⧺ motion], all of them at every iteration. */
  readonly unit?: boolean;
  /** Mask head and upsampling behind every iteration. */
  readonly mask?: boolean;
}

/** Flow of a pair of frames, ready to run. */
export interface PreparedFlow {
  /** All dispatches, in order. */
  dispatches(iterations: number): BuiltDispatch[];
  /** The flow, (height, width, 2) rows. */
  readonly fine: Tensor;
  destroy(): void;
}

/** Two encoded frames and the first one's picture. */
export interface PlainInput {
  readonly pair: RaftPair;
  readonly frame: FrameMaps;
  readonly height: number;
  readonly width: number;
  readonly window: FineWindow;
}

/** Prepares the flow of a pair, with some parts computed plainly. */
export async function prepareFlow(
  gpu: Gpu,
  layers: RaftLayers,
  weights: ReadonlyMap<string, Float32Array>,
  { pair, frame, height, width, window }: PlainInput,
  plain: PlainParts,
): Promise<PreparedFlow> {
  const own = createRaftState(gpu, height, width);
  const wide = (label: string) =>
    createTensor(gpu, label, [1, height * width, 3 * raftWidth], { layout: "blocks" });
  const state: RaftState = plain.unit
    ? { ...own, gateInput: wide("gate_input"), candidateInput: wide("candidate_input") }
    : own;
  const none = wide("no_share"); // zeros, as WebGPU makes them
  const unit = plain.unit ? await wholeUnit(gpu, weights) : undefined;
  const start = new Plan(gpu, "start"), iteration = new Plan(gpu, "iteration");
  const finish = new Plan(gpu, "finish");

  recordStart(start, state, pair.hidden);
  if (plain.unit) {
    const x = recordEncoder(start, layers, "cnet", frame);
    const context = layers.convolutions.record(start, "cnet.context", x, { relu: true });
    for (const input of [state.gateInput, state.candidateInput]) {
      writeChannels(start, "context", context.frames[0][0], input, raftWidth);
    }
  }
  const volume = plain.volume ? recordVolume(start, pair, height, width) : undefined;

  if (!plain.unit && !volume) recordIteration(iteration, layers, state, pair);
  else {
    const { first, second, shares } = pair, { flow } = state;
    const lookup = volume
      ? sampleVolume(iteration, volume, flow, height, width)
      : correlationLookup(iteration, "lookup", { first, second, flow, height, width });
    recordMotion(iteration, layers, state, lookup);
    if (unit) recordUnit(iteration, { convolutions: unit }, state, [none, none]);
    else recordUnit(iteration, layers, state, shares);
    recordFlowHead(iteration, layers, state);
  }
  const { fine } = recordUpsampled(plain.mask ? iteration : finish, layers, state, window);
  (plain.mask ? iteration : finish).keep(fine);

  const programs: Program[] = [];
  for (const plan of [start, iteration, finish]) programs.push(await plan.build());
  const [begin, update, end] = programs;
  return {
    dispatches: (iterations) => [
      ...begin.dispatches,
      ...Array.from({ length: iterations }, () => update.dispatches).flat(),
      ...end.dispatches,
    ],
    fine,
    destroy() {
      for (const program of programs) program.destroy();
      destroyRaftState(gpu, own);
      unit?.destroy();
      const tensors = plain.unit ? [state.gateInput, state.candidateInput] : [];
      for (const tensor of [...tensors, none, ...volume ?? []]) destroyTensor(gpu, tensor);
    },
  };
}

/** The unit's convolutions with the context among what they see; z and r in one. */
function wholeUnit(
  gpu: Gpu,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<PackedConvolutions> {
  const join = (arrays: readonly Float32Array[]) =>
    Float32Array.from(arrays.flatMap((array) => [...array]));
  return PackedConvolutions.create(
    gpu,
    [1, 2].flatMap((half) => {
      const stack = (name: string, gates: readonly string[]) => {
        const paths = gates.map((gate) => `update_block.gru.conv${gate}${half}`);
        const { shape: [outputs, ...rest] } = raftParameters.find(({ name }) =>
          name === `${paths[0]}.weight`
        )!;
        return {
          name: `gru${half}.${name}`,
          shape: [outputs * gates.length, ...rest],
          weight: join(paths.map((path) => weights.get(`${path}.weight`)!)),
          bias: join(paths.map((path) => weights.get(`${path}.bias`)!)),
        };
      };
      return [stack("gates", ["z", "r"]), stack("candidate", ["q"])];
    }),
  );
}

/** Records the volume's four levels, `(1, pixels, pixels of the level)` in blocks, in memory of their own. */
function recordVolume(
  plan: Plan,
  { first, second }: RaftPair,
  height: number,
  width: number,
): Tensor[] {
  const channels = first.shape[1];
  const rows = (pyramid: Tensor, shape: number[], pixel: number): Tensor => ({
    ...pyramid,
    shape,
    size: shape.reduce((size, length) => size * length, 1),
    memory: { buffer: pyramid.memory!.buffer, offset: 4 * pixel * channels },
  });
  const x = mapToBlocks(plan, "first", rows(first, [height, width, channels], 0));
  return pyramidLevels(height, width).map((level, l) => {
    const weight = rows(second, [level.height * level.width, channels], level.first);
    const products = linear(plan, `volume.${l}`, x, { weight });
    const { memory } = createTensor(plan.gpu, products.label, products.shape, { layout: "blocks" });
    products.memory = memory; // outlives the plan
    return products;
  });
}

const sampling = defineKernel(
  "tasks/bench/plain_flow.ts",
  `// y[81 l + 9 i + j, p] = volume[p] at ((p + flow)/2^l + (i − 4, j − 4)), linear between pixels, zero outside
struct Dims { height: u32, width: u32, level_height: i32, level_width: i32, level: u32, scale: f32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> volume: array<f32>;
@group(0) @binding(2) var<storage, read> flow: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn value(p: u32, q: vec2i) -> f32 {
  if q.x < 0 || q.y < 0 || q.x >= dims.level_width || q.y >= dims.level_height { return 0.0; }
  let at = u32(q.y * dims.level_width + q.x);
  return dims.scale * volume[(p / 64 * u32(dims.level_height * dims.level_width) + at) * 64 + p % 64];
}

@compute @workgroup_size(64)
fn sample(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let p = group.x * 64 + lane;
  if p >= dims.height * dims.width { return; }
  let moved = vec2f(vec2u(p % dims.width, p / dims.width)) +
    vec2f(flow[group.x * 128 + lane], flow[group.x * 128 + 64 + lane]);
  let place = moved / f32(1u << dims.level) + vec2f(vec2u(group.y / 9, group.y % 9)) - 4.0;
  let low = vec2i(floor(place));
  let part = place - floor(place);
  y[(group.x * 324 + 81 * dims.level + group.y) * 64 + lane] = mix(
    mix(value(p, low), value(p, low + vec2i(1, 0)), part.x),
    mix(value(p, low + vec2i(0, 1)), value(p, low + vec2i(1, 1)), part.x),
    part.y,
  );
}`,
);

/** Records the lookup in a volume, a sample at a time. */
function sampleVolume(
  plan: Plan,
  volume: readonly Tensor[],
  flow: Tensor,
  height: number,
  width: number,
): Tensor {
  const y = plan.activation("lookup", [1, height * width, 324], "blocks");
  pyramidLevels(height, width).forEach((level, l) =>
    plan.dispatch({
      label: "lookup.sample",
      kernel: sampling,
      entry: "sample",
      bindings: {
        dims: {
          height,
          width,
          level_height: level.height,
          level_width: level.width,
          level: l,
          scale: 1 / 16,
        },
        volume: volume[l],
        flow,
        y,
      },
      workgroups: [blocksOf(height * width), 81],
    })
  );
  return y;
}
