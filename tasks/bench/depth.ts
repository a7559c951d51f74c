/**
 * Measuring MiDaS on one frame.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { resizeCubic } from "../../src/data/resize.ts";
import { midasGroups, midasParameters, midasStages } from "../../src/data/weights/midas_weights.ts";
import { MidasNetwork, type NamedValues } from "../../src/preparation/midas/midas_network.ts";
import { conv } from "../../src/ops/conv.ts";
import { midasSize } from "../../src/preparation/midas/midas.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { randomUniform } from "../../src/runtime/random.ts";
import { createTensor, destroyTensor } from "../../src/runtime/tensor.ts";
import { Progress } from "../terminal/progress.ts";
import { renderTable } from "../terminal/table.ts";
import { type Job, timeJobs } from "./jobs.ts";
import { memoryTable } from "./report.ts";
import { syntheticScene } from "./scene.ts";

/** Runs MiDaS on a frame of a procedural scene, with random weights; a row a part, then its grouped convolutions and memory. */
export async function benchDepth(
  gpu: Gpu,
  [frameWidth, frameHeight]: readonly [number, number],
  signal: AbortSignal,
): Promise<string> {
  const [width, height] = midasSize(frameWidth, frameHeight);
  const { images: { data } } = syntheticScene("balloon1", frameWidth, frameHeight);
  const numbers = 3 * frameHeight * frameWidth;
  const frame = ndarray(data.subarray(0, numbers), [frameHeight, frameWidth, 3]);
  const resized = resizeCubic(frame, width, height);
  const image = ndarray(resized.data.map((value) => value / 255), resized.shape);
  const started = gpu.allocatedBytes;
  gpu.peakBytes = started;
  const network = await MidasNetwork.create(gpu, randomMidas(), { signal });
  const weights = gpu.allocatedBytes - started;
  await network.run(ndarray(new Float32Array(32 * 32 * 3), [32, 32, 3]), { signal }); // compiles
  const parts = await measure(network, image, signal);
  network.destroy();
  const peak = gpu.peakBytes - started;
  return [
    `MiDaS: a frame of ${frameWidth} x ${frameHeight}, seen at ${width} x ${height}; random weights`,
    partsTable("part", parts),
    partsTable("3x3 convolutions", await groupedParts(gpu, width, height, signal)),
    memoryTable({ weights, peak }),
  ].join("\n\n");
}

/** Weights of MiDaS that let signals through; the same few thousand numbers in all. */
export function randomMidas(): NamedValues {
  const noise = Float32Array.from({ length: 4099 }, (_, i) => 2 * randomUniform(0, 0, 0, i) - 1);
  const shapes = new Map(midasParameters.map(({ name, shape }) => [name, shape]));
  return {
    get(name) {
      const shape = shapes.get(name)!;
      const [scale, shift] = shape.length === 4
        ? [Math.sqrt(3 / (shape[1] * shape[2] * shape[3])), 0]
        : /running_var$|(bn\d|\.1)\.weight$/.test(name)
        ? [0.1, name.includes("bn3.weight") ? 0.25 : 1]
        : [0.1, 0];
      const size = shape.reduce((product, length) => product * length);
      return new Float32Array(size).map((_, i) => scale * noise[i % noise.length] + shift);
    },
  };
}

interface Part {
  readonly name: string;
  readonly flops: number;
  readonly seconds: number;
}

/** Time and operations of each piece; bands of the head are one. */
async function measure(
  network: MidasNetwork,
  image: Parameters<MidasNetwork["run"]>[0],
  signal: AbortSignal,
): Promise<Part[]> {
  const progress = Deno.stdout.isTerminal() ? new Progress() : undefined;
  const parts = new Map<string, { flops: number; seconds: number }>();
  let last = performance.now(), done = 0;
  await network.run(image, {
    signal,
    onProgress: ({ piece, fraction, flops }) => {
      progress?.update({ what: piece, step: Math.round(100 * fraction), steps: 100 });
      const name = piece.startsWith("rows") ? "head" : piece, now = performance.now();
      const part = parts.get(name) ?? { flops: 0, seconds: 0 };
      parts.set(name, {
        flops: part.flops + flops - done,
        seconds: part.seconds + (now - last) / 1000,
      });
      [last, done] = [now, flops];
    },
  });
  progress?.close();
  const rows = [...parts].map(([name, part]) => ({ name, ...part }));
  const sum = (key: "flops" | "seconds") => rows.reduce((sum, row) => sum + row[key], 0);
  return [...rows, { name: "all", flops: sum("flops"), seconds: sum("seconds") }];
}

/** The 3×3 convolution of each encoder stage by itself. */
async function groupedParts(
  gpu: Gpu,
  width: number,
  height: number,
  signal: AbortSignal,
): Promise<Part[]> {
  const made = await Promise.all(midasStages.map(async ({ width: channels }, stage) => {
    const [across, down] = [width, height].map((length) => length / (4 * 2 ** stage));
    const size = across * down * channels;
    const x = createTensor(gpu, "x", [1, across * down, channels], {
      layout: "blocks",
      data: Float32Array.from({ length: size }, (_, i) => (i % 199 - 99) / 100),
    });
    const ofGroup = channels / midasGroups;
    const weight = createTensor(gpu, "weight", [channels, ofGroup, 3, 3], {
      data: new Float32Array(channels * ofGroup * 9).fill(0.01),
    });
    const plan = new Plan(gpu, "grouped");
    const maps = { frames: [[x]], height: down, width: across, channels };
    conv(plan, "grouped", maps, weight, { groups: midasGroups, relu: true });
    const program = await plan.build();
    const name = `${midasGroups} groups of ${ofGroup} at ${across} x ${down}`;
    const destroy = () => {
      program.destroy();
      for (const tensor of [x, weight]) destroyTensor(gpu, tensor);
    };
    return { job: { name, program, flops: program.flops } satisfies Job, destroy };
  }));
  const timings = await timeJobs(gpu, made.map(({ job }) => job), 3, { signal });
  for (const { destroy } of made) destroy();
  return timings.map(({ job: { name, flops }, seconds }) => ({ name, flops, seconds }));
}

function partsTable(title: string, parts: readonly Part[]): string {
  return renderTable([
    [title, "GFLOP", "seconds", "GFLOP/s"],
    ...parts.map(({ name, flops, seconds }) => [
      name,
      (flops / 1e9).toFixed(2),
      seconds < 0.1 ? seconds.toFixed(4) : seconds.toFixed(2),
      (flops / seconds / 1e9).toFixed(1),
    ]),
  ], { align: ["left", "right", "right", "right"] });
}
