import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { loadColmapModel } from "../../../src/data/given/colmap/load.ts";
import { colmapPoses } from "../../../src/data/given/colmap/poses.ts";
import { DataError } from "../../../src/data/files.ts";
import { givenPosesFiles, loadGivenPoses } from "../../../src/data/given/given_poses.ts";
import { encodeNpy } from "../../../src/data/formats/npy.ts";
import type { PosedFrames } from "../../../src/data/given/posed_frames.ts";
import { posesBoundsOf } from "../../../src/preparation/poses_bounds.ts";
import { assertClose } from "../../support/close.ts";
import { GOLDEN_FRAMES, goldenColmap } from "./colmap/support.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const model = await loadColmapModel(goldenColmap());
const truth = colmapPoses(model, GOLDEN_FRAMES);

/** The golden poses as nerfstudio writes them. */
function transforms(changes: Record<string, unknown> = {}, frame: Record<string, unknown> = {}) {
  return {
    camera_model: "OPENCV",
    ...{ w: 64, h: 48, fl_x: 60, fl_y: 60, cx: 32, cy: 24, k1: 0, k2: 0, p1: 0, p2: 0 },
    frames: truth.frames.toReversed().map(({ name, cameraToWorld }, i) => ({
      file_path: `images/${name}`,
      transform_matrix: [
        ...[0, 4, 8].map((start) => [...cameraToWorld.subarray(start, start + 4)]),
        [0, 0, 0, 1],
      ],
      ...i === 1 ? frame : {},
    })),
    ...changes,
  };
}

async function withFile<T>(
  name: string,
  content: string | Uint8Array,
  use: (path: string) => Promise<T>,
): Promise<T> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, name);
  await Deno.writeFile(
    path,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
  return await use(path);
}

const loadTransforms = (value: unknown, options = {}, names = GOLDEN_FRAMES) =>
  withFile(
    "transforms.json",
    JSON.stringify(value),
    (path) => loadGivenPoses(path, names, options),
  );

function assertSamePoses(found: PosedFrames): void {
  assertEquals(found.frames.map(({ name }) => name), GOLDEN_FRAMES);
  found.frames.forEach(({ cameraToWorld }, i) =>
    assertClose(cameraToWorld, truth.frames[i].cameraToWorld, 1e-12, GOLDEN_FRAMES[i])
  );
}

Deno.test("loadGivenPoses() reads COLMAP folders of bytes and of text", async () => {
  for (const folder of [".", "sparse/0", "text"]) {
    const found = await loadGivenPoses(join(goldenColmap(), folder), GOLDEN_FRAMES);
    assertSamePoses(found);
    assertEquals(found.camera, truth.camera);
    assertClose(
      found.frames.map(({ far }) => far),
      truth.frames.map(({ far }) => far),
      1e-12,
      "far",
    );
  }
});

Deno.test("loadGivenPoses() reads poses_bounds.npy as it was written, also in its folder", async () => {
  const rows = posesBoundsOf(truth);
  await withFile("poses_bounds.npy", encodeNpy(rows, "float64"), async (path) => {
    for (const place of [path, join(path, "..")]) {
      const found = await loadGivenPoses(place, GOLDEN_FRAMES);
      assertEquals(found.source, "poses_bounds.npy");
      assertEquals(posesBoundsOf(found).data, rows.data);
      assertEquals(found.camera.parameters, Float64Array.of(60, 32, 24));
    }
    const fails = (names: string[], message: string) =>
      assertRejects(() => loadGivenPoses(path, names), DataError, message);
    await fails(GOLDEN_FRAMES.slice(1), "it has 4 rows, and there are 3 frames");
  });
  const other = ndarray(rows.data.slice(), [4, 17]);
  other.set(2, 14, 63);
  await withFile(
    "x.npy",
    encodeNpy(other, "float64"),
    (path) =>
      assertRejects(
        async () => posesBoundsOf(await loadGivenPoses(path, GOLDEN_FRAMES)),
        DataError,
        '"002.png" has SIMPLE_PINHOLE 64 x 48, 63 32 24, "000.png" SIMPLE_PINHOLE 64 x 48, 60 32 24',
      ),
  );
});

Deno.test("loadGivenPoses() reads transforms.json: in any order, with or without endings, lens once or in each frame", async () => {
  const bounds = { near: 2, far: 9 };
  const found = await loadTransforms(transforms(), bounds);
  assertSamePoses(found);
  assertEquals(found.frames.map(({ near, far }) => [near, far]), Array(4).fill([2, 9]));
  assertEquals(found.camera.model, "PINHOLE");
  const { frames, ...lens } = transforms();
  const each = frames.map((frame) => ({
    ...frame,
    ...lens,
    file_path: frame.file_path.replace("images/", "./train/").replace(".png", ""),
  }));
  assertEquals(await loadTransforms({ frames: each }, bounds), found);

  const angle = 2 * Math.atan(32 / 60); // as instant-ngp and the synthetic scenes of NeRF
  const blender = { camera_angle_x: angle, frames };
  const bySize = await loadTransforms(blender, { ...bounds, size: { width: 64, height: 48 } });
  assertClose(bySize.camera.parameters, [60, 60, 32, 24], 1e-12, "by angle");
});

Deno.test("loadGivenPoses() keeps the lens of transforms.json, scaled to the frames", async () => {
  const lens = { fl_x: 60, fl_y: 61, cx: 31, k1: 0.1, k2: -0.2, p1: 0.01, p2: 0.02, k3: 0.3 };
  const options = { near: 1, far: 2, size: { width: 32, height: 24 } };
  const { camera, width, focalPixels } = await loadTransforms(transforms(lens), options);
  const parameters = Float64Array.of(30, 30.5, 15.5, 12, 0.1, -0.2, 0.01, 0.02, 0.3, 0, 0, 0);
  assertEquals(camera, { id: 1, model: "FULL_OPENCV", width: 32, height: 24, parameters });
  assertEquals([width, focalPixels], [32, 30]);
  const fisheye = await loadTransforms(transforms({ is_fisheye: true, k4: 0.5 }), options);
  assertEquals(fisheye.camera.model, "OPENCV_FISHEYE");
  await assertRejects(
    () => loadTransforms(transforms(), { ...options, size: { width: 32, height: 30 } }),
    DataError,
    "it is for frames of 64 x 48, found frames of 32 x 30",
  );
});

Deno.test("loadGivenPoses() takes near and far of transforms.json from depth, or from the points that a frame sees", async () => {
  const depth = ndarray(Float32Array.from({ length: 101 }, (_, i) => i), [101, 1]); // 1 to 100 count
  const found = await loadTransforms(transforms(), { depths: Array(4).fill(depth) });
  assertClose([found.frames[2].near, found.frames[2].far], [5.95, 95.05], 1e-6, "of 1…100");

  await using folder = await temporaryFolder();
  const path = join(folder.path, "transforms.json");
  await Deno.writeTextFile(path, JSON.stringify(transforms({ ply_file_path: "points.ply" })));
  await assertRejects(
    () => loadGivenPoses(path, GOLDEN_FRAMES),
    DataError,
    'points.ply": there is no such file; "transforms.json" names it as its points',
  );
  const points = [...model.points.values()].map(({ position }) => [...position, 255].join(" "));
  const header = `ply\nformat ascii 1.0\nelement vertex ${points.length}\nproperty float x\n` +
    `property float y\nproperty float z\nproperty uint8 red\nend_header\n`;
  await Deno.writeTextFile(join(folder.path, "points.ply"), header + points.join("\n") + "\n");
  const { frames } = await loadGivenPoses(path, GOLDEN_FRAMES);
  frames.forEach(({ near, far }, i) => {
    // COLMAP's own keypoints miss some of the points.
    assert(Math.abs(near / truth.frames[i].near - 1) < 0.15, `${near} ${truth.frames[i].near}`);
    assert(Math.abs(far / truth.frames[i].far - 1) < 0.15, `${far} ${truth.frames[i].far}`);
  });
});

Deno.test("loadGivenPoses() says what is wrong with a transforms.json", async () => {
  const fails = (
    value: unknown,
    message: string,
    options = { near: 1, far: 2 },
    names?: string[],
  ) => assertRejects(() => loadTransforms(value, options, names), DataError, message);
  await withFile(
    "t.json",
    "{",
    (path) => assertRejects(() => loadGivenPoses(path, ["a"]), DataError, "it is no JSON ("),
  );
  await fails([], 'it has no frames; wanted {"fl_x": pixels');
  await fails({ frames: [{}] }, "frame 0 has no file_path");
  await fails(
    transforms(),
    "it poses 4 of 6 frames, without 004.png, 005.png; leave these out",
    undefined,
    [...GOLDEN_FRAMES, "004.png", "005.png"],
  );
  await fails(transforms({ fl_x: "60" }), 'fl_x is "60", wanted a number');
  await fails(
    transforms({ fl_x: null, fl_y: null }),
    "its focal lengths are undefined and undefined",
  );
  await fails(
    transforms({ camera_angle_x: 4, fl_x: null, fl_y: null }),
    "or camera_angle_x in rad",
  );
  await fails(transforms({ w: null }), "it has no w and h");
  await fails(transforms({ camera_model: "EQUIRECTANGULAR" }), 'camera_model is "EQUIRECTANGULAR"');
  await fails(transforms({ k4: 1 }), "k4 is 1, and a lens with k4 is not known here");
  const scaled = [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]];
  await fails(
    transforms({}, { transform_matrix: scaled }),
    'frame "images/002.png" has no rotation in transform_matrix',
  );
  await fails(transforms({}, { transform_matrix: 3 }), "has no transform_matrix of 3 or 4 rows");
  await assertRejects(
    () => loadTransforms(transforms()),
    DataError,
    "it has poses but no points, so that near and far are not known; give both as --near and --far",
  );
  await fails(transforms(), "sees depths from 3 to 2, wanted 0 < near < far", { near: 3, far: 2 });
  await fails(transforms(), "Cannot use near -1 and far 2: wanted depths above 0", {
    near: -1,
    far: 2,
  });
});

Deno.test("loadGivenPoses() takes poses of filmed frames where every second is kept, from each format", async () => {
  const video = { sources: ["0", "2"], of: 4, stride: 2 };
  const kept = [0, 2].map((frame) => truth.frames[frame].cameraToWorld);
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await Deno.writeTextFile(at("transforms.json"), JSON.stringify(transforms()));
  await Deno.writeFile(at("poses_bounds.npy"), encodeNpy(posesBoundsOf(truth), "float64"));
  for (const path of [goldenColmap(), at("transforms.json"), at("poses_bounds.npy")]) {
    const { frames } = await loadGivenPoses(path, video, { near: 1, far: 9 });
    frames.forEach(({ cameraToWorld }, i) => assertClose(cameraToWorld, kept[i], 1e-12, path));
    assertEquals(frames.length, 2);
  }
  await assertRejects(
    () => loadGivenPoses(goldenColmap(), { sources: ["0", "2", "4"], of: 6, stride: 2 }),
    DataError,
    "it poses 2 of 3 frames, without 4; leave these out of the frames, or pose them too",
  );
  await assertRejects(
    () => loadGivenPoses(goldenColmap(), ["x.png", "y.png"]),
    DataError,
    'it poses none of the 2 frames: it has "000.jpg", "001.jpg" …, wanted "x", "y" …; give the poses',
  );
});

Deno.test("loadGivenPoses() takes the mean of lenses that nobody can tell apart, and gives each frame its own where one can", async () => {
  const bounds = { near: 1, far: 2 };
  const unsteady = transforms();
  unsteady.frames = unsteady.frames.map((frame, i) => ({ ...frame, fl_x: 60 + 0.1 * i, w: 64 }));
  const { camera, frames } = await loadTransforms(unsteady, bounds);
  assertClose(camera.parameters, [60.15, 60, 32, 24], 1e-12, "mean");
  assertEquals(frames.map(({ lens }) => lens), Array(4).fill(undefined));
  const focusing = transforms();
  focusing.frames = focusing.frames.map((frame, i) => ({ ...frame, fl_x: 60 + i, fl_y: 60 + i }));
  const several = await loadTransforms(focusing, bounds);
  assertEquals(several.frames.map(({ lens }) => lens?.parameters[0]), [63, 62, 61, 60]);
  assertThrows(() => posesBoundsOf(several), DataError, 'several lenses: "001.png" has PINHOLE');
});

Deno.test("loadGivenPoses() needs no tracks where near and far are given, and takes a model's points where it has none", async () => {
  await using folder = await temporaryFolder();
  const lines = (await Deno.readTextFile(join(goldenColmap(), "text/images.txt"))).split("\n")
    .filter((line) => !line.startsWith("#"));
  const images = lines.map((line, i) => i % 2 === 0 ? line : "").join("\n"); // no keypoints
  for (const name of ["cameras.txt", "points3D.txt"]) {
    await Deno.copyFile(join(goldenColmap(), "text", name), join(folder.path, name));
  }
  await Deno.writeTextFile(join(folder.path, "images.txt"), images);
  const seen = await loadGivenPoses(folder.path, GOLDEN_FRAMES);
  seen.frames.forEach(({ near, far }, i) => {
    assert(Math.abs(near / truth.frames[i].near - 1) < 0.15, `${near} ${truth.frames[i].near}`);
    assert(Math.abs(far / truth.frames[i].far - 1) < 0.15, `${far} ${truth.frames[i].far}`);
  });
  await Deno.writeTextFile(join(folder.path, "points3D.txt"), "");
  await assertRejects(
    () => loadGivenPoses(folder.path, GOLDEN_FRAMES),
    DataError,
    "it has no near and far; give both (--near and --far), leave this frame out",
  );
  const given = await loadGivenPoses(folder.path, GOLDEN_FRAMES, { near: 2.4, far: 50 });
  assertSamePoses(given);
  assertEquals(given.frames.map(({ near, far }) => [near, far]), Array(4).fill([2.4, 50]));
});

Deno.test("loadGivenPoses() takes of several models the one with most of the frames, and says which", async () => {
  await using folder = await temporaryFolder();
  for (const [place, from] of [["0", "2"], ["1", "0"]] as const) {
    const model = join(folder.path, "colmap/sparse", place);
    await Deno.mkdir(model, { recursive: true });
    for (const name of ["cameras.txt", "images.txt", "points3D.txt"]) {
      const text = await Deno.readTextFile(join(goldenColmap(), "text", name));
      const isPart = name === "images.txt" && from === "2";
      const lines = text.split("\n").filter((line) => !line.startsWith("#"));
      await Deno.writeTextFile(join(model, name), isPart ? lines.slice(0, 4).join("\n") : text);
    }
  }
  const found = await loadGivenPoses(folder.path, GOLDEN_FRAMES);
  assertSamePoses(found);
  assertEquals(found.source, `COLMAP model ${join(folder.path, "colmap/sparse/1")}`);
});

Deno.test("givenPosesFiles() names the points of a transforms.json too", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "transforms.json");
  await Deno.writeTextFile(path, JSON.stringify(transforms({ ply_file_path: "points.ply" })));
  assertEquals(await givenPosesFiles(path), [path]);
  await Deno.writeTextFile(join(folder.path, "points.ply"), "ply");
  assertEquals(await givenPosesFiles(path), [path, join(folder.path, "points.ply")]);
  assertEquals(await givenPosesFiles(goldenColmap()), [goldenColmap()]);
});
