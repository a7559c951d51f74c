/**
 * Runs side by side: a table for each set of views that some of them were scored on.
 *
 * @module
 */
import type { Evaluation } from "../../src/evaluation/report.ts";
import { protocolLine } from "../../src/evaluation/report_page.ts";
import { renderTable } from "../terminal/table.ts";

/** A run and its scores. */
export interface ScoredRun {
  /** The run's folder. */
  run: string;
  /** Its scores. */
  evaluation: Evaluation;
}

/**
 * Tables of the runs' mean scores, each run beside those that were scored on the same views of the same scenes against the
 * same truth; a dash stands for what is not known.
 */
export function comparisonTables(runs: readonly ScoredRun[]): string {
  const groups = Map.groupBy(runs, ({ evaluation }) => scoredOn(evaluation));
  const tables = [...groups].map(([what, members]) => `${what}\n\n${table(members)}`);
  const apart = groups.size > 1
    ? ["Scores on other views or against another truth are not to be compared: they stand apart."]
    : [];
  return [...tables, ...apart].join("\n\n");
}

/** `mononerf, all 288 views; balloon1 + balloon2; truth: JPEG of …` */
function scoredOn(evaluation: Evaluation): string {
  const { scenes, truth } = evaluation;
  return [
    protocolLine(evaluation),
    Object.keys(scenes).join(" + "),
    ...(truth === undefined ? [] : [`truth: ${truth}`]),
  ].join("; ");
}

function table(runs: readonly ScoredRun[]): string {
  type Scores = Partial<Evaluation>;
  const columns: [string, (scores: Scores) => number | null | undefined, number][] = [
    ["PSNR, dB", ({ psnr }) => psnr, 2],
    ["SSIM", ({ ssim }) => ssim, 4],
    ["LPIPS", ({ lpips }) => lpips, 4],
    ["moving: PSNR, dB", ({ psnrMoving }) => psnrMoving, 2],
    ["SSIM", ({ ssimMoving }) => ssimMoving, 4],
    ["LPIPS", ({ lpipsMoving }) => lpipsMoving, 4],
    ["dynamicness, moving", ({ dynamicness }) => dynamicness?.moving, 2],
    ["still", ({ dynamicness }) => dynamicness?.still, 2],
    ["depth order", ({ depthOrder }) => depthOrder, 3],
    ["flow error, px", ({ endPointError }) => endPointError, 2],
  ];
  const row = (name: string, scores: Scores) => [
    name,
    ...columns.map(([, value, digits]) => value(scores)?.toFixed(digits) ?? "–"),
  ];
  const [{ evaluation: { baselines } }] = runs;
  return renderTable([
    ["run", ...columns.map(([name]) => name)],
    ...runs.map(({ run, evaluation }) => row(run, evaluation)),
    row("nearest frame", baselines.nearest),
    row("mean image", baselines.mean),
  ], { align: ["left", ...columns.map(() => "right" as const)] });
}
