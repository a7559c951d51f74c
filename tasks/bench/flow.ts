/**
 * Measuring RAFT: two frames encoded, the flow between them, its parts, and what is saved against the plain definition.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { Raft, type RaftFrame } from "../../src/preparation/raft/raft.ts";
import { recordContext, recordFeatures } from "../../src/preparation/raft/encoder.ts";
import { RaftLayers } from "../../src/preparation/raft/layers.ts";
import { paddedSize, uploadPicture } from "../../src/preparation/raft/picture.ts";
import type { RaftPair } from "../../src/preparation/raft/update.ts";
import { type PieceOptions, runDispatches, runInPieces } from "../../src/nets/pieces.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { type ProfileRow, Program } from "../../src/runtime/program.ts";
import { readTensor } from "../../src/runtime/readback.ts";
import { renderTable } from "../terminal/table.ts";
import { Clock } from "./clock.ts";
import { formulaWeights, movingFrame } from "./flow_inputs.ts";
import { median } from "./jobs.ts";
import { type PlainInput, type PlainParts, prepareFlow } from "./plain_flow.ts";

const width = 480, height = 270, iterations = 20;

/** Measures RAFT on two frames and prints what it finds. */
export async function benchFlow(gpu: Gpu, signal: AbortSignal): Promise<void> {
  console.log(`\nRAFT, ${width} x ${height}, ${iterations} iterations, weights by formula\n`);
  const weights = formulaWeights();
  const frames = [0, 1].map((time) => movingFrame(width, height, time));
  const rows = await asItRuns(gpu, weights, frames, signal);
  const layers = await RaftLayers.create(gpu, weights);
  const clock = new Clock();
  const { input, flops, destroy } = await encodePair(gpu, layers, frames, signal);
  try {
    rows.push(["encoders of one flow alone", ...clock.speed(flops)]);
    const heading = ["", ...speedHeading, "peak MB"];
    console.log(renderTable([heading, ...rows], { align: right }));
    if (gpu.timestamps) console.log(`\n${await partsTable(gpu, layers, weights, input)}`);
    console.log(`\n${await savings(gpu, layers, weights, input, signal)}`);
  } finally {
    destroy();
    layers.destroy();
  }
}

/** The public way, a row each: both frames encoded, flow in both directions. */
async function asItRuns(
  gpu: Gpu,
  weights: ReadonlyMap<string, Float32Array>,
  frames: readonly NdArray<Uint8Array>[],
  signal: AbortSignal,
): Promise<string[][]> {
  const before = gpu.peakBytes = gpu.allocatedBytes;
  const raft = await Raft.create(gpu, weights);
  const rows: string[][] = [];
  const timed = async <T>(name: string, run: (options: PieceOptions) => Promise<T>) => {
    const clock = new Clock();
    let flops = 0;
    const result = await run({ signal, onProgress: (progress) => flops = progress.flops });
    rows.push([name, ...clock.speed(flops), ((gpu.peakBytes - before) / 1e6).toFixed(0)]);
    return result;
  };
  try {
    (await raft.encode(frames[0])).destroy(); // compiles
    const encoded: RaftFrame[] = [];
    for (const [i, frame] of frames.entries()) {
      encoded.push(await timed(`frame ${i} encoded`, (options) => raft.encode(frame, options)));
    }
    const [a, b] = encoded;
    await raft.flow(a, b, { iterations: 1 });
    await timed("flow forward", (options) => raft.flow(a, b, { iterations, ...options }));
    await timed("flow backward", (options) => raft.flow(b, a, { iterations, ...options }));
    for (const frame of encoded) frame.destroy();
  } finally {
    raft.destroy();
  }
  return rows;
}

const right: ("left" | "right")[] = ["left", ...Array<"right">(8).fill("right")];
const speedHeading = ["GFLOP", "seconds", "GFLOP/s", "CPU seconds"];

/** What a pair's flow is made from, on the device: features of both frames and the first one's context. */
async function encodePair(
  gpu: Gpu,
  layers: RaftLayers,
  frames: readonly NdArray<Uint8Array>[],
  signal: AbortSignal,
): Promise<{ input: PlainInput; flops: number; destroy: () => void }> {
  const size = paddedSize(height, width);
  let flops = 0;
  const options: PieceOptions = { signal, onProgress: (progress) => flops = progress.flops };
  return await runInPieces(gpu, "raft", 3, options, async (pieces) => {
    const pictures = frames.map((frame) => uploadPicture(pieces.upload, frame, size));
    const [first, second] = await pieces.run("features", 2, (plan) => {
      const result = pictures.map((picture) => recordFeatures(plan, layers, picture));
      return { result, outputs: result };
    });
    const context = await pieces.run("context", 1, (plan) => {
      const result = recordContext(plan, layers, pictures[0]);
      return { result, outputs: [result.hidden, ...result.shares] };
    });
    const pair: RaftPair = { first, second, ...context };
    return {
      input: {
        pair,
        frame: pictures[0],
        height: size.paddedHeight / 8,
        width: size.paddedWidth / 8,
        window: size,
      },
      flops,
      destroy: () => pieces.destroy(),
    };
  });
}

/** The median time of an iteration's parts, of a few. */
async function partsTable(
  gpu: Gpu,
  layers: RaftLayers,
  weights: ReadonlyMap<string, Float32Array>,
  input: PlainInput,
): Promise<string> {
  const flow = await prepareFlow(gpu, layers, weights, input, {});
  const all = flow.dispatches(1);
  const program = new Program(gpu, "iteration", all, []);
  program.run();
  const profiles: ProfileRow[][] = [];
  for (let i = 0; i < 5; i++) profiles.push(await program.profile());
  flow.destroy();
  const parts = new Map<string, { milliseconds: number; flops: number }>();
  profiles[0].forEach(({ label, flops }, i) => {
    const part = partNames.find(([, pattern]) => pattern.test(label))?.[0];
    if (!part) return;
    const sum = parts.get(part) ?? { milliseconds: 0, flops: 0 };
    sum.milliseconds += median(profiles.map((rows) => rows[i].milliseconds));
    sum.flops += flops;
    parts.set(part, sum);
  });
  const total = [...parts.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = partNames.flatMap(([part]) => {
    const sum = parts.get(part);
    if (!sum) return [];
    const { milliseconds, flops } = sum;
    return [[
      part,
      milliseconds.toFixed(1),
      `${(100 * milliseconds / total).toFixed(1)} %`,
      (flops / 1e9).toFixed(2),
      (flops / milliseconds / 1e6).toFixed(1),
    ]];
  });
  const heading = ["an iteration, and the end", "ms", "share", "GFLOP", "GFLOP/s"];
  return renderTable([heading, ...rows], { align: right });
}

const partNames: readonly (readonly [string, RegExp])[] = [
  ["correlation lookup", /^lookup/],
  ["motion features", /^(conv|motion)/],
  ["gated unit", /^gru/],
  ["flow head", /^flow/],
  ["mask head, once", /^mask/],
  ["upsampling, once", /^up/],
];

const forms: readonly (readonly [string, PlainParts])[] = [
  ["as it runs", {}],
  ["mask head at every iteration", { mask: true }],
  ["context convolved at every iteration", { unit: true }],
  ["volume of all correlations", { volume: true }],
  ["all three: the plain form", { mask: true, unit: true, volume: true }],
];

/** One flow by each form. */
async function savings(
  gpu: Gpu,
  layers: RaftLayers,
  weights: ReadonlyMap<string, Float32Array>,
  input: PlainInput,
  signal: AbortSignal,
): Promise<string> {
  const rows: string[][] = [];
  let first: { values: Float32Array; time: number } | undefined;
  for (const [name, plain] of forms) {
    const before = gpu.allocatedBytes;
    const flow = await prepareFlow(gpu, layers, weights, input, plain);
    const bytes = gpu.allocatedBytes - before;
    await runDispatches(gpu, name, flow.dispatches(1), signal); // compiles
    let flops = 0;
    const clock = new Clock();
    await runDispatches(
      gpu,
      name,
      flow.dispatches(iterations),
      signal,
      (report) => flops += report.flops,
    );
    const cells = clock.speed(flops), time = gpu.software ? clock.cpuSeconds : clock.seconds;
    const values = await readTensor(gpu, flow.fine);
    flow.destroy();
    first ??= { values, time };
    rows.push([
      name,
      ...cells,
      (time / first.time).toFixed(2),
      (bytes / 1e6).toFixed(0),
      largestDifference(values, first.values).toExponential(1),
    ]);
  }
  const heading = ["one flow", ...speedHeading, "ratio", "MB", "difference, pixels"];
  const largest = first!.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return renderTable([heading, ...rows], { align: right }) +
    `\nRatio: of ${
      gpu.software ? "CPU seconds" : "seconds"
    }. Difference: the largest, of flow up to ${largest.toFixed(0)} pixels.`;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
