/**
 * The report of a run as one HTML file that needs nothing else: no network, no folder beside it.
 *
 * @module
 */
// Charts are uPlot's: MIT, 50 KB, no dependencies, drawn on a canvas; its file for browsers comes in as text.
import uPlotStyle from "npm:uplot@1.6.32/dist/uPlot.min.css" with { type: "text" };
import uPlotScript from "npm:uplot@1.6.32/dist/uPlot.iife.min.js" with { type: "text" };
import pageStyle from "./page/page.css" with { type: "text" };
import pageScript from "./page/page.js" with { type: "text" };
import type { Chart } from "./curves.ts";
import type { PublishedTable } from "./published.ts";
import type { Evaluation, ImageScores, Scores } from "./report.ts";

/** Pictures of one view, to be compared. */
export interface ReportPictures {
  /** The scene's name. */
  readonly scene: string;
  /** Frame number, 0-based. */
  readonly time: number;
  /** Camera number, 0-based. */
  readonly camera: number;
  /** PNG files by layer, the same layers in every view; `truth` and `rendered` among them. */
  readonly layers: Readonly<Record<string, Uint8Array>>;
}

/** What a report tells. */
export interface ReportContent {
  /** What was evaluated: `balloon, small`. */
  readonly title: string;
  /** Facts of the run, each with its name. */
  readonly facts: readonly (readonly [string, string])[];
  /** Its scores. */
  readonly evaluation: Evaluation;
  /** How it was trained; may be empty. */
  readonly charts: readonly Chart[];
  /** Some of the scored views. */
  readonly pictures: readonly ReportPictures[];
  /** What others published by the same protocol. */
  readonly published: readonly PublishedTable[];
  /** Remarks below the scores. */
  readonly notes?: readonly string[];
}

/** Writes the report as HTML. */
export function reportPage(content: ReportContent): string {
  const { title, facts, evaluation, charts, pictures, published, notes = [] } = content;
  const data = {
    charts,
    pictures: pictures.map(({ layers, ...view }) => ({
      key: viewKey(view),
      layers: Object.fromEntries(
        Object.entries(layers).map(([name, png]) => [
          name,
          `data:image/png;base64,${png.toBase64()}`,
        ]),
      ),
    })),
  };
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${uPlotStyle}${pageStyle}</style>
<h1>${escape(title)}</h1>
<dl>${facts.map(([name, value]) => `<dt>${escape(name)}<dd>${escape(value)}`).join("\n")}</dl>
<h2>Scores: ${escape(protocolLine(evaluation))}</h2>
${
    paragraphs([
      evaluation.about && `Views: ${evaluation.about}.`,
      evaluation.truth && `Truth: ${evaluation.truth}.`,
    ])
  }
${scoreTable(evaluation)}
${paragraphs([...notes, ...hiddenLines(evaluation)])}
${published.map(publishedSection).join("\n")}
${charts.length > 0 ? `<h2>Training</h2>\n<div id="charts"></div>` : ""}
${pictures.length > 0 ? COMPARISON : ""}
<h2>Every view</h2>
${viewTable(evaluation, new Set(data.pictures.map(({ key }) => key)))}
<script type="application/json" id="data">${
    JSON.stringify(data).replaceAll("<", "\\u003c")
  }</script>
<script>${ENGLISH}${uPlotScript}</script>
<script>${pageScript}</script>
</html>
`;
}

/** uPlot writes numbers in the browser's language, which may even be none (`en-US@posix`); the page is in English. */
const ENGLISH = 'Object.defineProperty(navigator, "language", { value: "en" });';

/** Left and right of a slider. */
const COMPARISON = `<h2>Side by side</h2>
<div id="comparison">
<div id="choice"><select id="left-layer" aria-label="left"></select>
<select id="view" aria-label="view"></select>
<select id="right-layer" aria-label="right"></select></div>
<div id="stage"><img id="left" alt="left layer" draggable="false"><img id="right" alt="right layer" draggable="false"></div>
<input id="slider" type="range" min="0" max="100" step="0.1" value="50" aria-label="where left meets right">
</div>`;

type ShownScores = { readonly [name in "psnr" | "ssim" | "lpips"]?: number | undefined };

/** The columns of scores, and how each is written. */
const COLUMNS: readonly [string, (scores: ShownScores) => number | undefined, number][] = [
  ["PSNR, dB", ({ psnr }) => psnr, 2],
  ["SSIM", ({ ssim }) => ssim, 4],
  ["LPIPS", ({ lpips }) => lpips, 4],
];

/** The same scores of the moving region under the names of the whole picture's. */
function movingScores({ psnrMoving, ssimMoving, lpipsMoving }: ImageScores): ShownScores {
  return { psnr: psnrMoving, ssim: ssimMoving, lpips: lpipsMoving };
}

/** `mononerf, 8 of 144 views` */
export function protocolLine({ protocol, views, of = views }: Evaluation): string {
  return `${protocol}, ${views < of ? `${views} of ${of}` : `all ${views}`} views`;
}

function scoreTable({ scenes, ...all }: Evaluation): string {
  const sets: [string, Scores][] = Object.entries(scenes);
  if (sets.length > 1) sets.push(["all", all]);
  const models: [string, (scores: Scores) => ImageScores][] = [
    ["model", (scores) => scores],
    ["nearest frame", ({ baselines }) => baselines.nearest],
    ["mean image", ({ baselines }) => baselines.mean],
  ];
  const heads = models.map(([model]) => `<th colspan="${COLUMNS.length}">${model}`);
  const names = models.flatMap(() => COLUMNS.map(([name]) => `<th>${name}`));
  const row = (label: string, kind: string, cells: readonly string[]) =>
    `<tr class="${kind}"><td>${escape(label)}${cells.map((cell) => `<td>${cell}`).join("")}`;
  const body = sets.flatMap(([name, scores], i) => {
    const kind = i === Object.keys(scenes).length ? "total" : "";
    const cells = (of: (scores: ImageScores) => ShownScores) =>
      models.flatMap(([, model]) =>
        COLUMNS.map(([, value, digits]) => shown(value(of(model(scores))), digits))
      );
    const { moving, still } = scores.dynamicness;
    return [
      row(name, kind, [String(scores.views), ...cells((own) => own), shown(still, 2)]),
      row("moving region", "region", ["", ...cells(movingScores), shown(moving, 2)]),
    ];
  });
  return `<div class="wide"><table id="scores"><thead>
<tr><th rowspan="2">scene<th rowspan="2">views${heads.join("")}<th rowspan="2">dynamicness
<tr>${names.join("")}</thead>
<tbody>${body.join("\n")}</tbody></table></div>
<p class="note">Dynamicness: its mean where all is still, and in the moving region. Moving region: PSNR of its pixels, SSIM of the windows centred in it, LPIPS by the mean of its spatial map there.</p>`;
}

/** What pictures hide, where it is known. */
function hiddenLines({ depthOrder, endPointError }: Evaluation): string[] {
  const own = "in views that are the scene's own frames";
  return [
    ...(depthOrder === undefined
      ? []
      : [`Rank correlation of depth with the measured one, ${own}: ${depthOrder.toFixed(3)}.`]),
    ...(endPointError === undefined ? [] : [
      `Error of the induced flow where something moves, ${own}: ${endPointError.toFixed(2)} px.`,
    ]),
  ];
}

function publishedSection({ protocol, source, remark, scores }: PublishedTable): string {
  const rows = scores.map(({ method, scene, psnr, lpips }) =>
    `<tr><td>${escape(method)}<td>${escape(scene)}<td>${psnr.toFixed(2)}<td>${lpips.toFixed(3)}`
  );
  return `<h2>Published, by the same protocol</h2>
<p class="note">${escape(`${protocol}; source: ${source}; ${remark}.`)}</p>
<table id="published"><thead><tr><th>method<th>scene<th>PSNR, dB<th>LPIPS</thead>
<tbody>${rows.join("\n")}</tbody></table>`;
}

function viewTable({ perView }: Evaluation, pictured: ReadonlySet<string>): string {
  const columns: [string, (view: Evaluation["perView"][number]) => number | undefined, number][] = [
    ["time", ({ time }) => time, 0],
    ["camera", ({ camera }) => camera, 0],
    ...COLUMNS,
    ...COLUMNS.map(([name, value, digits]): (typeof columns)[number] => [
      `moving ${name}`,
      (view) => value(movingScores(view)),
      digits,
    ]),
    ["nearest PSNR, dB", ({ baselines }) => baselines.nearest.psnr, 2],
    ["depth order", ({ depthOrder }) => depthOrder, 3],
    ["flow error, px", ({ endPointError }) => endPointError, 2],
  ];
  const rows = perView.map((view) => {
    const key = viewKey(view);
    const name = pictured.has(key)
      ? `<a href="#comparison">${escape(view.scene)}</a>`
      : escape(view.scene);
    const cells = columns.map(([, value, digits]) =>
      `<td data-value="${value(view) ?? ""}">${shown(value(view), digits)}`
    );
    return `<tr data-view="${escape(key)}"><td data-value="${escape(view.scene)}">${name}${
      cells.join("")
    }`;
  });
  const head = ["scene", ...columns.map(([name]) => name)];
  return `<div class="wide"><table id="views"><thead><tr>${
    head.map((name) => `<th><button>${name}</button>`).join("")
  }</thead>
<tbody>${rows.join("\n")}</tbody></table></div>`;
}

/** `balloon1, time 3, camera 0` */
function viewKey({ scene, time, camera }: { scene: string; time: number; camera: number }): string {
  return `${scene}, time ${time}, camera ${camera}`;
}

function shown(value: number | null | undefined, digits: number): string {
  return value === undefined || value === null ? "–" : value.toFixed(digits);
}

function paragraphs(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined)
    .map((text) => `<p class="note">${escape(text)}</p>`).join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
