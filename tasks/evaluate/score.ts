/**
 * Scoring a run's model: its views rendered, and all that a person reads and looks at written into the run's folder.
 *
 * @module
 */
import { encodePng } from "../../src/data/formats/png.ts";
import type { RunFolder } from "../../src/data/run/run_folder.ts";
import { describeMultiview, loadMultiviewImage, type Scene } from "../../src/data/scene/scene.ts";
import { contactSheet } from "../../src/pictures/contact_sheet.ts";
import { type MetricsLine, trainingCurves } from "../../src/evaluation/curves.ts";
import {
  evaluate,
  type EvaluatedView,
  layerPictures,
  type ViewRenderer,
} from "../../src/evaluation/evaluate.ts";
import { type ProtocolName, scoredViews } from "../../src/evaluation/protocols.ts";
import { publishedFor } from "../../src/evaluation/published.ts";
import type { Evaluation } from "../../src/evaluation/report.ts";
import { reportPage, type ReportPictures } from "../../src/evaluation/report_page.ts";
import { spreadViews } from "../../src/evaluation/views.ts";
import { differencePicture, to8bit } from "../../src/pictures/layer_pictures.ts";
import type { PointTracker } from "../../src/viewing/point_tracker.ts";
import { Progress } from "../terminal/progress.ts";
import { scoreTable } from "../train/summary.ts";
import { movingTruth, proceduralTruth } from "../train/scenes.ts";
import type { FoundLpips } from "./lpips.ts";
import { TrackScorer } from "./track_scorer.ts";

/** What is scored, and how. */
export interface ScoreRequest {
  /** Renders the run's model. */
  renderer: ViewRenderer;
  /** Follows points of its scenes. */
  tracker: Pick<PointTracker, "track">;
  /** Where to write. */
  folder: RunFolder;
  /** The scenes, in the renderer's order. */
  scenes: readonly Scene[];
  /** Views of each scene; 0: all. */
  views: number;
  /** The protocol that was asked for; what is written then bears its name. */
  protocol?: ProtocolName | undefined;
  /** LPIPS, or why there is none. */
  lpips: FoundLpips;
  /** Stops between two views. */
  signal: AbortSignal;
}

/** Bytes of the pictures of a scene, before they are packed, that a report holds at most; two views all the same. */
const REPORT_BYTES = 2e7;
const MOST_REPORT_VIEWS = 12, LEAST_REPORT_VIEWS = 2;
/** Pictures of a view in a report. */
const REPORT_LAYERS = 9;
/** Error shown in the brightest color, of 255. */
const ERROR_FULL_SCALE = 64;

/** Renders and scores views, and writes all that a person looks at; the evaluation itself comes last. */
export async function scoreRun(request: ScoreRequest): Promise<Evaluation> {
  const { renderer, tracker, folder, scenes, views, protocol, lpips, signal } = request;
  const { recipe } = folder.record;
  const which = { protocol, seenFrames: recipe.dynamicFrames };
  const pictured = scenes.map((scene) => {
    const bytes = scene.width * scene.height * 3 * REPORT_LAYERS;
    const fitting = Math.floor(REPORT_BYTES / bytes);
    const count = Math.min(Math.max(fitting, LEAST_REPORT_VIEWS), MOST_REPORT_VIEWS);
    const chosen = spreadViews(scoredViews(scene, views, which).views, count);
    return { name: scene.name, views: chosen.map(({ time, camera }) => `${time}/${camera}`) };
  });
  const truth = await proceduralTruth(scenes);
  const tracks = new TrackScorer(tracker, scenes, truth);
  const pictures: ReportPictures[] = [];
  const progress = new Progress({ every: 12 });
  try {
    const { evaluation, rows } = await evaluate(renderer, scenes, {
      ...which,
      views,
      truth: (scene, { time, camera }) => loadMultiviewImage(scene, time, camera),
      aboutTruth: describeMultiview,
      moving: movingTruth(truth),
      trackError: (scene, view, image) => tracks.score(scene, view, image),
      lpips: lpips.lpips,
      onView: async (view, done, of) => {
        const { scene, time, camera } = view.scores;
        const layers = layerPictures(view.image);
        for (const [layer, picture] of Object.entries(layers)) {
          await folder.writeRender(
            `${scene}-time${two(time)}-camera${two(camera)}-${layer}`,
            picture,
          );
        }
        const own = pictured.find(({ name }) => name === scene);
        if (own?.views.includes(`${time}/${camera}`)) pictures.push(reportPictures(view));
        progress.update({ what: "scoring views", step: done, steps: of });
      },
      signal,
    });
    progress.close();
    const title = `${recipe.name}, ${recipe.preset}, ${recipe.dynamicSteps} dynamic steps`;
    const sheet = await folder.writeContactSheet(
      contactSheet(rows, { title, subtitle: sheetSubtitle(evaluation) }),
      protocol,
    );
    const report = await folder.writeReport(
      reportPage({
        title,
        facts: runFacts(folder, scenes),
        evaluation,
        charts: trainingCurves(await folder.readMetrics() as unknown as MetricsLine[]),
        pictures,
        published: publishedFor(
          evaluation.protocol,
          evaluation.views === evaluation.of,
          scenes.map(({ name, width, height }) => ({ scene: name, width, height })),
        ),
        notes: lpips.note === undefined ? [] : [lpips.note],
      }),
      protocol,
    );
    await folder.writeEvaluation(evaluation, protocol);
    console.log(`\n${scoreTable(evaluation)}\n`);
    const followed = tracks.line(evaluation);
    if (followed !== undefined) console.log(followed);
    if (lpips.note !== undefined) console.log(lpips.note);
    console.log(`Report: "${report}", to be opened in a browser.`);
    console.log(`Pictures: "${sheet}", and each view's layers in "${folder.path("renders")}".`);
    return evaluation;
  } finally {
    progress.close();
  }
}

/** The pictures of a view that a report compares. */
function reportPictures({ scores, truth, nearest, image }: EvaluatedView): ReportPictures {
  const { scene, time, camera } = scores;
  const { color, ...layers } = layerPictures(image);
  const all = {
    truth,
    rendered: color,
    "nearest frame": nearest,
    error: differencePicture(to8bit(image.color), truth, ERROR_FULL_SCALE),
    ...layers,
  };
  return {
    scene,
    time,
    camera,
    layers: Object.fromEntries(
      Object.entries(all).map(([layer, picture]) => [layer, encodePng(picture)]),
    ),
  };
}

/** What a reader of a report wants to know of the run. */
function runFacts(
  { directory, record }: RunFolder,
  scenes: readonly Scene[],
): (readonly [string, string])[] {
  const { recipe, version, adapter, encoders } = record;
  const sizes = scenes.map(({ name, frames, width, height }) =>
    `${name}: ${frames} frames of ${width} x ${height}`
  );
  const seen = recipe.dynamicFrames === 0 ? [] : [
    ["Seen", `the dynamic field saw the first ${recipe.dynamicFrames} frames`] as const,
  ];
  return [
    ["Run", directory],
    ["Scenes", sizes.join("; ")],
    ["Steps", `${recipe.staticSteps} static, ${recipe.dynamicSteps} dynamic; seed ${recipe.seed}`],
    ...seen,
    ["Encoders", `${encoders?.video?.file ?? "seeded"}, ${encoders?.image?.file ?? "seeded"}`],
    ["Machine", `${adapter}; version ${version}`],
  ];
}

function sheetSubtitle({ protocol, views, psnr, baselines }: Evaluation): string {
  return `${views} ${protocol}: ${psnr.toFixed(2)} dB; nearest frame ${
    baselines.nearest.psnr.toFixed(2)
  } dB, mean image ${baselines.mean.psnr.toFixed(2)} dB`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
