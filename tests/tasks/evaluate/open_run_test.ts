import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { DataError } from "../../../src/data/files.ts";
import type { RunFolder } from "../../../src/data/run/run_folder.ts";
import { scenesOfRun } from "../../../tasks/evaluate/open_run.ts";
import { copyFolder, temporaryFolder } from "../../data/temporary_folder.ts";
import { goldensDirectory } from "../../support/goldens.ts";

/** A run on a scene that lay in a folder which may be gone. */
function runOn(directory: string): RunFolder {
  const record = {
    recipe: { factor: 1, frameWidth: 0 },
    scenes: [{ directory, frames: 4, width: 64, height: 36 }],
  };
  return { directory: "runs/mine", record } as unknown as RunFolder;
}

Deno.test("scenesOfRun() finds scenes that were moved, and says by which flag where they are not", async () => {
  await using data = await temporaryFolder();
  const golden = join(goldensDirectory(), "scene_io", "scene");
  for (const place of ["clip", "a/clip"]) {
    await Deno.mkdir(join(data.path, place), { recursive: true });
    await copyFolder(golden, join(data.path, place));
  }
  const doing = { verb: "go on with", remedy: "start a new run" };
  const load = (run: string, from?: string) => scenesOfRun(runOn(run), doing, from);
  const [own] = await load("/old/disk/clip", data.path);
  assertEquals([own.directory, own.frames], [join(data.path, "clip"), 4]);
  const [nested] = await load("/old/disk/a/clip", data.path);
  assertEquals(nested.directory, join(data.path, "a/clip"));
  for (const from of [undefined, join(data.path, "nowhere")]) {
    await assertRejects(
      () => load(join(data.path, "gone/clip"), from),
      DataError,
      "where its scene was; say where the scenes' folders are now: --data FOLDER",
    );
  }
});
