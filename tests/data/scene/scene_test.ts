import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/files.ts";
import { encodeNpy } from "../../../src/data/formats/npy.ts";
import { encodeNpz } from "../../../src/data/formats/npz.ts";
import { encodePng } from "../../../src/data/formats/png.ts";
import { describeMultiview, loadMultiviewImage, loadScene } from "../../../src/data/scene/scene.ts";
import { expectClose, goldensDirectory, loadCase } from "../../support/goldens.ts";
import { copyFolder, names, temporaryFolder } from "../temporary_folder.ts";

/** A copy of the golden scene, 4 frames of 64×36; `shrunk` adds ImageMagick's half-size frames. */
async function goldenScene(shrunk = false) {
  const folder = await temporaryFolder();
  await copyFolder(join(goldensDirectory(), "scene_io", "scene"), folder.path);
  if (shrunk) {
    const official = join(goldensDirectory(), "scene_io", "images_2");
    await copyFolder(official, join(folder.path, "images_2"));
  }
  return folder;
}

Deno.test("loadScene() reads every array as the official loader does (golden scene_io)", async () => {
  await using folder = await goldenScene(true);
  const golden = await loadCase("scene_io");
  const scene = await loadScene(folder.path);
  assertEquals([scene.frames, scene.width, scene.height], [4, 32, 18]);
  // The official grids are [x, y, forward x, y, valid, backward x, y, valid].
  const { frames, height, width } = scene;
  const grids = new Float32Array(frames * height * width * 8);
  for (let i = 0; i < frames * height * width; i++) {
    grids.set([
      i % width,
      Math.floor(i / width) % height,
      ...scene.flowForward.data.subarray(2 * i, 2 * i + 2),
      scene.flowForwardValid.data[i],
      ...scene.flowBackward.data.subarray(2 * i, 2 * i + 2),
      scene.flowBackwardValid.data[i],
    ], i * 8);
  }
  const poses = scene.cameras.flatMap(({ cameraToWorld, focalPixels }) =>
    [height, width, focalPixels].flatMap((
      last,
      row,
    ) => [...cameraToWorld.subarray(row * 4, row * 4 + 4), last])
  );
  expectClose(golden, {
    images_2_official: scene.images,
    poses,
    bds: scene.bounds,
    invdepths: scene.inverseDepth,
    masks: scene.moving,
    grids_spec: grids,
  }, 1);
});

Deno.test("loadScene() shrinks frames once, as ImageMagick does (golden scene_io)", async () => {
  await using folder = await goldenScene();
  const golden = await loadCase("scene_io");
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const first = await loadScene(folder.path, { onNotice });
  expectClose(golden, { images_2_official: first.images }, 1);
  assertEquals(await names(join(folder.path, "images_2")), [
    "000.png",
    "001.png",
    "002.png",
    "003.png",
  ]);
  assertEquals(notices.length, 1);

  // What is kept is used, not made again: paint a frame and see it.
  const painted = ndarray(new Uint8Array(18 * 32 * 3).fill(9), [18, 32, 3]);
  await Deno.writeFile(join(folder.path, "images_2", "001.png"), encodePng(painted));
  const second = await loadScene(folder.path, { onNotice });
  assertEquals(second.images.get(1, 3, 4, 1), 9);
  assertEquals(notices.length, 1);

  // A frame too few, or another size: made again.
  await Deno.remove(join(folder.path, "images_2", "001.png"));
  assertEquals((await loadScene(folder.path, { onNotice })).images.data, first.images.data);
  const other = ndarray(new Uint8Array(3), [1, 1, 3]);
  await Deno.writeFile(join(folder.path, "images_2", "001.png"), encodePng(other));
  assertEquals((await loadScene(folder.path, { onNotice })).images.data, first.images.data);
  assertEquals((await names(join(folder.path, "images_2"))).length, 4);
});

Deno.test("loadScene() takes any factor, or a width, or a size", async () => {
  await using folder = await goldenScene();
  const whole = await loadScene(folder.path, { factor: 1 });
  assertEquals([whole.width, whole.height], [64, 36]);
  assert(!(await names(folder.path)).includes("images_1"));
  const focal = whole.cameras[0].focalPixels;

  const quarter = await loadScene(folder.path, { factor: 4 });
  assertEquals([quarter.width, quarter.height], [16, 9]);
  assertEquals(quarter.cameras[0].focalPixels, focal / 4);

  const sized = await loadScene(folder.path, { size: { width: 24, height: 14 } });
  assertEquals(sized.images.shape, [4, 14, 24, 3]);
  assertEquals(sized.cameras[0].focalPixels, focal * 24 / 64);
  assert((await names(folder.path)).includes("images_24x14"));

  const wide = await loadScene(folder.path, { factor: 4, frameWidth: 24 });
  assertEquals([wide.width, wide.height], [24, 14]); // 13.5, rounded
  assertEquals(wide.cameras[0].focalPixels, focal * 24 / 64);
  const widest = await loadScene(folder.path, { frameWidth: 1000 }); // frames are never enlarged
  assertEquals([widest.width, widest.height, widest.cameras[0].focalPixels], [64, 36, focal]);

  for (
    const [options, message] of [
      [{ factor: 0.5 }, "factor is 0.5, wanted 1 or more"],
      [{ factor: NaN }, "factor is NaN"],
      [{ factor: 100 }, "factor 100 leaves 1 x 0 of 64 x 36"],
      [{ size: { width: 32, height: 32 } }, "other proportions than the frames, 64 x 36"],
      [{ size: { width: 128, height: 72 } }, "larger than the frames"],
      [{ size: { width: 3.2, height: 1.8 } }, "wanted whole numbers"],
    ] as const
  ) {
    await assertRejects(() => loadScene(folder.path, options), DataError, message);
  }
});

Deno.test("loadScene() scales flow by width and height, and leaves the ends zero", async () => {
  await using folder = await goldenScene();
  const flow = ndarray(Float32Array.from({ length: 9 * 32 * 2 }, (_, i) => i % 2 ? 3 : 2), [
    9,
    32,
    2,
  ]);
  const mask = ndarray(new Uint8Array(9 * 32).fill(1), [9, 32]);
  await Deno.writeFile(
    join(folder.path, "flow", "001_fwd.npz"),
    encodeNpz({ flow: { array: flow, dtype: "float32" }, mask: { array: mask, dtype: "bool" } }),
  );
  const scene = await loadScene(folder.path, { factor: 2 }); // 32 x 18 from 32 x 9
  assertEquals(scene.flowForward.get(1, 5, 7, 0), 2);
  assertEquals(scene.flowForward.get(1, 5, 7, 1), 6);
  const perFrame = 18 * 32;
  assert(scene.flowForward.data.subarray(3 * perFrame * 2).every((value) => value === 0));
  assert(scene.flowForwardValid.data.subarray(3 * perFrame).every((value) => value === 0));
  assert(scene.flowBackward.data.subarray(0, perFrame * 2).every((value) => value === 0));
  assert(scene.flowBackwardValid.data.subarray(0, perFrame).every((value) => value === 0));
  assert(scene.flowBackward.data.subarray(perFrame * 2).some((value) => value !== 0));
});

Deno.test("loadScene() keeps frames in memory where it may not write", async () => {
  await using folder = await goldenScene();
  const mkdir = Deno.mkdir;
  Deno.mkdir = () => Promise.reject(new Deno.errors.PermissionDenied("Permission denied"));
  const notices: string[] = [];
  try {
    const scene = await loadScene(folder.path, { onNotice: (notice) => notices.push(notice) });
    expectClose(await loadCase("scene_io"), { images_2_official: scene.images }, 1);
  } finally {
    Deno.mkdir = mkdir;
  }
  assert(notices[0].startsWith("The shrunk frames are kept in memory only."), notices[0]);
  assert(notices[0].includes("permission denied"), notices[0]);
  assert(!(await names(folder.path)).some((name) => name.startsWith("images_")));
});

Deno.test("loadScene() fits the focal length to frames that were shrunk before", async () => {
  await using folder = await goldenScene(true);
  const whole = await loadScene(folder.path, { factor: 1 });
  await Deno.remove(join(folder.path, "images"), { recursive: true });
  await Deno.rename(join(folder.path, "images_2"), join(folder.path, "images"));
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const half = await loadScene(folder.path, { factor: 1, onNotice });
  assertEquals(half.cameras[0].focalPixels, whole.cameras[0].focalPixels / 2);
  assert(notices[0].includes("it is for frames of 64 x 36, images/ has 32 x 18"), notices[0]);
});

Deno.test("loadScene() says what is wrong with a folder, and where", async (test) => {
  const npy = (shape: number[], fill = 1) =>
    encodeNpy(
      ndarray(new Float32Array(shape.reduce((a, b) => a * b)).fill(fill), shape),
      "float32",
    );
  const flowFile = (flow: number[], mask: number[], fill = 1) =>
    encodeNpz({
      flow: {
        array: ndarray(new Float32Array(flow.reduce((a, b) => a * b)).fill(fill), flow),
        dtype: "float32",
      },
      mask: {
        array: ndarray(new Uint8Array(mask.reduce((a, b) => a * b)), mask),
        dtype: "bool",
      },
    });
  const poses = await Deno.readFile(join(goldensDirectory(), "scene_io/scene/poses_bounds.npy"));
  const withPose = (index: number, value: number) => {
    const edited = poses.slice();
    new DataView(edited.buffer).setFloat64(poses.length - 4 * 17 * 8 + index * 8, value, true);
    return edited;
  };
  const png = (height: number, width: number) =>
    encodePng(ndarray(new Uint8Array(height * width * 3), [height, width, 3]));
  const half = async (path: string) => {
    const bytes = await Deno.readFile(join(goldensDirectory(), "scene_io/scene", path));
    return bytes.subarray(0, bytes.length / 2);
  };
  // File to change, its new content (or none: removed), and the message about it.
  const cases: [string, Uint8Array | undefined, string][] = [
    ["poses_bounds.npy", undefined, "there is no such file; a scene has images/, poses_bounds.npy"],
    [
      "poses_bounds.npy",
      await half("poses_bounds.npy"),
      "shape (4, 17) of float64 needs 544 bytes",
    ],
    ["poses_bounds.npy", npy([3, 17]), "it has 3 poses, images/ has 4 frames"],
    ["poses_bounds.npy", npy([4, 15]), "shape is (4, 15), wanted (4, 17)"],
    ["poses_bounds.npy", withPose(17 + 3, NaN), "pose 1 has NaN in column 3, wanted a number"],
    ["poses_bounds.npy", withPose(14, 0), "focal 0, wanted pixels"],
    ["poses_bounds.npy", withPose(15, -1), "bounds -1 and"],
    ["poses_bounds.npy", withPose(15, 1e-9), "bounds 1e-9 and"],
    ["poses_bounds.npy", withPose(4, 99), "it is for frames of 64 x 99, images/ has 64 x 36"],
    ["images/002.png", undefined, "it has 4 poses, images/ has 3 frames"],
    ["images/002.png", await half("images/002.png"), "the file is damaged or cut short"],
    ["images/002.png", png(36, 63), "it is 63 x 36, wanted 64 x 36 like the others"],
    ["disp/003.npy", undefined, "003.npy is missing, images/ has 4 frames"],
    ["disp/004.npy", npy([2, 2]), "it has 1 files .npy too many"],
    ["disp/003.npy", await half("disp/003.npy"), "needs 5184 bytes after the header"],
    ["disp/003.npy", npy([2, 2, 1]), "shape is (2, 2, 1), wanted (height, width)"],
    ["disp/003.npy", npy([2, 2], NaN), "value 0 is NaN, wanted a number"],
    ["disp/003.npy", encodeNpy(ndarray(new Int32Array(4), [2, 2]), "int32"), 'dtype is "<i4"'],
    ["motion_masks/001.png", undefined, "001.png is missing"],
    ["motion_masks/001.png", await half("motion_masks/001.png"), "damaged or cut short"],
    ["flow/000_fwd.npz", undefined, "000_fwd.npz is missing"],
    ["flow/003_bwd.npz", undefined, "003_bwd.npz is missing"],
    ["flow/003_bwd.npz", await half("flow/003_bwd.npz"), "it is no .npz archive or is cut short"],
    [
      "flow/000_fwd.npz",
      flowFile([4, 5, 3], [4, 5]),
      "shape is (4, 5, 3), wanted (height, width, 2)",
    ],
    ["flow/000_fwd.npz", flowFile([4, 5, 2], [5, 4]), "shape is (5, 4), wanted (4, 5)"],
    ["flow/000_fwd.npz", flowFile([4, 5, 2], [4, 5], Infinity), "value 0 is Infinity"],
  ];
  for (const [path, content, message] of cases) {
    await test.step(`${path}: ${message}`, async () => {
      await using folder = await goldenScene();
      const file = join(folder.path, path);
      await (content ? Deno.writeFile(file, content) : Deno.remove(file));
      const error = await assertRejects(() => loadScene(folder.path), DataError, message);
      assert(
        error instanceof DataError && error.message.includes(path.split("/")[0]),
        error?.message,
      );
    });
  }
  await test.step("no folder", async () => {
    await assertRejects(() => loadScene("no/scene"), DataError, 'Cannot read "no/scene/images"');
  });
  await test.step("no pictures", async () => {
    await using folder = await goldenScene();
    await Deno.remove(join(folder.path, "images"), { recursive: true });
    await Deno.mkdir(join(folder.path, "images"));
    await assertRejects(() => loadScene(folder.path), DataError, 'images": it has no .png or .jpg');
  });
});

Deno.test("loadMultiviewImage() finds a view by time and camera and shrinks it to the scene's size", async () => {
  await using folder = await goldenScene();
  const time3 = join(folder.path, "multiview_GT", "00000003");
  await Deno.mkdir(time3, { recursive: true });
  const bytes = Uint8Array.from({ length: 36 * 64 * 3 }, (_, i) => i % 251);
  await Deno.writeFile(join(time3, "cam05.png"), encodePng(ndarray(bytes, [36, 64, 3])));
  await Deno.writeFile(join(time3, "cam06.png"), encodePng(ndarray(new Uint8Array(9), [1, 3, 3])));
  const scene = await loadScene(folder.path);
  assertEquals(scene.multiview.map(({ time, camera }) => [time, camera]), [[2, 4], [2, 5]]);
  const view = await loadMultiviewImage(scene, 2, 4);
  assertEquals(view.shape, [18, 32, 3]);
  const at = (y: number, x: number) => bytes[(y * 64 + x) * 3 + 1];
  const sum = at(10, 20) + at(10, 21) + at(11, 20) + at(11, 21);
  assertEquals(view.get(5, 10, 1), Math.floor(sum / 4 + 0.5));
  const whole = await loadScene(folder.path, { factor: 1 });
  assertEquals((await loadMultiviewImage(whole, 2, 4)).data, bytes);
  assertEquals(
    await describeMultiview(scene),
    "multiview_GT, PNG of 64 x 36, each pixel of 32 x 18 the mean of 2 x 2",
  );
  assertEquals(await describeMultiview(whole), "multiview_GT, PNG of 64 x 36");
  await assertRejects(() => loadMultiviewImage(scene, 0, 4), DataError, "and not this one");
  await assertRejects(
    () => loadMultiviewImage(scene, 2, 5),
    DataError,
    "it is 3 x 1, wanted 32 x 18",
  );
});

/** Renames a golden scene's images, frame by frame; the first loaded stays the truth. */
async function renamed(name: (frame: number) => string, copies = 1) {
  const folder = await goldenScene();
  const truth = await loadScene(folder.path, { factor: 1 });
  for (const frame of [0, 1, 2, 3].slice(0, 4 * copies)) {
    const from = join(folder.path, "images", `00${frame}.png`);
    await Deno.rename(from, join(folder.path, "images", name(frame)));
  }
  return { ...folder, truth, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

Deno.test("loadScene() takes images in the order that people count, whatever zeros their names have", async () => {
  for (const name of [(i: number) => `${9 + i}.png`, (i: number) => `shot ${98 + i}.png`]) {
    await using folder = await renamed(name);
    for (const options of [{ factor: 1 }, { factor: 2 }, { factor: 2 }]) { // the last one from what was kept
      const found = await loadScene(folder.path, options);
      if (options.factor === 1) assertEquals(found.images.data, folder.truth.images.data);
      assertEquals(found.moving.shape[0], 4);
    }
    const { moving, inverseDepth, flowForward } = await loadScene(folder.path, { factor: 1 });
    assertEquals(moving.data, folder.truth.moving.data);
    assertEquals(inverseDepth.data, folder.truth.inverseDepth.data);
    assertEquals(flowForward.data, folder.truth.flowForward.data);
  }
});

Deno.test("loadScene() takes files 000, 001 … for the first images on, though the images count from 1", async () => {
  await using folder = await renamed((i) => `frame_0${i + 1}.png`);
  const { inverseDepth, flowBackward } = await loadScene(folder.path, { factor: 1 });
  assertEquals(inverseDepth.data, folder.truth.inverseDepth.data);
  assertEquals(flowBackward.data, folder.truth.flowBackward.data);
  for (const i of [3, 2, 1, 0]) { // 001 … 004, of which disp/001.npy is no frame's own
    const to = join(folder.path, "images", `00${i + 1}.png`);
    await Deno.rename(join(folder.path, "images", `frame_0${i + 1}.png`), to);
  }
  const again = await loadScene(folder.path, { factor: 1 });
  assertEquals(again.inverseDepth.data, folder.truth.inverseDepth.data);
});

Deno.test("loadScene() shrinks frames again whose images have other names now", async () => {
  await using folder = await goldenScene();
  const { images } = await loadScene(folder.path);
  const at = (name: string) => join(folder.path, "images", name);
  await Deno.rename(at("003.png"), at("002b.png"));
  await Deno.rename(at("000.png"), at("003.png"));
  await Deno.rename(at("002b.png"), at("000.png")); // last and first change places
  await Deno.rename(at("001.png"), at("01.png"));
  const found = await loadScene(folder.path);
  const frame = (i: number, all = images) => all.data.slice(i * 1728, (i + 1) * 1728);
  assertEquals(frame(0, found.images), frame(3));
});

Deno.test("loadScene() names pictures that it cannot read, and two that are one frame", async () => {
  await using folder = await goldenScene();
  const at = (name: string) => join(folder.path, "images", name);
  await Deno.writeTextFile(at("000.dng"), "raw"); // of a frame that is there: no hole
  await loadScene(folder.path);
  await Deno.writeTextFile(at("004.HEIC"), "heic");
  await assertRejects(
    () => loadScene(folder.path),
    DataError,
    'it has 4 images as .png or .jpg and 1 that cannot be read, "004.HEIC"',
  );
  await Deno.rename(at("004.HEIC"), at("000.jpg"));
  await assertRejects(() => loadScene(folder.path), DataError, '"000.jpg" and "000.png" are one');
});
