/**
 * What a person reads of a run: the line of facts before it, and the table of scores after it.
 *
 * @module
 */
import type { Scene } from "../../src/data/scene/scene.ts";
import { scoredViews } from "../../src/evaluation/protocols.ts";
import type { Evaluation, Scores } from "../../src/evaluation/report.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import type { EncodingReport } from "../../src/training/encode_scenes.ts";
import { describeMachine } from "../driver/run_deno.ts";
import { renderTable } from "../terminal/table.ts";

/** One line: the machine, the sizes, and the scenes with what to know of their choice. */
export function factsLine(
  gpu: Gpu,
  recipe: Recipe,
  scenes: readonly Scene[],
  note: string,
): string {
  const parts = scenes.map((scene) => {
    const { ownFrames, views } = scoredViews(scene, 0);
    const held = ownFrames ? "no held-out view" : `${views.length} held-out views`;
    return `${scene.name} ${scene.frames} frames of ${scene.width} x ${scene.height}, ${held}`;
  });
  return `${describeMachine(gpu)}; ${recipe.preset}, seed ${recipe.seed}; ${parts.join(" + ")}` +
    (note === "" ? "" : ` (${note})`);
}

/** One line: what the features of the scenes cost, or that they were kept from an earlier start. */
export function encodingLine(reports: readonly EncodingReport[]): string {
  const parts = reports.map(({ encoder, cached, flops, seconds }) =>
    cached
      ? `${encoder} read from the cache in ${seconds.toFixed(1)} s`
      : `${encoder} encoded in ${seconds.toFixed(1)} s, ${(flops / 1e9).toFixed(1)} GFLOP at ${
        (flops / seconds / 1e9).toFixed(1)
      } GFLOP/s`
  );
  const peak = Math.max(...reports.map(({ peakBytes }) => peakBytes));
  return `Features of ${reports[0].frames} frames: ${parts.join("; ")}; ` +
    `${(peak / 1e6).toFixed(0)} MB on the adapter at most.`;
}

/** The scores of each scene and of all, beside the two baselines; a dash stands for what is not known. */
export function scoreTable({ protocol, scenes, ...all }: Evaluation): string {
  const number = (value: number | null | undefined, digits: number, unit = "") =>
    value === null || value === undefined ? "–" : value.toFixed(digits) + unit;
  const rowsOf = (name: string, { views, baselines, dynamicness, ...own }: Scores) => {
    const { nearest, mean } = baselines;
    const row = (
      label: string,
      count: string,
      psnr: readonly (number | undefined)[],
      ssim: number | undefined,
      lpips: number | undefined,
      shares: readonly string[],
    ) => [
      label,
      count,
      ...psnr.map((value) => number(value, 2, " dB")),
      number(ssim, 3),
      number(lpips, 3),
      ...shares,
    ];
    const moving = [own, nearest, mean].map(({ psnrMoving }) => psnrMoving);
    return [
      row(
        name,
        String(views),
        [own.psnr, nearest.psnr, mean.psnr],
        own.ssim,
        own.lpips,
        [number(dynamicness.moving, 2), number(dynamicness.still, 2)],
      ),
      row("  moving region", "", moving, own.ssimMoving, own.lpipsMoving, []),
    ];
  };
  const heading = [
    protocol,
    "views",
    "PSNR",
    "nearest frame",
    "mean image",
    "SSIM",
    "LPIPS",
    "dynamicness, moving",
    "still",
  ];
  const rows = Object.entries(scenes).flatMap(([name, scores]) => rowsOf(name, scores));
  if (Object.keys(scenes).length > 1) rows.push(...rowsOf("all", all));
  return renderTable([heading, ...rows], {
    align: ["left", ...heading.slice(1).map(() => "right" as const)],
  });
}

/** One line: what a trained model was worth to start from. */
export function twinLine(trained: Evaluation, scratch: Evaluation): string {
  const decibels = (value: number) => `${value.toFixed(2)} dB`;
  return `${trained.protocol}: ${decibels(trained.psnr)} from the trained model, ${
    decibels(scratch.psnr)
  } from scratch after as many steps: ${decibels(trained.psnr - scratch.psnr)} more.`;
}
