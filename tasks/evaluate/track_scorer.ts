/**
 * How closely a model's trajectories follow what truly moves, in scenes of which everything is known.
 *
 * @module
 */
import type { ProceduralScene } from "../../src/data/procedural/procedural_scene.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import type { View } from "../../src/evaluation/baselines.ts";
import type { Evaluation } from "../../src/evaluation/report.ts";
import { trackError } from "../../src/evaluation/track_error.ts";
import type { RenderedImage } from "../../src/viewing/image_renderer.ts";
import { worldToPixel } from "../../src/data/scene/ndc.ts";
import type { PointTracker } from "../../src/viewing/point_tracker.ts";
import { movingPixels, movingPoints } from "../../src/viewing/track_picture.ts";

/** Points of a view that are followed, and frames to both sides: as `deno task render --tracks 64` draws them. */
const POINTS = 64, FRAMES = 3;

/** Follows points of rendered views and compares their paths with the true ones. */
export class TrackScorer {
  #followed = 0;
  #beside = 0;

  constructor(
    private readonly tracker: Pick<PointTracker, "track">,
    private readonly scenes: readonly Scene[],
    private readonly truth: ReadonlyMap<Scene, ProceduralScene>,
  ) {}

  /** Mean distance in pixels of points of a view from their true paths, all as the view's camera sees them; where these are known. */
  async score(
    number: number,
    { camera, time }: View,
    image: RenderedImage,
  ): Promise<number | undefined> {
    const scene = this.scenes[number];
    const truth = this.truth.get(scene);
    const pixels = truth ? movingPixels(image, POINTS) : [];
    if (!truth || pixels.length === 0) return undefined;
    const own = scene.cameras[camera];
    const { times, world } = await this.tracker.track({
      scene: number,
      time,
      points: movingPoints(image, own, pixels),
      before: Math.min(FRAMES, time),
      after: Math.min(FRAMES, scene.frames - 1 - time),
    });
    const places = (point: number) =>
      times.map((_, at) => {
        const axis = (i: number) => world.get(point, at, i);
        const seen = worldToPixel([axis(0), axis(1), axis(2)], own);
        return seen ?? [-own.width, -own.height] as const; // behind the camera: far outside
      });
    const found = pixels.map((_, point) => places(point));
    const wanted = pixels.map((pixel) => truth.pixelTrack(camera, time, pixel, times));
    this.#followed += pixels.length;
    this.#beside += wanted.filter((path) => path === undefined).length;
    return trackError(found, wanted, times.indexOf(time));
  }

  /** One line: the means of an evaluation; nothing where no true path is known. */
  line({ trackError, scenes }: Evaluation): string | undefined {
    if (trackError === undefined) return undefined;
    const pixels = (value: number | undefined) =>
      value === undefined ? "–" : `${value.toFixed(2)} px`;
    const each = Object.entries(scenes).map(([name, { trackError }]) =>
      `${name} ${pixels(trackError)}`
    );
    const all = each.length > 1 ? `${each.join(", ")}, all ${pixels(trackError)}` : each[0];
    const beside = (100 * this.#beside / this.#followed).toFixed(0);
    return `Tracks of ${POINTS} points a view over ${FRAMES} frames before and after, from the true paths: ${all}` +
      ` (${beside} % were beside what moves, and have none).`;
  }
}
