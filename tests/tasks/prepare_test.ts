import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import type { ColmapCamera } from "../../src/data/given/colmap/model.ts";
import { loadDepth } from "../../src/data/given/given_depth.ts";
import { readImage } from "../../src/data/formats/image.ts";
import { encodeNpy, readNpy } from "../../src/data/formats/npy.ts";
import { encodePng } from "../../src/data/formats/png.ts";
import { resizeNearest } from "../../src/data/resize.ts";
import { loadScene } from "../../src/data/scene/scene.ts";
import { readDisparity, readFlow, readMask } from "../../src/data/scene/scene_files.ts";
import { dilate } from "../../src/preparation/morphology.ts";
import { undistortMask } from "../../src/preparation/undistort.ts";
import { distortMask, undistortFlow } from "../../src/preparation/undistort_flow.ts";
import { contentOf } from "../../tasks/prepare/content_hash.ts";
import { copyFolder, names, temporaryFolder } from "../data/temporary_folder.ts";
import { writeColmapModel } from "../support/colmap_model.ts";
import { film, filmedScene } from "../support/filmed_scene.ts";
import { COLMAP_4, runPrepare, StandIns } from "./prepare/stand_ins.ts";

const FRAMES = 4;
/** A lens that moves the corners by 2.4 pixels. */
const DISTORTION = -0.05;

const scene = filmedScene({ width: 160, height: 128, factor: 2 });
const LENS: ColmapCamera = {
  id: 1,
  model: "SIMPLE_RADIAL",
  width: 160,
  height: 128,
  parameters: Float64Array.of(scene.focalPixels, 80, 64, DISTORTION),
};
const master = await temporaryFolder();
globalThis.addEventListener("unload", () => Deno.removeSync(master.path, { recursive: true }));
await makeMaster();

/** The frames of a video, given depth and flow, and the programs that stand in for the real ones. */
async function makeMaster(): Promise<void> {
  const { path } = master;
  const frames = await film(scene, path, FRAMES);
  const { folder } = await StandIns.create(join(path, "programs"));
  await Deno.mkdir(join(path, "images"));
  for (const [i, frame] of frames.entries()) {
    const png = encodePng(frame);
    await Deno.writeFile(join(folder, "frames", `00${i}.png`), png);
    await Deno.writeFile(join(path, "images", `shot ${i + 8}.png`), png); // 8 … 11: in natural order
  }
  await writeColmapModel(join(folder, "sparse", "0"), scene, [0, 1, 2, 3], DISTORTION);
  await Deno.writeTextFile(join(folder, "frames-in-video"), String(FRAMES));
  await Deno.writeTextFile(join(path, "video.mp4"), "a video");
}

/** A copy of all that, and how it is prepared. */
async function workplace() {
  const folder = await temporaryFolder();
  await copyFolder(master.path, folder.path);
  const at = (...names: string[]) => join(folder.path, ...names);
  for (const name of ["ffmpeg", "ffprobe", "colmap"]) await Deno.chmod(at("programs", name), 0o755);
  const standIns = new StandIns(at("programs"));
  const given = ["--depth", at("depth"), "--depth-is", "depth", "--flow", at("flow")];
  const args = (input: string, ...flags: string[]) => [
    at(input),
    "--out",
    at("my scene"),
    ...given,
    ...flags,
  ];
  const prepare = (input: string, ...flags: string[]) =>
    runPrepare(args(input, ...flags), standIns.folder);
  return {
    at,
    standIns,
    args,
    prepare,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Steps that were done in a start, and those that had been done before. */
function steps(out: string): { done: string[]; before: string[] } {
  const lines = out.split("\n").flatMap((line) => /^([a-z][a-z ]+): (.*)$/i.exec(line) ?? []);
  const told: { done: string[]; before: string[] } = { done: [], before: [] };
  for (let i = 0; i < lines.length; i += 3) {
    (lines[i + 2].endsWith("(done before)") ? told.before : told.done).push(lines[i + 1]);
  }
  return told;
}

const ALL = [
  "frames",
  "flow between frames as filmed",
  "cameras without masks",
  "masks for COLMAP",
  "cameras",
  "poses",
  "depth",
  "flow",
  "motion masks",
];

Deno.test("deno task prepare makes a scene of a folder of images that training takes", async () => {
  await using work = await workplace();
  const { out, err, code } = await work.prepare("images");
  assertEquals([err, code], ["", 0]);
  assertEquals(steps(out).done, ALL);
  assertMatch(out, /^No masks are given \(--masks\): COLMAP looks at everything first, /m);
  assertMatch(out, /^It can be trained on\./m);
  assertStringIncludes(out, `Then: deno task train own "my scene" --data ${work.at()}\n`);
  const prepared = await loadScene(work.at("my scene"), { factor: 1 });
  assertEquals([prepared.frames, prepared.width, prepared.height], [FRAMES, 160, 128]);
  assertEquals((await readImage(work.at("my scene", "preview.png"))).shape.length, 3);
  // The poses of the model, whose axes are the scene's own.
  const { data } = await readNpy(work.at("my scene", "poses_bounds.npy"), ["float64"]);
  const { origin, right } = scene.cameras[2];
  const row = data.subarray(2 * 17, 3 * 17);
  for (const axis of [0, 1, 2]) {
    assert(Math.abs(row[5 * axis + 3] - origin[axis]) < 1e-9);
    assert(Math.abs(row[5 * axis + 1] - right[axis]) < 1e-9);
  }
  assertEquals([row[4], row[9]], [128, 160]);
  // The balloons move; the frames, whose lens bends, are straightened.
  const moving = prepared.moving.data.reduce((sum, value) => sum + value, 0);
  assert(moving > 0.1 * prepared.moving.data.length && moving < 0.7 * prepared.moving.data.length);
  const filmed = await Deno.readFile(work.at("my scene", "preparation", "frames", "000.png"));
  assertEquals(filmed, await Deno.readFile(work.at("images", "shot 8.png")));
  assert(
    (await contentOf(work.at("my scene", "images"))).sha256 !==
      (await contentOf(work.at("my scene", "preparation", "frames"))).sha256,
  );
  const filmedDepth = await loadDepth(work.at("depth", "003.npy"), { kind: "depth" });
  assertEquals(
    (await readDisparity(work.at("my scene", "disp", "003.npy"))).data,
    undistortMask(resizeNearest(filmedDepth, 160, 128), LENS).data,
  );
  for (const name of ["001_fwd.npz", "002_bwd.npz"]) {
    const filmed = await readFlow(work.at("my scene", "preparation", "flow", name));
    const straight = await readFlow(work.at("my scene", "flow", name));
    assertEquals(straight.flow.data, undistortFlow(filmed.flow, LENS).data, name);
    assertEquals(straight.valid.data, undistortMask(filmed.valid, LENS).data, name);
  }
  // COLMAP is kept from what moves against its first cameras, which are the last ones here; also in the last frame, which has
  // a neighbour before it alone.
  for (const name of ["001.png", "003.png"]) {
    const mask = await readMask(work.at("my scene", "motion_masks", name));
    const background = await readMask(
      work.at("my scene", "preparation", "background_mask", `${name}.png`),
    );
    assert(mask.data.includes(1));
    assertEquals(background.data, distortMask(mask, LENS).data.map((value) => 1 - value), name);
  }
});

Deno.test("deno task prepare takes the cameras without masks where those with masks lack a frame", async () => {
  await using work = await workplace();
  await writeColmapModel(work.at("programs", "sparse_masked", "0"), scene, [0, 2], DISTORTION);
  const { out, err, code } = await work.prepare("images");
  assertEquals([err, code], ["", 0]);
  assertMatch(out, /^With masks COLMAP found 2 cameras, without 4: these are taken\.$/m);
});

Deno.test("deno task prepare marks what moves by a threshold for another width, and by valid flow alone", async () => {
  await using work = await workplace();
  const own = ["--poses", work.at("programs", "sparse", "0")];
  const masks = async (...flags: string[]) => {
    const { err, code } = await work.prepare("images", ...own, ...flags);
    assertEquals([err, code], ["", 0]);
    return (await contentOf(work.at("my scene", "motion_masks"))).sha256;
  };
  const half = await masks("--epipolar-threshold", "0.5");
  assertEquals(await masks("--epipolar-threshold", "1", "--epipolar-width", "320"), half);
  const released = await masks();
  assert(released !== half);
  assert(await masks("--require-validity") !== released);
});

Deno.test("deno task prepare says where the camera stood still, and takes away frames that training has shrunk", async () => {
  await using work = await workplace();
  const [own, still] = [work.at("poses_bounds.npy"), work.at("still", "poses_bounds.npy")];
  const row = (x: number) => [0, 1, 0, x, 128, -1, 0, 0, 0, 160, 0, 0, 1, 0, 150, 1, 9];
  await Deno.mkdir(work.at("still"));
  for (const [path, steps] of [[own, [0, 1, 2, 3]], [still, [0, 1, 1.001, 3]]] as const) {
    const rows = ndarray(Float64Array.from(steps.flatMap(row)), [4, 17]);
    await Deno.writeFile(path, encodeNpy(rows, "float64"));
  }
  const moved = await work.prepare("video.mp4", "--poses", own);
  assertEquals([moved.code, /hardly moved/.test(moved.out)], [0, false]);
  await Deno.mkdir(work.at("my scene", "images_80x64"));
  const { out, code } = await work.prepare("video.mp4", "--poses", still);
  assertEquals(code, 0);
  assertMatch(out, /^The camera hardly moved before 002\.png: what moves there cannot be told /m);
  assertEquals((await names(work.at("my scene"))).includes("images_80x64"), true); // the frames are as before
  await work.prepare("video.mp4", "--poses", work.at("programs", "sparse", "0"));
  assertEquals((await names(work.at("my scene"))).includes("images_80x64"), false); // they are straightened now
});

Deno.test("deno task prepare calls ffmpeg and COLMAP as the specification says, by the names that they know", async () => {
  await using work = await workplace();
  await work.standIns.write("frames-in-video", "399"); // frames 0, 100, 200, 300
  assertEquals((await work.prepare("video.mp4", "--max-frames", "4", "--threads", "2")).code, 0);
  const calls = (await work.standIns.calls()).map((call) =>
    call.replaceAll(/\.[0-9a-f]{8}\.part/g, "").replaceAll(work.at(), "")
  );
  const S = "/my scene/preparation";
  const ALONE = "-protocol_whitelist file -format_whitelist " +
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,mjpeg,flv,ogg,gif,asf,mxf,dv,nut,wtv";
  assertEquals(calls, [
    "ffprobe -v error -count_frames -select_streams V:0 -show_entries stream=nb_read_frames,color_transfer,color_primaries," +
    `color_space:stream_side_data=rotation -of json ${ALONE} -i file:/video.mp4`,
    `ffmpeg -nostdin -v error ${ALONE} -i file:/video.mp4 ` +
    "-map 0:V:0 -vf select='not(mod(n,100))' -fps_mode passthrough " +
    `-pix_fmt rgb24 -start_number 0 -progress pipe:1 -nostats file:${S}/frames/%03d.png`,
    ...["colmap_first", "colmap"].flatMap((pass) => [
      `colmap feature_extractor --database_path ${S}/${pass}-features/database.db --image_path ${S}/frames ` +
      (pass === "colmap" ? `--ImageReader.mask_path ${S}/background_mask ` : "") +
      "--ImageReader.single_camera 1 --SiftExtraction.max_num_features 8192 --SiftExtraction.use_gpu 0 " +
      "--SiftExtraction.num_threads 2",
      `colmap exhaustive_matcher --database_path ${S}/${pass}-matches/database.db --SiftMatching.use_gpu 0 ` +
      "--SiftMatching.num_threads 2",
      `colmap mapper --database_path ${S}/${pass}-matches/database.db --image_path ${S}/frames --output_path ${S}/${pass}/sparse ` +
      "--Mapper.init_min_tri_angle 4 --Mapper.multiple_models 0 --Mapper.extract_colors 0 --Mapper.num_threads 2",
    ]),
  ]);

  await work.standIns.write("colmap-help", COLMAP_4);
  await work.standIns.write("ffmpeg-help", "-vsync               set video sync method\n");
  const flags = ["--matching", "sequential", "--max-features", "2048", "--redo", "frames"];
  const again = await work.prepare("video.mp4", "--max-frames", "5", ...flags);
  assertMatch(again.err, /ffmpeg gave 4, wanted 5/); // the stand-in has 4
  await work.standIns.write("frames-in-video", "4");
  assertEquals((await work.prepare("video.mp4", ...flags)).code, 0);
  const options = (await work.standIns.calls()).join("\n");
  assertMatch(options, /-vsync 0 /);
  assertMatch(options, /--SiftExtraction\.max_num_features 2048 --FeatureExtraction\.use_gpu 0/);
  assertMatch(
    options,
    /sequential_matcher .*--FeatureMatching\.use_gpu 0 .*--SequentialMatching\.overlap 10 --SequentialMatching\.quadratic_overlap 0/,
  );
});

Deno.test("deno task prepare does nothing twice, and again what a change asks for, and what depends on it", async () => {
  await using work = await workplace();
  assertEquals((await work.prepare("images")).code, 0);
  const before = await contentOf(work.at("my scene"));
  await work.standIns.calls();

  const second = await work.prepare("images");
  assertEquals(steps(second.out), { done: [], before: ALL });
  assertEquals(await work.standIns.calls(), []);
  assertEquals(await contentOf(work.at("my scene")), before);

  const wider = await work.prepare("images", "--epipolar-threshold", "3");
  assertEquals(steps(wider.out).done, ["masks for COLMAP", "cameras", "motion masks"]); // and poses that came out equal

  const bent = await work.prepare("images", "--epipolar-threshold", "3", "--no-undistort");
  assertEquals(steps(bent.out).done, ["poses", "depth", "motion masks"]); // flow is silent where it is not straightened
  assertEquals(await work.standIns.calls().then((calls) => calls.length), 3);
  assertEquals(
    (await contentOf(work.at("my scene", "images"))).sha256,
    (await contentOf(work.at("my scene", "preparation", "frames"))).sha256,
  );

  await Deno.remove(work.at("my scene", "disp", "002.npy"));
  const mended = await work.prepare("images", "--epipolar-threshold", "3", "--no-undistort");
  assertEquals(steps(mended.out).done, ["depth"]);

  const redone = await work.prepare(
    "images",
    "--epipolar-threshold",
    "3",
    "--no-undistort",
    "--redo",
    "cameras",
  );
  assertEquals(steps(redone.out).done, ["cameras without masks", "cameras", "poses"]); // all came out equal
});

/** The places in the preparation that lines of progress tell: a stage, and the step that was done before it. */
function placesOf(out: string): string[] {
  let before = "nothing";
  return out.split("\n").flatMap((line) => {
    before = /^([a-z][a-z ]+): /i.exec(line)?.[1] ?? before;
    const stage = /^(\w+) +\d+\/\d+/.exec(line)?.[1];
    return stage ? [`${stage} after ${before}`] : [];
  });
}

Deno.test("deno task prepare, killed at any step and started again, makes the same", async () => {
  await using work = await workplace();
  const args = work.args("video.mp4", "--pictures");
  assertEquals((await runPrepare(args, work.standIns.folder)).code, 0);
  const whole = await contentOf(work.at("my scene"));
  await Deno.remove(work.at("my scene"), { recursive: true });

  await work.standIns.write("slow", "");
  const places = new Set<string>();
  let code: number;
  do {
    ({ code } = await runPrepare(args, work.standIns.folder, (out) => {
      const place = placesOf(out).find((place) => !places.has(place));
      if (place === undefined) return undefined;
      places.add(place);
      return "SIGKILL";
    }));
  } while (code !== 0 && places.size < 99);
  assertEquals(await contentOf(work.at("my scene")), whole);
  const filmed = "flow between frames as filmed";
  const programs = [
    "frames after nothing",
    ...["features", "matches", "cameras"].map((stage) => `${stage} after ${filmed}`),
    ...["features", "matches", "cameras"].map((stage) => `${stage} after masks for COLMAP`),
  ];
  assertEquals(programs.filter((place) => !places.has(place)), []);
  // Our own steps are fast, so that on a busy machine the next may have begun when the signal comes.
  assert(places.size > programs.length + 2, [...places].join(", "));
});

Deno.test("deno task prepare ends at Ctrl-C with its programs, leaves nothing half done, and goes on", async () => {
  await using work = await workplace();
  await work.standIns.write("slow", "");
  const args = work.args("images");
  const stopped = await runPrepare(
    args,
    work.standIns.folder,
    (out) => placesOf(out).some((place) => place.startsWith("features")) ? "SIGINT" : undefined,
  );
  assertEquals([stopped.err, stopped.code], ["", 130]);
  assertMatch(stopped.out, /\nStopped\. The same command goes on\.\n$/);
  assertEquals(await names(work.at("my scene", "preparation")), ["flow", "frames", "lock"]);
  const { out, code } = await runPrepare(args, work.standIns.folder);
  assertEquals([code, steps(out).before], [0, ["frames", "flow between frames as filmed"]]);
});

/** What a start that fails says. */
async function failure(started: Promise<{ out: string; err: string; code: number }>) {
  const { err, code } = await started;
  assertEquals(code, 1, err);
  return err;
}

Deno.test("deno task prepare says before anything long begins what is missing, all of it", async () => {
  await using work = await workplace();
  const none = await failure(runPrepare([work.at("no.mp4")], work.standIns.folder));
  assertMatch(
    none,
    /^Cannot prepare ".*no\.mp4": there is no such file; name a video, or a folder of images\n$/,
  );
  const out = ["--out", work.at("out")];
  const all = await failure(
    runPrepare([work.at("video.mp4"), ...out, "--masks", work.at("no-masks")]),
  );
  assertMatch(all, /^Cannot prepare ".*video\.mp4" yet, as this is missing:\n/);
  assertMatch(
    all,
    /\n- Cannot run "ffmpeg": there is no such program; install it \(apt install ffmpeg, /,
  );
  assertMatch(all, /name a folder of images in place of the video\n/);
  assertMatch(all, /\n- Cannot run "colmap": .*give the poses that you have with --poses\n/);
  assertMatch(all, /\n- ".*no-masks": there is no such file or folder/);
  assertMatch(
    all,
    /\n- the weights of RAFT.*"raft-things\.pth" in https:\/\/.*"checkpoints\/raft-things\.pth".*--raft FILE.*--flow FOLDER\n/,
  );
  assertMatch(
    all,
    /\n- the weights of MiDaS v2\.1 large: fetch https:\/\/.*midas_v21-f6b98070\.pt.*--depth FOLDER\n$/,
  );
  assertEquals((await names(work.at())).includes("out"), false);
});

Deno.test("deno task prepare refuses videos that are cut short or have one frame, and frames that are too few or small", async () => {
  await using work = await workplace();
  await work.standIns.write(
    "complaint",
    "[mov,mp4 @ 0x55] stream 0, offset 0x919c: partial file\n",
  );
  assertMatch(
    await failure(work.prepare("video.mp4")),
    /^Cannot read ".*video\.mp4": ffmpeg says ".*partial file"; it is damaged or cut short: copy it again, or encode/,
  );
  await work.standIns.remove("complaint");
  await work.standIns.write("frames-in-video", "1");
  assertMatch(
    await failure(work.prepare("video.mp4")),
    /^Cannot prepare ".*video\.mp4": it has 1 frame, wanted 3 or more; /,
  );
  await work.standIns.write("frames-in-video", "0");
  assertMatch(await failure(work.prepare("video.mp4")), /it has no pictures; name a video\n$/);

  const image = (width: number, height: number) =>
    encodePng(ndarray(new Uint8Array(width * height * 3), [height, width, 3]));
  await Deno.writeFile(work.at("images", "shot 9.png"), image(128, 160));
  assertMatch(
    await failure(work.prepare("images")),
    /^Cannot use ".*shot 9\.png": it is 128 x 160, and "shot 8\.png" is 160 x 128; give all images one size\n$/,
  );
  await Deno.mkdir(work.at("small"));
  for (const i of [0, 1, 2]) await Deno.writeFile(work.at("small", `${i}.png`), image(160, 127));
  assertMatch(
    await failure(work.prepare("small")),
    /0\.png" is 160 x 127, wanted 128 or more each way/,
  );
  await Deno.writeFile(work.at("small", "2.jpg"), image(160, 128));
  assertMatch(
    await failure(work.prepare("small")),
    /"2\.jpg" and "2\.png" are one frame; keep one kind/,
  );
});

Deno.test("deno task prepare names the frames that COLMAP found no camera for, and what to try", async () => {
  await using work = await workplace();
  await Deno.remove(work.at("programs", "sparse"), { recursive: true });
  // two models, of which the second is larger
  await writeColmapModel(work.at("programs", "sparse", "0"), scene, [3], DISTORTION);
  await writeColmapModel(work.at("programs", "sparse", "1"), scene, [0, 2], DISTORTION);
  const half = await failure(work.prepare("images"));
  assertMatch(
    half,
    /^Cannot find the cameras of all frames: COLMAP found 2 of 4, and none for 001\.png \(shot 9\.png\), 003\.png \(shot 11\.png\)\. Try --max-features 16384/,
  );
  await Deno.remove(work.at("programs", "sparse"), { recursive: true });
  await Deno.mkdir(work.at("programs", "sparse"));
  assertMatch(
    await failure(work.prepare("images", "--redo", "cameras")),
    /^Cannot find the cameras of 4 frames: COLMAP found no two that see the same from different places\. Try /,
  );
});

Deno.test("deno task prepare takes masks of the user, and refuses those of another shape", async () => {
  await using work = await workplace();
  await Deno.mkdir(work.at("masks"));
  const mask = (width: number, height: number, left: number) => {
    const data = Uint8Array.from({ length: width * height }, (_, i) => i % width < left ? 9 : 0);
    return encodePng(ndarray(data, [height, width]));
  };
  for (const i of [8, 9, 10, 11]) {
    await Deno.writeFile(work.at("masks", `shot ${i}.png`), mask(80, 64, 20)); // half the frames' size
  }
  const masks = ["--masks", work.at("masks"), "--no-undistort"];
  const { out, code } = await work.prepare("images", ...masks);
  assertEquals(code, 0);
  assertMatch(out, /^COLMAP leaves out what masks mark: yours from ".*masks"\.$/m);
  assertEquals(steps(out).done.includes("cameras without masks"), false);
  const background = await readImage(
    work.at("my scene", "preparation", "background_mask", "002.png.png"),
  );
  assertEquals([background.get(64, 39, 0), background.get(64, 40, 0)], [0, 255]);
  const motion = await readImage(work.at("my scene", "motion_masks", "002.png"));
  assertEquals([motion.get(64, 20, 0), motion.get(64, 39, 0)], [255, 255]);

  const alone = ["--epipolar-threshold", "1000"]; // geometry then marks nothing
  assertEquals((await work.prepare("images", "--masks", work.at("masks"), ...alone)).code, 0);
  const filmed = resizeNearest(await readMask(work.at("masks", "shot 10.png")), 160, 128);
  assertEquals(
    (await readMask(work.at("my scene", "motion_masks", "002.png"))).data,
    dilate(undistortMask(filmed, LENS), 2).data,
  );

  await Deno.writeFile(work.at("masks", "shot 10.png"), mask(64, 80, 20));
  assertMatch(
    await failure(work.prepare("images", ...masks)),
    /^Cannot use ".*shot 10\.png": it is 64 x 80, the frames are 160 x 128; wanted the same proportions/,
  );
  await Deno.remove(work.at("masks", "shot 10.png"));
  assertMatch(
    await failure(work.prepare("images", ...masks)),
    /^Cannot use ".*masks": there is no "shot 10" or "002" with \.png, \.jpg, \.jpeg in it for one of 4 \(it has 3, from "shot 8\.png" on\)/,
  );
});

Deno.test("deno task prepare finds out what is wrong with given files before it does anything long", async () => {
  await using work = await workplace();
  const before = async (...flags: string[]) => {
    const { out, err, code } = await work.prepare("images", ...flags);
    assertEquals([code, steps(out).done.filter((name) => name !== "frames")], [1, []]);
    return err;
  };
  assertMatch(await before("--poses", work.at("depth")), /^Cannot/);
  await Deno.writeTextFile(work.at("depth", "000.npy"), "no depth");
  assertMatch(await before(), /^Cannot read ".*000\.npy"/);
  await Deno.remove(work.at("depth", "002.npy"));
  assertMatch(
    await before(),
    /there is no "shot 10" or "002" with \.npy, \.npz, \.png in it for one of 4 /,
  );
});

Deno.test("deno task prepare masks persons where it is asked to", async () => {
  await using work = await workplace();
  const { out, err, code } = await work.prepare("images", "--person-masks", "selfie");
  assertEquals([err, code], ["", 0]);
  assertMatch(
    out,
    /^person masks: persons by MediaPipe's selfie segmentation, \d+\.\d % of the pixels move$/m,
  );
  assertMatch(
    out,
    /^COLMAP leaves out what masks mark: persons by MediaPipe's selfie segmentation\.$/m,
  );
  assertMatch(out, /^motion masks: against the epipolar geometry, and persons by MediaPipe's/m);
  assertEquals((await names(work.at("my scene", "preparation", "person_masks"))).length, FRAMES);
});

Deno.test("deno task prepare takes poses of the user, and needs no COLMAP then", async () => {
  await using work = await workplace();
  const model = work.at("programs", "sparse", "0");
  const own = ["--poses", model, "--motion-masks", work.at("programs", "frames")];
  const { out, code, err } = await work.prepare("images", ...own);
  assertEquals([err, code], ["", 0]);
  assertEquals(await work.standIns.calls(), []);
  assertEquals(steps(out).done, [
    "frames",
    "poses",
    "flow between frames as filmed",
    "depth",
    "flow",
    "motion masks",
  ]);
});

Deno.test("deno task prepare leaves a folder alone that holds something else, unless it is told", async () => {
  await using work = await workplace();
  await Deno.mkdir(work.at("my scene"));
  await Deno.writeTextFile(work.at("my scene", "diary.txt"), "dear diary");
  assertMatch(
    await failure(work.prepare("images")),
    /it is not empty \(it has "diary\.txt"\) and no preparation; choose another folder with --out\n$/,
  );
  await Deno.remove(work.at("my scene"), { recursive: true });
  assertEquals((await work.prepare("images")).code, 0);
  assertMatch(
    await failure(work.prepare("video.mp4")),
    /the preparation there is that of ".*images"; choose another folder with --out, or --replace that one\n$/,
  );
  const replaced = await work.prepare("video.mp4", "--replace");
  assertEquals(replaced.code, 0);
  assertMatch(
    replaced.out,
    /^Replacing the preparation in ".*my scene": it is that of ".*images"\.$/m,
  );
});

Deno.test("deno task prepare takes a transforms.json by the images' names, near and far from given depth, and straightens a lens with two focal lengths", async () => {
  await using work = await workplace();
  const frames = [8, 9, 10, 11].map((number, i) => {
    const { right, up, back, origin } = scene.cameras[i];
    const rows = [0, 1, 2].map((axis) => [right[axis], up[axis], back[axis], origin[axis]]);
    return { file_path: `images/shot ${number}.png`, transform_matrix: [...rows, [0, 0, 0, 1]] };
  });
  const focal = scene.focalPixels;
  const lens = { fl_x: focal, fl_y: 1.05 * focal, cx: 80, cy: 64, w: 160, h: 128 };
  await Deno.writeTextFile(work.at("transforms.json"), JSON.stringify({ ...lens, frames }));
  const { out, err, code } = await work.prepare("images", "--poses", work.at("transforms.json"));
  assertEquals([err, code], ["", 0]);
  assertMatch(
    out,
    /^poses: transforms\.json, .* distortion of up to 3\.2 pixels, taken out of the frames, cropped to the 92\.\d % of the view that were filmed$/m,
  );
  const { data } = await readNpy(work.at("my scene", "poses_bounds.npy"), ["float64"]);
  const [near, far] = data.subarray(15, 17);
  const depths = scene.depthMap(0, 0).data.toSorted();
  assert(near > depths[0] && near < far && far < depths.at(-1)!);
});

Deno.test("deno task prepare finds given poses by the images' own names where they look like other frames' numbers", async () => {
  await using work = await workplace();
  for (const [i, number] of [8, 9, 10, 11].entries()) {
    await Deno.rename(work.at("images", `shot ${number}.png`), work.at("images", `00${i + 1}.png`));
  }
  const frames = [0, 1, 2, 3, 4].map((number) => ({
    file_path: `images/00${number}.png`,
    transform_matrix: [[1, 0, 0, number], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
  }));
  const lens = { fl_x: 150, w: 160, h: 128 };
  await Deno.writeTextFile(work.at("transforms.json"), JSON.stringify({ ...lens, frames }));
  const { err, code } = await work.prepare("images", "--poses", work.at("transforms.json"));
  assertEquals([err, code], ["", 0]);
  const { data } = await readNpy(work.at("my scene", "poses_bounds.npy"), ["float64"]);
  assertEquals([0, 1, 2, 3].map((frame) => data[frame * 17 + 3]), [1, 2, 3, 4]);
});
