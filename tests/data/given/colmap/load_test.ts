import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { loadColmapModel } from "../../../../src/data/given/colmap/load.ts";
import { DataError } from "../../../../src/data/files.ts";
import { copyFolder, temporaryFolder } from "../../temporary_folder.ts";
import { counts, goldenColmap } from "./support.ts";

Deno.test("loadColmapModel() finds .bin and .txt, in the folder and in sparse/0", async () => {
  const wanted = { cameras: 1, images: 4, points: 28 };
  for (const folder of ["sparse/0", "sparse", ".", "text"]) {
    assertEquals(counts(await loadColmapModel(join(goldenColmap(), folder))), wanted, folder);
  }
});

Deno.test("loadColmapModel() says what is missing", async () => {
  await using folder = await temporaryFolder();
  const fails = (message: string) =>
    assertRejects(() => loadColmapModel(folder.path), DataError, message);
  await fails("there is no COLMAP model in it, wanted cameras, images and points3D");
  await copyFolder(join(goldenColmap(), "sparse/0"), folder.path);
  await Deno.remove(join(folder.path, "points3D.bin"));
  await fails('points3D.bin": there is no such file; a model has cameras, images and points3D');
});
