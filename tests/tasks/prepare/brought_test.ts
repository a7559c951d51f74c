import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { readImage } from "../../../src/data/formats/image.ts";
import { encodeNpy, readNpy } from "../../../src/data/formats/npy.ts";
import { encodePng } from "../../../src/data/formats/png.ts";
import { loadScene } from "../../../src/data/scene/scene.ts";
import { encodeFlow, readDisparity, readFlow } from "../../../src/data/scene/scene_files.ts";
import type { ColmapCamera } from "../../../src/data/given/colmap/model.ts";
import { psnr } from "../../../src/evaluation/psnr.ts";
import { posesOf } from "../../../src/preparation/poses_bounds.ts";
import { undistortImage } from "../../../src/preparation/undistort.ts";
import { fixture, temporaryFolder } from "../../data/temporary_folder.ts";
import { assertClose } from "../../support/close.ts";
import { writeColmapModel } from "../../support/colmap_model.ts";
import { withOrientation } from "../../support/exif.ts";
import { filmedScene } from "../../support/filmed_scene.ts";
import { runPrepare, StandIns } from "./stand_ins.ts";

// What people bring, through the whole task: poses, depth, flow, masks and pixels belong to the frames that they are used for.

const scene = filmedScene({ width: 160, height: 128, factor: 1 });
const number = (i: number) => String(i).padStart(3, "0");

/** A folder to work in, with programs that give what `frames/` in it has. */
async function workplace() {
  const folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const standIns = (await StandIns.create(at("programs"))).folder;
  await Deno.writeTextFile(at("film.mp4"), "a video");
  const write = async (path: string, bytes: Uint8Array) => {
    await Deno.mkdir(dirname(at(path)), { recursive: true });
    await Deno.writeFile(at(path), bytes);
  };
  /** Depth and masks of one value a frame, and flow that is zero, for frames called so. */
  const maps = async (names: readonly string[], width: number, height: number) => {
    const blank = new Float32Array(width * height * 2);
    const valid = ndarray(new Uint8Array(width * height).fill(1), [height, width]);
    const flow = encodeFlow(ndarray(blank, [height, width, 2]), valid);
    for (const [i, name] of names.entries()) {
      const depth = ndarray(new Float32Array(width * height).fill(i + 1), [height, width]);
      await write(`depth/${name}.npy`, encodeNpy(depth, "float32"));
      await write(`masks/${name}.png`, encodePng(ndarray(valid.data, [height, width])));
      if (i + 1 < names.length) await write(`flow/${name}_fwd.npz`, flow);
      if (i > 0) await write(`flow/${name}_bwd.npz`, flow);
    }
  };
  const prepare = async (input: string, ...flags: string[]) => {
    const given = ["depth", "flow", "motion-masks"].flatMap((name) => [
      `--${name}`,
      at(name.replace("motion-", "")),
    ]);
    return await runPrepare([at(input), "--out", at("out"), ...given, ...flags], standIns);
  };
  const origins = async () => {
    const rows = await readNpy(at("out", "poses_bounds.npy"), ["float64"]);
    const [frames] = rows.shape;
    return Array.from({ length: frames }, (_, i) => [3, 8, 13].map((c) => rows.get(i, c)));
  };
  return {
    at,
    write,
    maps,
    prepare,
    origins,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

Deno.test("deno task prepare gives every second frame of a video its own pose and depth", async () => {
  await using work = await workplace();
  const kept = [0, 2, 4, 6];
  for (const [i, frame] of kept.entries()) {
    await work.write(
      `programs/frames/${number(i)}.png`,
      encodePng(scene.paint(frame, frame).image),
    );
  }
  await Deno.writeTextFile(work.at("programs", "frames-in-video"), "7");
  await work.maps([0, 1, 2, 3].map(number), 160, 128);
  await writeColmapModel(work.at("model"), scene, [0, 1, 2, 3, 4, 5, 6], 0);
  const flags = ["--max-frames", "4", "--poses", work.at("model")];
  const { err, code } = await work.prepare("film.mp4", ...flags);
  assertEquals([err, code], ["", 0]);
  const wanted = kept.map((frame) => scene.cameras[frame].origin);
  (await work.origins()).forEach((origin, i) => assertClose(origin, wanted[i], 1e-9, `frame ${i}`));
  const { images } = await loadScene(work.at("out"), { factor: 1 });
  const length = 160 * 128 * 3;
  for (const [i, frame] of kept.entries()) {
    const pixels = images.data.subarray(i * length, (i + 1) * length);
    assertEquals(pixels, scene.paint(frame, frame).image.data, `frame ${i}`);
  }
  // Depth of all that was filmed: of every second.
  for (const i of [0, 1, 2, 3, 4, 5, 6]) {
    const depth = ndarray(new Float32Array(64).fill(i + 1), [8, 8]);
    await work.write(`depth/${number(i)}.npy`, encodeNpy(depth, "float32"));
  }
  assertMatch((await work.prepare("film.mp4", ...flags)).err, /000\.npy": it is 8 x 8, the frames/);
  for (const i of [0, 1, 2, 3, 4, 5, 6]) {
    const depth = ndarray(new Float32Array(20).fill(i + 1), [4, 5]);
    await work.write(`depth/${number(i)}.npy`, encodeNpy(depth, "float32"));
  }
  assertEquals((await work.prepare("film.mp4", ...flags)).code, 0);
  const maps = await Promise.all(
    [0, 1, 2, 3].map((i) => readDisparity(work.at("out", "disp", `${number(i)}.npy`))),
  );
  assertEquals(maps.map(({ data }) => data[0]), [1, 3, 5, 7]);
});

for (const [orientation, width, height] of [[3, 144, 128], [6, 128, 144]] as const) {
  Deno.test(`deno task prepare turns given poses, depth and flow like pictures of EXIF orientation ${orientation}`, async () => {
    await using work = await workplace();
    const jpeg = await Deno.readFile(fixture("data/exif.jpg")); // stored 144 x 128
    for (const i of [1, 2, 3]) {
      await work.write(`images/shot ${i}.jpg`, withOrientation(jpeg, orientation, "II"));
    }
    await work.maps(["shot 1", "shot 2", "shot 3"], 144, 128);
    const depth = ndarray(new Float32Array(144 * 128).fill(1), [128, 144]);
    depth.set(0, 0, 9); // of the stored picture's first pixel
    await work.write("depth/shot 2.npy", encodeNpy(depth, "float32"));
    const flow = ndarray(new Float32Array(144 * 128 * 2), [128, 144, 2]);
    flow.data.forEach((_, i) => flow.data[i] = i % 2 === 0 ? 3 : 1);
    const valid = ndarray(new Uint8Array(144 * 128).fill(1), [128, 144]);
    await work.write("flow/shot 1_fwd.npz", encodeFlow(flow, valid));
    const frames = [1, 2, 3].map((i) => ({
      file_path: `images/shot ${i}.jpg`,
      transform_matrix: [[1, 0, 0, i], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    }));
    const lens = { fl_x: 150, fl_y: 150, cx: 72, cy: 64, w: 144, h: 128 };
    await work.write("t.json", new TextEncoder().encode(JSON.stringify({ ...lens, frames })));
    const flags = ["--poses", work.at("t.json"), "--near", "1", "--far", "9"];
    if (orientation === 3) { // the sides do not tell
      const { err, code } = await work.prepare("images", ...flags);
      assertEquals(code, 1);
      assertMatch(err, /^Cannot tell which way up ".*" is: 3 of 3 frames are turned upright/);
      flags.push("--given-pixels", "stored");
    }
    const { err, code } = await work.prepare("images", ...flags);
    assertEquals([err, code], ["", 0]);
    const rows = await readNpy(work.at("out", "poses_bounds.npy"), ["float64"]);
    const { camera, poses } = posesOf(rows);
    assertEquals(camera, { focalPixels: 150, width, height });
    // Rows are right, down and forward in the world, where the stored picture has right x, down −y.
    const right = orientation === 3 ? [-1, 0, 0] : [0, 1, 0];
    const down = orientation === 3 ? [0, 1, 0] : [1, 0, 0];
    assertClose(poses[1].rotation, [...right, ...down, 0, 0, -1], 1e-9, "axes");
    assertEquals((await work.origins())[1], [2, 0, 0]);
    const map = await readDisparity(work.at("out", "disp", "001.npy"));
    assertEquals(map.shape, [height, width]);
    // The stored top left is at the bottom right after half a turn, at the top right after a quarter clockwise.
    const [y, x] = orientation === 3 ? [height - 1, width - 1] : [0, width - 1];
    assertEquals([map.get(y, x), map.data.indexOf(9)], [9, y * width + x]);
    const forward = await readFlow(work.at("out", "flow", "000_fwd.npz"));
    const step = [forward.flow.get(5, 5, 0), forward.flow.get(5, 5, 1)];
    assertEquals(step, orientation === 3 ? [-3, -1] : [-1, 3]);
    assertEquals((await readImage(work.at("out", "images", "000.png"))).shape, [height, width, 3]);
  });
}

Deno.test("deno task prepare reads the points that a transforms.json names, and notices when they change", async () => {
  await using work = await workplace();
  for (const i of [0, 1, 2]) {
    await work.write(`images/${number(i)}.png`, encodePng(scene.paint(i, i).image));
  }
  await work.maps([0, 1, 2].map(number), 160, 128);
  const frames = [0, 1, 2].map((i) => ({
    file_path: `images\\${number(i)}.png`,
    transform_matrix: [[1, 0, 0, i / 10], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
  }));
  const text = JSON.stringify({
    fl_x: 150,
    w: 160,
    h: 128,
    ply_file_path: "sparse_pc.ply",
    frames,
  });
  await work.write("capture/transforms.json", new TextEncoder().encode(text));
  const ply = (depths: number[]) =>
    new TextEncoder().encode(
      `ply\nformat ascii 1.0\nelement vertex ${depths.length}\nproperty float x\nproperty float y\n` +
        `property float z\nend_header\n${depths.map((depth) => `0 0 ${-depth}\n`).join("")}`,
    );
  await work.write("capture/sparse_pc.ply", ply([2, 3, 4]));
  const flags = ["--poses", work.at("capture", "transforms.json")];
  const near = async () => {
    const { err, code } = await work.prepare("images", ...flags);
    assertEquals([err, code], ["", 0]);
    return (await readNpy(work.at("out", "poses_bounds.npy"), ["float64"])).get(0, 15);
  };
  assert(Math.abs(await near() - 2.1) < 1e-6);
  await work.write("capture/sparse_pc.ply", ply([5, 6, 7]));
  assert(Math.abs(await near() - 5.1) < 1e-6);
});

Deno.test("deno task prepare straightens frames of lenses that differ each by its own, and crops to what all filmed", async () => {
  await using work = await workplace();
  const focal = scene.focalPixels, factors = [1, 1.03, 1.06];
  const pinhole = (focal: number): ColmapCamera => ({
    ...{ id: 1, model: "SIMPLE_PINHOLE", width: 160, height: 128 },
    parameters: Float64Array.of(focal, 80, 64),
  });
  const painted = factors.map((_, i) => scene.paint(i, i).image);
  for (const [i, image] of painted.entries()) {
    const taken = undistortImage(image, pinhole(focal), pinhole(focal * factors[i]));
    await work.write(`images/${number(i)}.png`, encodePng(taken));
  }
  await work.maps([0, 1, 2].map(number), 160, 128);
  const frames = factors.map((factor, i) => {
    const { right, up, back, origin } = scene.cameras[i];
    const rows = [0, 1, 2].map((axis) => [right[axis], up[axis], back[axis], origin[axis]]);
    const lens = { fl_x: factor * focal, fl_y: factor * focal, cx: 80, cy: 64, w: 160, h: 128 };
    return {
      ...lens,
      file_path: `images/${number(i)}.png`,
      transform_matrix: [...rows, [0, 0, 0, 1]],
    };
  });
  await work.write("t.json", new TextEncoder().encode(JSON.stringify({ frames })));
  const flags = ["--poses", work.at("t.json"), "--near", "2", "--far", "9"];
  const { out, err, code } = await work.prepare("images", ...flags);
  assertEquals([err, code], ["", 0]);
  assertMatch(
    out,
    /^poses: transforms\.json, 3 lenses, .* no distortion, cropped to the 9\d\.\d % of the view/m,
  );
  const { camera } = posesOf(await readNpy(work.at("out", "poses_bounds.npy"), ["float64"]));
  // As narrow as the narrowest lens, up to the middles of its outer pixels.
  assert(Math.abs(camera.focalPixels / focal / 1.06 - 1) < 0.01, `${camera.focalPixels}`);
  for (const [i, image] of painted.entries()) {
    const wanted = undistortImage(image, pinhole(focal), pinhole(camera.focalPixels));
    const found = await readImage(work.at("out", "images", `${number(i)}.png`));
    const decibels = psnr(found.data, wanted.data);
    assert(decibels > 33, `frame ${i}: ${decibels} dB`);
  }
  const wanted = scene.cameras.slice(0, 3).map(({ origin }) => origin);
  (await work.origins()).forEach((origin, i) => assertClose(origin, wanted[i], 1e-9, `frame ${i}`));
});

Deno.test("deno task prepare refuses cameras on an orbit before anything long begins", async () => {
  await using work = await workplace();
  for (const i of [0, 1, 2]) {
    await work.write(`images/${number(i)}.png`, encodePng(scene.paint(i, i).image));
  }
  await work.maps([0, 1, 2].map(number), 160, 128);
  const frames = [-90, 0, 90].map((degrees, i) => {
    const [s, c] = [Math.sin(degrees * Math.PI / 180), Math.cos(degrees * Math.PI / 180)];
    const matrix = [[c, 0, s, 4 * s], [0, 1, 0, 0], [-s, 0, c, 4 * c], [0, 0, 0, 1]];
    return { file_path: `${number(i)}.png`, transform_matrix: matrix };
  });
  const text = JSON.stringify({ fl_x: 150, w: 160, h: 128, frames });
  await work.write("t.json", new TextEncoder().encode(text));
  const flags = ["--poses", work.at("t.json"), "--near", "2", "--far", "9"];
  const { out, err, code } = await work.prepare("images", ...flags);
  assertEquals([code, /flow/.test(out)], [1, false]);
  assertMatch(
    err,
    /^Cannot use "transforms\.json": its cameras do not all look one way\. Camera \d of 3/,
  );
});
