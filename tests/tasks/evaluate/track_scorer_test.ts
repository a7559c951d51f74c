import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { ProceduralScene } from "../../../src/data/procedural/mod.ts";
import type { Evaluation } from "../../../src/evaluation/report.ts";
import type { RenderedImage } from "../../../src/viewing/image_renderer.ts";
import { pixelToWorld, worldToPixel } from "../../../src/data/scene/ndc.ts";
import type { PointTracker } from "../../../src/viewing/point_tracker.ts";
import { syntheticScene } from "../../../tasks/bench/scene.ts";
import { TrackScorer } from "../../../tasks/evaluate/track_scorer.ts";

const scene = syntheticScene("balloon1", 96, 54);
const truth = new ProceduralScene("balloon1", { width: 96, height: 54, factor: 1 });
const depth = 0.2;

/** A view that is right about what moves; where points are along their rays does not matter to the one who looks along them. */
function imageOf(camera: number, time: number): RenderedImage {
  const dynamicness = truth.moverMap(camera, time);
  const data = Float32Array.from(dynamicness.data, (mover) => mover > 0 ? 1 : 0);
  return {
    width: 96,
    height: 54,
    dynamicness: ndarray(data, [54, 96]),
    depthDynamic: ndarray(new Float32Array(54 * 96).fill(depth), [54, 96]),
  } as unknown as RenderedImage;
}

/** Knows the way of every point that camera `camera` sees, and takes it `off` pixels beside. */
function tracker(camera: number, off: number): Pick<PointTracker, "track"> {
  return {
    track: ({ time, points, before = 0, after = 0 }) => {
      const own = scene.cameras[camera];
      const times = Array.from({ length: before + 1 + after }, (_, i) => time - before + i);
      const world = ndarray(new Float32Array(points.length * times.length * 3), [
        points.length,
        times.length,
        3,
      ]);
      points.forEach((point, i) => {
        const pixel = worldToPixel(point, own)!.map(Math.round) as [number, number];
        truth.pixelTrack(camera, time, pixel, times)!.forEach(([x, y], k) =>
          pixelToWorld([x + off, y], depth, own).forEach((value, axis) =>
            world.set(i, k, axis, value)
          )
        );
      });
      return Promise.resolve({ times, world, ndc: world });
    },
  };
}

Deno.test("TrackScorer finds how far paths are from the true ones, as the view's camera sees them", async () => {
  const known = new Map([[scene, truth]]);
  for (const [camera, time] of [[4, 4], [9, 2], [0, 11]]) {
    for (const off of [0, 1.5]) {
      const scorer = new TrackScorer(tracker(camera, off), [scene], known);
      const error = await scorer.score(0, { camera, time }, imageOf(camera, time));
      assertAlmostEquals(error!, off, 2e-3);
    }
  }
});

Deno.test("TrackScorer scores nothing where no truth is known or nothing moves, and says so by no line", async () => {
  const blank = { ...imageOf(4, 4), dynamicness: ndarray(new Float32Array(54 * 96), [54, 96]) };
  const known = new TrackScorer(tracker(4, 0), [scene], new Map([[scene, truth]]));
  assertEquals(await known.score(0, { camera: 4, time: 4 }, blank), undefined);
  const unknown = new TrackScorer(tracker(4, 0), [scene], new Map());
  assertEquals(await unknown.score(0, { camera: 4, time: 4 }, imageOf(4, 4)), undefined);
  assertEquals(unknown.line({ scenes: {} } as Evaluation), undefined);
});

Deno.test("TrackScorer.line() tells the means by scene, and how many points have no true path", async () => {
  const all = ndarray(new Float32Array(54 * 96).fill(1), [54, 96]); // all of the picture moves
  const still: Pick<PointTracker, "track"> = {
    track: ({ time, points }) => {
      const world = ndarray(Float32Array.from(points.flat()), [points.length, 1, 3]);
      return Promise.resolve({ times: [time], world, ndc: world });
    },
  };
  const scorer = new TrackScorer(still, [scene], new Map([[scene, truth]]));
  await scorer.score(0, { camera: 4, time: 4 }, { ...imageOf(4, 4), dynamicness: all });
  const scores = (trackError: number) => ({ trackError });
  const scenes = { a: scores(1.25), b: scores(1.75) } as unknown as Evaluation["scenes"];
  const line = scorer.line({ scenes, trackError: 1.5 } as Evaluation)!;
  assertStringIncludes(
    line,
    "over 3 frames before and after, from the true paths: a 1.25 px, b 1.75 px, all 1.50 px (",
  );
  const beside = Number(/\((\d+) % were beside/.exec(line)![1]);
  const share = truth.moverMap(4, 4).data.filter((mover) => mover === 0).length / (54 * 96);
  assertAlmostEquals(beside / 100, share, 0.15);
});
