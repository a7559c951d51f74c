import { assertEquals, assertThrows } from "@std/assert";
import type { Scene } from "../../src/data/scene/scene.ts";
import {
  protocolNames,
  scoredViews,
  type ScoredViewsOptions,
} from "../../src/evaluation/protocols.ts";
import { randomScene } from "../support/scenes.ts";

/** Four frames, and held-out views of these cameras at these times. */
function scene(times: number[], cameras: number[]): Scene {
  const multiview = times.flatMap((time) => cameras.map((camera) => ({ time, camera, path: "" })));
  return { ...randomScene("A", 1), multiview };
}

const all = scene([0, 1, 2, 3], [0, 1, 2, 3]);

function viewsBy(options: ScoredViewsOptions, of = all, count = 0): string[] {
  return scoredViews(of, count, options).views.map(({ time, camera }) => `${time}/${camera}`);
}

Deno.test("scoredViews() takes the views of each protocol", () => {
  assertEquals(viewsBy({ protocol: "mononerf" }).length, 16);
  assertEquals(viewsBy({ protocol: "dynnerf" }), ["0/0", "1/0", "2/0", "3/0"]);
  assertEquals(viewsBy({ protocol: "held-out" }).length, 12);
  assertEquals(viewsBy({ protocol: "unseen", seenFrames: 3 }), ["3/3"]);
  assertEquals(viewsBy({ protocol: "training", seenFrames: 3 }), ["0/0", "1/1", "2/2"]);
  assertEquals(viewsBy({ protocol: "training" }), ["0/0", "1/1", "2/2", "3/3"]);
});

Deno.test("scoredViews() names its protocol, and counts the views that it leaves out", () => {
  const { protocol, ownFrames, views, of, seen } = scoredViews(all, 5, { protocol: "mononerf" });
  assertEquals([protocol, ownFrames, views.length, of], ["mononerf", false, 5, 16]);
  assertEquals(seen, [0, 1, 2, 3]);
});

Deno.test("scoredViews() takes unseen frames by default, else held-out views, else the frames", () => {
  const alone = scene([], []);
  assertEquals(scoredViews(all, 0, { seenFrames: 2 }).protocol, "unseen");
  assertEquals(scoredViews(all, 0).protocol, "held-out views");
  assertEquals(scoredViews(alone, 0).protocol, "training-views");
});

Deno.test("scoredViews() leaves out views of cameras and times that the scene has no frame for", () => {
  assertEquals(viewsBy({}, scene([1, 4], [0, 7])), ["1/0"]);
  assertEquals(viewsBy({ protocol: "mononerf" }, scene([1, 4], [0, 1, 7])), ["1/0", "1/1"]);
});

Deno.test("scoredViews() refuses a protocol that the scene has no view for", () => {
  const alone = scene([], []);
  for (const protocol of ["mononerf", "dynnerf", "held-out"] as const) {
    assertThrows(
      () => scoredViews(alone, 0, { protocol }),
      Error,
      `Cannot score "A" by "${protocol}": its multiview_GT has none of the views; choose another protocol`,
    );
  }
  assertThrows(
    () => scoredViews(all, 0, { protocol: "unseen" }),
    Error,
    'Cannot score "A" by "unseen": training saw all its 4 frames; choose another protocol',
  );
  assertEquals(protocolNames, ["mononerf", "dynnerf", "unseen", "held-out", "training"]);
});
