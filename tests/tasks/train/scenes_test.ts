import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ProceduralScene } from "../../../src/data/procedural/mod.ts";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/files.ts";
import { encodeNpy, readNpy } from "../../../src/data/formats/npy.ts";
import { balloonUmbrella, generalization, own } from "../../../src/recipes/recipe.ts";
import {
  findScenes,
  loadScenes,
  movingTruth,
  proceduralTruth,
} from "../../../tasks/train/scenes.ts";
import { goldensDirectory } from "../../support/goldens.ts";
import { copyFolder, names, temporaryFolder } from "../../data/temporary_folder.ts";

Deno.test("findScenes() makes the procedural scenes that a recipe asks for, and no others", async () => {
  await using data = await temporaryFolder();
  const recipe = generalization("small");
  const { directories, note } = await findScenes(recipe, data.path, false);
  const folder = join(data.path, "procedural", "192x108");
  assertEquals(directories, [join(folder, "skating")]);
  assertEquals(await names(folder), ["skating"]);
  assertEquals(note, `procedural, as "${join(data.path, "Skating")}" is not there`);

  const scenes = await loadScenes(directories, recipe);
  const moving = movingTruth(await proceduralTruth(scenes))(scenes[0], { camera: 3, time: 8 });
  const movers = new ProceduralScene("skating", { width: 96, height: 54, factor: 1 }).moverMap(
    3,
    8,
  );
  assertEquals(moving?.data, Uint8Array.from(movers.data, (mover) => mover > 0 ? 1 : 0));
});

Deno.test("findScenes() makes nothing in a folder that the user named, nor for scenes of one's own", async () => {
  await using data = await temporaryFolder();
  for (
    const [recipe, named] of [[balloonUmbrella("small"), true], [
      own("small", ["skating"]),
      false,
    ]] as const
  ) {
    await assertRejects(
      () => findScenes(recipe, data.path, named),
      DataError,
      `Cannot train on "${
        join(data.path, recipe.scenes[0])
      }": there is no such folder; "${data.path}" has no scene`,
    );
  }
  assertEquals(await names(data.path), []);
});

Deno.test("findScenes() refuses scenes of one name, wherever they lie and however it is written", async () => {
  await using data = await temporaryFolder();
  for (const names of [["a/clip", "b/clip"], ["clip", "clip"], ["a/Clip", "clip/"]]) {
    const recipe = { ...own("small"), scenes: names };
    await assertRejects(
      () => findScenes(recipe, data.path, true),
      DataError,
      `Cannot train on "${join(data.path, names[0])}" and "${
        join(data.path, names[1])
      }": their folders have one name`,
    );
  }
});

Deno.test("loadScenes() refuses frames too few or too small to be scored", async () => {
  await using data = await temporaryFolder();
  const directory = join(data.path, "scene");
  await copyFolder(join(goldensDirectory(), "scene_io", "scene"), directory); // 4 frames of 64 x 36
  const load = (factor: number) =>
    loadScenes([directory], { ...own("small"), frameWidth: 0, factor });
  assertEquals((await load(5))[0].height, 7);
  await assertRejects(
    () => load(6),
    DataError,
    "its frames are 11 x 6 in training, wanted 7 pixels",
  );
  for (const i of [1, 2, 3]) {
    for (
      const name of [
        `images/00${i}.png`,
        `disp/00${i}.npy`,
        `motion_masks/00${i}.png`,
        `flow/00${i}_bwd.npz`,
      ]
    ) {
      await Deno.remove(join(directory, name));
    }
    await Deno.remove(join(directory, `flow/00${i - 1}_fwd.npz`));
  }
  const { data: rows } = await readNpy(join(directory, "poses_bounds.npy"), ["float64"]);
  await Deno.writeFile(
    join(directory, "poses_bounds.npy"),
    encodeNpy(ndarray(Float64Array.from(rows.subarray(0, 17)), [1, 17]), "float64"),
  );
  await assertRejects(() => load(1), DataError, "it has 1 frame, wanted 2 or more");
});
