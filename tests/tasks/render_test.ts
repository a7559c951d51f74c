import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { readImage } from "../../src/data/formats/image.ts";
import { RunFolder } from "../../src/data/run/run_folder.ts";
import { loadScene } from "../../src/data/scene/scene.ts";
import { own, type Recipe } from "../../src/recipes/recipe.ts";
import { type StoredTensor, Trainer } from "../../src/training/trainer.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { permissionFlags } from "../../tasks/permissions.ts";
import { grantsOf } from "../../tasks/start.ts";
import { copyFolder, fixture, names, temporaryFolder } from "../data/temporary_folder.ts";
import { readGif, readMp4, worstPsnr } from "../support/films.ts";
import { testGpu } from "../support/gpu.ts";

/** Everything as small as it can be. */
const recipe: Recipe = {
  ...own("small", ["one", "two"]),
  model: { hidden: 16, globalCode: 8, globalHidden: 8, videoWidth: 4, imageWidth: 4 },
  frameWidth: 0,
  encoderWidth: 16,
  encoderHeight: 16,
  rays: 32,
  samples: 8,
  positionGain: 1,
  flowGain: 1, // points move before any training
};

/** A folder with two golden scenes of 4 frames of 64×36 and `run`, an untrained run on both at half their size. */
async function folderOfARun(
  change: (tensors: ReadonlyMap<string, StoredTensor>) => void = () => {},
) {
  const folder = await temporaryFolder();
  const directories = recipe.scenes.map((name) => join(folder.path, "data", name));
  for (const directory of directories) {
    await copyFolder(fixture("goldens/scene_io/scene"), directory);
  }
  const scenes = await Promise.all(directories.map((directory) => loadScene(directory, recipe)));
  const trainer = await Trainer.create(await testGpu(), recipe, scenes);
  const run = await RunFolder.createAt(join(folder.path, "run"), {
    version: "0.1.0",
    adapter: "a test",
    scenes: scenes.map(({ directory, frames, width, height }) => {
      return { directory, frames, width, height };
    }),
    recipe,
  });
  const state = await trainer.state();
  change(state.tensors);
  await run.writeCheckpoint({ recipe, ...state });
  trainer.destroy();
  return { ...folder, run: run.directory };
}

/** Runs `deno task render` as the task runner does, once it has found an adapter. */
async function render(...args: string[]) {
  const all = [...args, "--feature-cache-limit", "0"];
  const flags = permissionFlags(grantsOf("render")!, all);
  const child = runDeno(["run", "--no-check", ...flags, "tasks/render.ts", ...all], {
    cwd: fixture(".."),
    stdout: "piped",
    stderr: "piped",
  });
  const [out, err, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { out, err, code };
}

/** All files below a folder, by path. */
async function filesOf(folder: string, below = ""): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const name of await names(join(folder, below))) {
    const path = join(below, name);
    if (/\.\w+$/.test(name)) files[path] = await Deno.readFile(join(folder, path));
    else Object.assign(files, await filesOf(folder, path));
  }
  return files;
}

/** Views of one path, their layers, and films of them: as small as can be, of an odd size. */
const FLAGS = "--views 5 --size 15x9 --layers color,depth --gif --fps 10".split(" ");

Deno.test("deno task render: shards and a merge give the very bytes of one process; a cut job goes on; films show the frames", async () => {
  await using folder = await folderOfARun();
  const out = (name: string) => join(folder.path, name);
  const start = (name: string, ...more: string[]) =>
    render(folder.run, ...FLAGS, "--out", out(name), ...more);

  const whole = await start("whole");
  assertEquals([whole.err, whole.code], ["", 0]);
  assertStringIncludes(whole.out, "10 views, 5 of one + 5 of two; color, depth; in");
  const files = await filesOf(out("whole"));
  const frames = [0, 1, 2, 3, 4].map((i) => `000${i}.png`);
  const wanted = ["one", "two"].flatMap((scene) => [
    ...["color", "depth"].flatMap((layer) => [
      ...frames.map((name) => `${scene}/${layer}/${name}`),
      `${scene}/${layer}.mp4`,
      `${scene}/${layer}.gif`,
    ]),
    `${scene}/views.json`,
  ]);
  assertEquals(Object.keys(files).toSorted(), wanted.toSorted());
  assert(`${files["one/color/0000.png"]}` !== `${files["one/color/0004.png"]}`, "nothing moves");

  for (const layer of ["one/color", "two/color"]) {
    const pictures = await Promise.all(
      frames.map((name) => readImage(join(out("whole"), layer, name))),
    );
    assertEquals(pictures.map(({ shape }) => `${shape}`), frames.map(() => "9,15,3"));
    const mp4 = await readMp4(await Deno.readFile(join(out("whole"), `${layer}.mp4`)));
    const gif = readGif(files[`${layer}.gif`]);
    assertEquals([mp4.pictures.length, gif.pictures.length], [5, 5]);
    assertEquals(gif.seconds, [0.1, 0.1, 0.1, 0.1, 0.1]);
    for (const film of [mp4, gif]) {
      const worst = worstPsnr(film.pictures, pictures);
      assert(worst > 30, `${layer}: ${worst} dB`);
    }
  }

  for (const shard of ["0/3", "2/3"]) {
    const { err, code } = await start("parts", "--shard", shard);
    assertEquals([err, code], ["", 0]);
  }
  const early = await start("parts", "--merge");
  assertEquals(early.code, 1);
  const missing = join(out("parts"), "one", "color", "0001.png");
  assertStringIncludes(early.err, "Cannot join the frames: 6 are missing or damaged");
  assertStringIncludes(early.err, `\n  ${missing}\n`);
  assertMatch(early.err, /\n {2}and 1 more\n/);
  assertEquals((await start("parts", "--shard", "1/3")).code, 0);
  assertEquals((await start("parts", "--merge")).code, 0);
  assertEquals(await filesOf(out("parts")), files);

  const cut = join(out("parts"), "one", "color", "0002.png");
  await Deno.writeFile(cut, files["one/color/0002.png"].subarray(0, 80));
  await Deno.remove(join(out("parts"), "two", "depth", "0004.png"));
  const again = await start("parts");
  assertEquals([again.err, again.code], ["", 0]);
  assertStringIncludes(again.out, "8 of 10 views are there already.");
  assertEquals(await filesOf(out("parts")), files);

  const other = await start("parts", "--camera", "0");
  assertEquals(other.code, 1);
  assertStringIncludes(other.err, "it has views of another checkpoint, path, edit, tracks or size");
});

Deno.test("deno task render writes all layers of the scenes, poses and frames asked for, where it is told to", async () => {
  await using folder = await folderOfARun();
  const poses = join(folder.path, "poses.json");
  const cameraToWorld = [[1, 0, 0, 0.1], [0, 1, 0, 0], [0, 0, 1, 0]];
  const pose = (time: number) => ({ cameraToWorld, time });
  await Deno.writeTextFile(poses, JSON.stringify([pose(0), pose(1.5), pose(3)]));
  await Deno.rename(join(folder.path, "data"), join(folder.path, "moved"));
  const { err, code } = await render(
    ...[folder.run, "--poses", poses, "--scene", "two", "--frames", "1..2", "--layers", "all"],
    ...["--size", "8x6", "--no-mp4", "--data", join(folder.path, "moved")],
  );
  assertEquals([err, code], ["", 0]);
  const files = await filesOf(join(folder.run, "poses"));
  const layers = ["color", "static", "dynamic", "depth", "dynamicness", "flow"];
  const wanted = layers.flatMap((layer) => [1, 2].map((i) => `two/${layer}/000${i}.png`));
  assertEquals(Object.keys(files).toSorted(), [...wanted, "two/views.json"].toSorted());
  const { views } = JSON.parse(new TextDecoder().decode(files["two/views.json"]));
  assertEquals(views.map(({ time }: { time: number }) => time), [0, 1.5, 3]);
});

Deno.test("deno task render shows the scenes that lend nothing edited, in a folder of its own", async () => {
  await using folder = await folderOfARun();
  const flags = ["--views", "2", "--size", "8x6", "--no-mp4", "--layers", "color,static"];
  const start = (...edit: string[]) => render(folder.run, ...flags, ...edit);
  const edit = ["--background", "two", "--flip", "--freeze", "3"];
  for (const { err, code, out } of [await start(), await start(...edit)]) {
    assertEquals([err, code], ["", 0]);
    assertMatch(
      out,
      /^(4 views, 2 of one \+ 2 of two; c|2 views, 2 of one; background-two-freeze-3-)/,
    );
  }
  const plain = await filesOf(join(folder.run, "novel"));
  const edited = await filesOf(join(folder.run, "novel-background-two-freeze-3-flip"));
  const names = ["color", "static"].flatMap((layer) =>
    [0, 1].map((i) => `one/${layer}/000${i}.png`)
  );
  assertEquals(Object.keys(edited).toSorted(), [...names, "one/views.json"].toSorted());
  assertNotEquals(edited["one/color/0000.png"], plain["one/color/0000.png"]);
  const record = JSON.parse(new TextDecoder().decode(edited["one/views.json"]));
  assertEquals(record.edit, { background: "two", remove: false, flip: true, freeze: 3 });
});

Deno.test("deno task render --tracks draws paths of what moves, the same by shards, and says where nothing does", async () => {
  const dynamic = (blending: number) => (tensors: ReadonlyMap<string, StoredTensor>) => {
    tensors.get("mlp_dynamic.weight_linear.bias")!.data.fill(blending);
    tensors.get("mlp_dynamic.lin_out.bias")!.data.fill(2); // thick
  };
  await using moving = await folderOfARun(dynamic(9));
  const flags = "--views 3 --size 64x36 --tracks 5 --track-frames 2 --gif --fps 10".split(" ");
  const out = join(moving.run, "novel-tracks-5-frames-2");
  const whole = await render(moving.run, ...flags, "--scene", "two");
  assertEquals([whole.err, whole.code], ["", 0]);
  assertStringIncludes(whole.out, `3 views, 3 of two; color, tracks; in "${out}".`);
  const files = await filesOf(out);
  const names = ["color", "tracks"].flatMap((name) => [
    ...[0, 1, 2].map((i) => `two/${name}/000${i}.png`),
    `two/${name}.gif`,
    `two/${name}.mp4`,
  ]);
  assertEquals(Object.keys(files).toSorted(), [...names, "two/views.json"].toSorted());
  const record = JSON.parse(new TextDecoder().decode(files["two/views.json"]));
  assertEquals(record.tracks, { points: 5, frames: 2 });
  const read = (name: string) => readImage(join(out, "two", name, "0001.png"));
  const [color, tracks] = [await read("color"), await read("tracks")];
  const vivid = ({ data }: typeof tracks) =>
    data.filter((value, i) => i % 3 === 2 && Math.abs(value - data[i - 2]) > 100).length;
  assertEquals(vivid(color), 0);
  assert(vivid(tracks) >= 10, `${vivid(tracks)} pixels are blue or red`);
  assertEquals(tracks.shape, color.shape);

  const parts = ["--scene", "two", "--out", join(moving.path, "parts")];
  for (const shard of ["0/2", "1/2"]) {
    assertEquals((await render(moving.run, ...flags, ...parts, "--shard", shard)).code, 0);
  }
  assertEquals((await render(moving.run, ...flags, ...parts, "--merge")).code, 0);
  assertEquals(await filesOf(join(moving.path, "parts")), files);

  await using still = await folderOfARun(dynamic(-9));
  const none = await render(still.run, "--grid", "--frames", "0..0", "--tracks", "4", "--no-mp4");
  assertEquals([none.err, none.code], ["", 0]);
  assertStringIncludes(
    none.out,
    'View time02-camera00 of "one" at time 2 shows 0 pixels that move: no tracks are drawn.',
  );
  const plain = await filesOf(join(still.run, "grid-tracks-4", "one"));
  assertEquals(plain["tracks/time00-camera00.png"], plain["color/time00-camera00.png"]);
});

Deno.test("deno task render says what is wrong, and what to do", async () => {
  await using folder = await folderOfARun();
  const cases: [string[], number, string][] = [
    [[], 2, "Cannot render: no run is named; name its folder, as runs/balloon-small\n--help"],
    [[folder.run, "--zom"], 2, 'Unknown flag "--zom", did you mean "--zoom"?'],
    [[folder.path], 1, `"${folder.path}" is no run's folder; name one under runs/`],
    [[folder.run, "--scene", "three"], 1, 'Unknown scene "three"'],
    [[folder.run, "--frames", "50..60"], 1, 'frame 60 of "one": its views are 0 to 59'],
    [[folder.run, "--camera", "4"], 1, 'around camera 4 of "one": it has cameras 0 to 3'],
    [[folder.run, "--freeze", "4"], 1, 'Cannot freeze "one" at frame 4: its frames are 0 to 3'],
    [[folder.run, "--insert", "three"], 1, 'Unknown scene "three"'],
    [[folder.run, "--poses", "none.json"], 1, 'Cannot read "none.json": there is no such file'],
    [[folder.run, "--data", folder.run], 1, `there is no "${join(folder.run, "one")}"`],
  ];
  for (const [args, wanted, message] of cases) {
    const { err, code } = await render(...args);
    assertEquals(code, wanted, err);
    assertStringIncludes(err, message);
    assert(!/\n\s+at /.test(err), `a stack is shown: ${err}`);
  }
});
