import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ProceduralScene } from "../../../src/data/procedural/mod.ts";
import { DataError } from "../../../src/data/files.ts";
import { balloonUmbrella, generalization, own } from "../../../src/recipes/recipe.ts";
import {
  findScenes,
  loadScenes,
  movingTruth,
  proceduralTruth,
} from "../../../tasks/train/scenes.ts";
import { names, temporaryFolder } from "../../data/temporary_folder.ts";

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
