import { assertEquals, assertThrows } from "@std/assert";
import { needsAdapter, parseCommand, prepareGrants } from "../../../tasks/prepare/command.ts";
import { UsageError } from "../../../tasks/terminal/options.ts";

Deno.test("parseCommand() names the scene after the video", () => {
  const { input, out, maxFrames, epipolarThreshold } = parseCommand(["videos/my dog.mp4"]);
  assertEquals([input, out, maxFrames, epipolarThreshold], [
    "videos/my dog.mp4",
    "data/my dog",
    100,
    1,
  ]);
  assertEquals(parseCommand(["shots/", "--out", "elsewhere"]).out, "elsewhere");
});

Deno.test("parseCommand() refuses flags that contradict each other", () => {
  for (
    const [args, message] of [
      [[], "no video is named"],
      [["a.mp4", "b.mp4"], 'Cannot prepare "b.mp4" too'],
      [["a.mp4", "--near", "2"], '"--near" without "--poses"'],
      [["a.mp4", "--depth-is", "depth"], '"--depth-is" without "--depth"'],
      [["a.mp4", "--poses", "p", "--matching", "sequential"], '"--matching" with "--poses"'],
      [["a.mp4", "--poses", "p", "--threads", "2"], '"--threads" with "--poses"'],
      [["a.mp4", "--motion-masks", "m", "--epipolar-width", "9"], '"--epipolar-width" with "--mo'],
      [[".."], 'Cannot name a scene after "..": name its folder with --out'],
      [["a.mp4", "--flow", "f", "--raft", "r"], '"--raft" with "--flow"'],
      [["a.mp4", "--poses", "p", "--near", "3", "--far", "2"], "wanted near < far"],
      [["a.mp4", "--redo", "everything"], "wanted frames or flow or cameras"],
      [["a.mp4", "--max-frames", "2"], "of at least 3"],
    ] as const
  ) assertThrows(() => parseCommand([...args]), UsageError, message);
});

Deno.test("prepareGrants() lets the task read what it is given, write the scene, and run its programs alone", () => {
  assertEquals(prepareGrants(["a.mp4", "--depth", "d", "--raft", "r.pth"], "/cache"), {
    read: ["a.mp4", "data/a", "checkpoints", "d", "r.pth"],
    write: ["data/a"],
    run: ["ffmpeg", "ffprobe", "colmap"],
  });
  assertEquals(prepareGrants(["a.mp4", "--poses", "p"], "/cache").run, ["ffmpeg", "ffprobe"]);
  const { read } = prepareGrants(["a.mp4", "--poses", "my/transforms.json"], "/cache");
  assertEquals(read?.slice(3), ["my/transforms.json", "my"]); // the points lie beside it
  assertEquals(prepareGrants(["a.mp4", "--person-masks", "selfie"], "/cache"), {
    read: ["a.mp4", "data/a", "checkpoints", "/cache", "tasks/prepare/litert_wasm.ts"],
    write: ["data/a"],
    run: ["ffmpeg", "ffprobe", "colmap"],
    env: ["HOME", "XDG_CACHE_HOME"],
  });
  assertEquals(prepareGrants(["--what"], "/cache"), {});
});

Deno.test("needsAdapter() is false where depth and flow are there", () => {
  assertEquals(needsAdapter(["a.mp4", "--depth", "d", "--flow", "f"]), false);
  assertEquals(needsAdapter(["a.mp4", "--depth", "d"]), true);
  assertEquals(needsAdapter(["--help"]), false);
});
