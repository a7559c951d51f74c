/**
 * What `deno task bench` prints.
 *
 * @module
 */
import type { Scene } from "../../src/data/scene/scene.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";
import type { EncodingReport } from "../../src/training/encode_scenes.ts";
import { renderTable } from "../terminal/table.ts";
import { gflopsPerSecond, type Timing } from "./jobs.ts";
import type { PartRow } from "./parts.ts";

/** A step that was timed beside products, with its parts where the adapter tells them. */
export interface StepTiming {
  readonly name: string;
  readonly timing: Timing;
  /** The best product in the same rounds. */
  readonly product: Timing;
  readonly parts?: readonly PartRow[] | undefined;
}

/** One line: the sizes. */
export function sizesLine(
  { preset, model, rays, samples, trainEncoders }: Recipe,
  scenes: readonly Scene[],
): string {
  const [{ frames, width, height }] = scenes;
  return `${preset}, width ${model.hidden}: ${scenes.length} scenes x ${
    rays / scenes.length
  } rays x ` +
    `${samples} samples, ${frames} frames of ${width} x ${height}; ` +
    (trainEncoders ? "encoders trained" : "random features");
}

/** What scenes there are, in words. */
export function scenesLine(scenes: readonly Scene[]): string {
  return scenes.map(({ name, frames, width, height }) =>
    `${name}, ${frames} frames of ${width} x ${height}`
  ).join(" + ");
}

/** What an encoder took, and the cache of its features. */
export interface EncodingTimes extends EncodingReport {
  /** Bytes of features in the cache. */
  readonly cacheBytes: number;
  readonly writeSeconds: number;
  /** From parameters and frames to features on the adapter, where the cache kept them. */
  readonly readSeconds?: number | undefined;
}

/** A row an encoder. */
export function encodingTable(encoders: readonly EncodingTimes[]): string {
  const heading = [
    "encoder",
    "frames",
    "size",
    "GFLOP",
    "seconds",
    "GFLOP/s",
    "peak MB",
    "features MB",
    "written, s",
    "read again, s",
  ];
  const rows = encoders.map((of) => [
    of.encoder,
    String(of.frames),
    `${of.width} x ${of.height}`,
    (of.flops / 1e9).toFixed(1),
    of.seconds.toFixed(1),
    (of.flops / of.seconds / 1e9).toFixed(1),
    (of.peakBytes / 1e6).toFixed(0),
    (of.cacheBytes / 1e6).toFixed(0),
    of.writeSeconds.toFixed(2),
    of.readSeconds?.toFixed(2) ?? "",
  ]);
  return renderTable([heading, ...rows], {
    align: ["left", ...heading.slice(1).map(() => "right" as const)],
  });
}

/** A step by part: milliseconds forward and backward, scaled so that they add up to the time of a plain step. */
export function partsTable({ name, timing, parts }: StepTiming): string {
  if (!parts) return `${name} step: no parts, as this adapter has no timestamp-query.`;
  const total = parts.reduce((sum, { forward, backward }) => sum + forward + backward, 0);
  const scale = 1000 * timing.seconds / total;
  const row = (part: string, forward: number, backward: number, flops: number) => {
    const milliseconds = forward + backward;
    return [
      part,
      time(forward),
      time(backward),
      time(milliseconds),
      `${(milliseconds / (10 * timing.seconds)).toFixed(1)} %`,
      flops > 0 ? (flops / 1e9).toFixed(2) : "",
      flops > 0 ? (flops / milliseconds / 1e6).toFixed(1) : "",
    ];
  };
  const sum = (key: "forward" | "backward") => parts.reduce((sum, part) => sum + part[key], 0);
  return renderTable([
    [`${name} step`, "forward ms", "backward ms", "ms", "share", "GFLOP", "GFLOP/s"],
    ...parts.map(({ part, forward, backward, flops }) =>
      row(part, scale * forward, scale * backward, flops)
    ),
    row("all", scale * sum("forward"), scale * sum("backward"), timing.job.flops),
  ], { align: ["left", "right", "right", "right", "right", "right", "right"] });
}

/** Steps beside the best product of the same rounds: speeds and ratios. */
export function speedTable(steps: readonly StepTiming[], wantedRatio: number): string {
  const heading = ["", "ms", "GFLOP", "GFLOP/s", "best product, GFLOP/s", "ratio"];
  const rows = steps.map(({ name, timing, product }) => {
    const speed = gflopsPerSecond(timing), best = gflopsPerSecond(product);
    return [
      `${name} step`,
      time(1000 * timing.seconds),
      (timing.job.flops / 1e9).toFixed(2),
      speed.toFixed(1),
      best.toFixed(1),
      (speed / best).toFixed(2),
    ];
  });
  const products = [...new Set(steps.map(({ product }) => product.job.name))];
  return renderTable([heading, ...rows], {
    align: ["left", "right", "right", "right", "right", "right"],
  }) +
    `\nThe ratio should be ${wantedRatio.toFixed(2)} or more. Best product: ${
      products.join("; ")
    }.`;
}

/** Bytes by what they are for. */
export function memoryTable(bytes: Readonly<Record<string, number>>): string {
  const rows = Object.entries(bytes).map(([what, count]) => [what, (count / 1e6).toFixed(1)]);
  return renderTable([["memory", "MB"], ...rows], { align: ["left", "right"] });
}

function time(milliseconds: number): string {
  return milliseconds < 100 ? milliseconds.toFixed(2) : milliseconds.toFixed(0);
}
