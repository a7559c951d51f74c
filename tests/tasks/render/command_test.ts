import { assertEquals, assertThrows } from "@std/assert";
import type { Camera } from "../../../src/data/scene/camera.ts";
import { pathViews, poseViews } from "../../../src/viewing/paths.ts";
import { parseCommand } from "../../../tasks/render/command.ts";
import { shareOf, viewsOf } from "../../../tasks/render/run.ts";
import { UsageError } from "../../../tasks/terminal/options.ts";

const cameras = Array.from({ length: 4 }, (_, i): Camera => ({
  cameraToWorld: Float32Array.of(1, 0, 0, i, 0, 1, 0, 0, 0, 0, 1, 0),
  focalPixels: 40,
  width: 48,
  height: 27,
}));
const scene = { name: "balloon1", cameras };
const poses = [{ cameraToWorld: cameras[1].cameraToWorld, time: 1.5 }];

const parse = (line: string) =>
  parseCommand(`runs/balloon-small ${line}`.split(" ").filter(Boolean));
const views = (line: string) => viewsOf(scene, parse(line), poses).wanted;

Deno.test("deno task render makes the views that its flags ask for", () => {
  const size = { width: 96, height: 60 };
  const cases: [string, ReturnType<typeof views>][] = [
    ["", pathViews(scene, "novel")],
    ["--path novel", pathViews(scene, "novel")],
    ["--time-only", pathViews(scene, "time-only")],
    [
      "--path time-only --views 4 --camera 2",
      pathViews(scene, "time-only", { views: 4, camera: 2 }),
    ],
    ["--view-only", pathViews(scene, "view-only")],
    ["--view-only --time 0.5 --camera 0", pathViews(scene, "view-only", { time: 0.5, camera: 0 })],
    ["--grid", pathViews(scene, "grid")],
    ["--grid --size 96x60", pathViews(scene, "grid", { size })],
    ["--zoom", pathViews(scene, "zoom")],
    ["--zoom --time 3 --views 7", pathViews(scene, "zoom", { time: 3, views: 7 })],
    ["--dolly", pathViews(scene, "dolly")],
    ["--poses poses.json", poseViews(scene, poses)],
    ["--poses poses.json --size 96x60", poseViews(scene, poses, { size })],
    ["--frames 3..5", pathViews(scene, "novel").slice(3, 6)],
    ["--grid --frames 15..15", pathViews(scene, "grid").slice(15)],
  ];
  for (const [line, wanted] of cases) assertEquals(views(line), wanted, line);
});

Deno.test("deno task render tells apart what else its flags ask for", () => {
  const defaults = parse("");
  assertEquals(defaults, {
    run: "runs/balloon-small",
    path: "novel",
    options: { views: undefined, camera: undefined, time: undefined, size: undefined },
    scenes: undefined,
    edit: undefined,
    layers: ["color"],
    tracks: undefined,
    frames: undefined,
    shard: undefined,
    merge: false,
    films: { mp4: true, gif: false, fps: 30 },
    out: "runs/balloon-small/novel",
    data: undefined,
    features: { folder: undefined, limitBytes: 20e9 },
  });
  const cases: [string, Partial<typeof defaults>][] = [
    ["--scene balloon1,balloon2", { scenes: ["balloon1", "balloon2"] }],
    ["--layers flow,color", { layers: ["color", "flow"] }],
    ["--layers all", { layers: ["color", "static", "dynamic", "depth", "dynamicness", "flow"] }],
    ["--no-mp4 --gif --fps 12", { films: { mp4: false, gif: true, fps: 12 } }],
    ["--shard 2/3", { shard: { index: 2, count: 3 } }],
    ["--merge", { merge: true }],
    ["--out /films --data /scenes", { out: "/films", data: "/scenes" }],
    ["--feature-cache-limit 0", { features: { folder: undefined, limitBytes: 0 } }],
  ];
  for (const [line, changed] of cases) assertEquals(parse(line), { ...defaults, ...changed }, line);
  assertEquals(parse("--poses p.json").path, { poses: "p.json" });
  assertEquals(parse("--grid").out, "runs/balloon-small/grid");
  assertEquals(parse("--grid --remove").out, "runs/balloon-small/grid-remove");
  const tracked = parse("--zoom --tracks 64");
  assertEquals(tracked.tracks, { points: 64, frames: 3 });
  assertEquals(tracked.out, "runs/balloon-small/zoom-tracks-64");
  const longer = parse("--tracks 9 --track-frames 5");
  assertEquals(longer.tracks, { points: 9, frames: 5 });
  assertEquals(longer.out, "runs/balloon-small/novel-tracks-9-frames-5");
});

Deno.test("shareOf() deals everything out, once, as evenly as can be", () => {
  const all = Array.from({ length: 10 }, (_, i) => i);
  const shares = [0, 1, 2].map((index) => shareOf(all, { index, count: 3 }));
  assertEquals(shares.map(({ length }) => length), [4, 3, 3]);
  assertEquals(shares.flat().toSorted((a, b) => a - b), all);
});

Deno.test("deno task render refuses flags that mean nothing, or not together", () => {
  const cases: [string, string][] = [
    [
      "--path orbit",
      'Cannot read "--path": value is "orbit", wanted novel or time-only or view-only',
    ],
    ["--grid --zoom", "Cannot render grid and zoom at once: start once for each"],
    ["--path novel --poses p.json", "Cannot render novel and poses at once"],
    ["--grid --views 3", 'Cannot use "--views" with the views of grid: they are fixed'],
    ["--poses p.json --camera 0", 'Cannot use "--camera" with the views of poses'],
    ["--time 3", 'Cannot use "--time" with the views of novel'],
    ["--views 1.5", 'Cannot read "--views": value is "1.5", wanted a whole number'],
    ["--size 96", 'Cannot read "--size": value is "96", wanted WxH in pixels, as 480x270'],
    ["--size 0x54", 'Cannot read "--size": value is "0x54", wanted at least 1x1'],
    ["--frames 9..3", 'Cannot read "--frames": value is "9..3", wanted the smaller one first'],
    ["--frames 3", 'Cannot read "--frames": value is "3", wanted A..B, as 0..9'],
    ["--layers colour", 'Unknown layer "colour", did you mean "color"?'],
    ["--layers ,", 'Cannot read "--layers": value is ",", wanted all, or some of color, static'],
    ["--shard 3/3", 'Cannot read "--shard": value is "3/3", wanted 0/3 to 2/3'],
    ["--shard 1", 'Cannot read "--shard": value is "1", wanted i/n, as 0/3'],
    ["--shard 0/3 --merge", 'Cannot do "--merge" and "--shard" at once'],
    ["--gif --fps 60", "Cannot make a GIF of 60 frames/s: it has at most 50"],
    ["more", 'Cannot render more than one run: "more"'],
    [
      "--tracks 0",
      'Cannot read "--tracks": value is "0", wanted a whole number of at least 1 (points)',
    ],
    ["--tracks 2.5", 'Cannot read "--tracks": value is "2.5", wanted a whole number'],
    ["--tracks many", 'Cannot read "--tracks": value is "many", wanted a whole number'],
    ["--tracks", 'Cannot read "--tracks": no value follows, wanted a whole number'],
    ["--tracks 4 --track-frames 0", 'Cannot read "--track-frames": value is "0", wanted a whole'],
    ["--track-frames 4", 'Cannot use "--track-frames" without "--tracks"'],
    ["--tracks 4 --remove", 'Cannot draw "--tracks" over edited views'],
    ["--remove --flip", 'Cannot use "--flip" with "--remove": no moving part is left; give it one'],
    ["--freeze 1.5 --remove", 'Cannot use "--freeze" with "--remove"'],
    ["--move 1,2", 'Cannot read "--move": value is "1,2", wanted X,Y,Z, as 0.5,0,0'],
    ["--move 1,,3", 'Cannot read "--move": value is "1,,3"'],
    [
      "--blend 0,0,-2..1,1,-1",
      'Cannot read "--blend": value is "0,0,-2..1,1,-1", wanted two corners',
    ],
    ["--blend 0,0,-2..1,1,-1=2", 'Cannot read "--blend": value is "0,0,-2..1,1,-1=2"'],
    ["--blend 0,0,-2..1,-1,-1=0", "wanted two corners, the smaller one first, and 0 to 1"],
  ];
  for (const [line, message] of cases) assertThrows(() => parse(line), UsageError, message);
  assertThrows(() => parseCommand([]), UsageError, "Cannot render: no run is named");
});
