/**
 * Paths of points in rendered views: the flag, and the points that are followed.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import type { ImageRenderer, RenderedImage } from "../../src/viewing/image_renderer.ts";
import type { SceneView } from "../../src/viewing/paths.ts";
import { to8bit } from "../../src/pictures/layer_pictures.ts";
import type { PointTracker, PointTracks } from "../../src/viewing/point_tracker.ts";
import { movingPixels, movingPoints, trackPicture } from "../../src/viewing/track_picture.ts";
import { flagGroup, UsageError } from "../terminal/options.ts";
import type { EditCommand } from "./edit.ts";

/** Which paths are drawn. */
export interface TrackCommand {
  /** Points that are followed, at most. */
  points: number;
  /** Frames before and after a view's time that paths show. */
  frames: number;
}

/** The flags of tracks. */
export const trackFlags = flagGroup("Tracks", { tracks: 0, trackFrames: 3 }, {
  tracks: {
    about: "draw where so many points of what moves were and will be; by default none",
    unit: "points",
    whole: true,
    min: 1,
  },
  trackFrames: {
    about: "frames before and after that are drawn",
    unit: "frames",
    whole: true,
    min: 1,
  },
});

/**
 * The tracks that a command line asks for.
 *
 * @param given The flags that stand there.
 * @throws {UsageError} If they cannot be drawn.
 */
export function readTracks(
  { tracks, trackFrames }: { readonly tracks: number; readonly trackFrames: number },
  given: ReadonlySet<string>,
  edit: EditCommand | undefined,
): TrackCommand | undefined {
  if (!given.has("tracks")) {
    if (!given.has("trackFrames")) return undefined;
    throw new UsageError(
      'Cannot use "--track-frames" without "--tracks": it says how long they are',
    );
  }
  if (!edit) return { points: tracks, frames: trackFrames };
  throw new UsageError(
    'Cannot draw "--tracks" over edited views: points are followed where they were filmed',
  );
}

/** What tracks are called in the name of a folder. */
export function tracksName({ points, frames }: TrackCommand): string {
  return `tracks-${points}` +
    (frames === trackFlags.trackFrames.default ? "" : `-frames-${frames}`);
}

/** Points of a scene that are followed through all views of a path. */
export type ViewTracks = PointTracks | undefined;

/**
 * Chooses points and follows them through the scene.
 *
 * They are chosen once for all views of the path, so that every shard draws the same and they go on from picture to picture:
 * where the view in the middle of the path sees something move, at that view's time or, where the views' times differ, at the
 * frame nearest to it.
 *
 * @returns nothing where nothing moves in that view
 */
export async function followPoints(
  { renderer, tracker, onNotice }: {
    renderer: ImageRenderer;
    tracker: PointTracker;
    onNotice: (line: string) => void;
  },
  { number, scene, all }: {
    readonly number: number;
    readonly scene: { readonly name: string; readonly frames: number };
    readonly all: readonly SceneView[];
  },
  { points: count }: TrackCommand,
): Promise<ViewTracks> {
  const { camera, name, time: middle } = all[Math.floor(all.length / 2)];
  const time = all.every((view) => view.time === middle) ? middle : Math.round(middle);
  const image = await renderer.render(number, camera, time);
  const pixels = movingPixels(image, count);
  if (pixels.length < count) {
    onNotice(
      `View ${name} of "${scene.name}" at time ${time} shows ${pixels.length} pixels that move: ` +
        (pixels.length === 0 ? "no tracks are drawn." : "as many points are followed."),
    );
  }
  if (pixels.length === 0) return undefined;
  const points = movingPoints(image, camera, pixels);
  const last = scene.frames - 1;
  const [before, after] = [Math.floor(time), Math.floor(last - time)];
  return await tracker.track({ scene: number, time, points, before, after });
}

/** A view's colors with the paths over them. */
export function drawTracks(
  { color }: RenderedImage,
  view: SceneView,
  tracks: ViewTracks,
  { frames }: TrackCommand,
): NdArray<Uint8Array> {
  const picture = to8bit(color);
  return tracks ? trackPicture(picture, tracks, { ...view, frames }) : picture;
}
