import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { generateProceduralScene } from "../../../src/data/procedural/mod.ts";
import { DataError } from "../../../src/data/files.ts";
import { encodeNpy } from "../../../src/data/formats/npy.ts";
import { encodePng } from "../../../src/data/formats/png.ts";
import { loadScene } from "../../../src/data/scene/scene.ts";
import { checkScene } from "../../../src/data/scene/scene_check.ts";
import { copyFolder, fixture, names, temporaryFolder } from "../temporary_folder.ts";

/** 4 frames of 64×36, no held-out views. */
const GOLDEN = fixture("goldens/scene_io/scene");

Deno.test("checkScene() counts the files of each part and tells their sizes", async () => {
  const progress: string[] = [];
  const check = await checkScene(GOLDEN, {
    onProgress: (part, done, of) => done === of && progress.push(`${part} ${of}`),
  });
  assertEquals(
    check.parts.map(({ part, good, wanted, shapes }) =>
      `${part}: ${good} of ${wanted}, ${shapes.join(" and ")}`
    ),
    [
      "images: 4 of 4, 64 x 36",
      "poses_bounds.npy: 1 of 1, (4, 17)",
      "disp: 4 of 4, 48 x 27",
      "motion_masks: 4 of 4, 64 x 36",
      "flow forward: 3 of 3, 64 x 36 and 48 x 30 and 32 x 18",
      "flow backward: 3 of 3, 64 x 36 and 48 x 30 and 32 x 18",
      "multiview_GT: 0 of 16, ",
    ],
  );
  assertEquals(progress.length, 6);
  assertEquals([check.frames, check.trainingFault], [4, undefined]);
  assertEquals(check.evaluationFault, `There is no "${GOLDEN}/multiview_GT"`);
  assertEquals((await names(GOLDEN)).filter((name) => name.startsWith("images_")), []);
});

Deno.test("checkScene() wants a held-out view of each camera at each time", async () => {
  await using folder = await temporaryFolder();
  const scene = join(folder.path, "balloon1");
  await generateProceduralScene("balloon1", scene, { width: 32, height: 18 });
  const whole = await checkScene(scene);
  assertEquals([whole.trainingFault, whole.evaluationFault], [undefined, undefined]);
  assertEquals(whole.parts.at(-1)!.good, 144);

  const views = join(scene, "multiview_GT", "00000002");
  const [, second] = await names(views);
  await Deno.remove(join(views, second));
  const { parts, trainingFault, evaluationFault } = await checkScene(scene);
  assertEquals([parts.at(-1)!.good, trainingFault], [143, undefined]);
  assertEquals(
    evaluationFault,
    `Cannot use "${scene}/multiview_GT": 00000002/cam02.jpg is missing, wanted 12 times x 12 cameras`,
  );
});

const nan = ndarray(new Float32Array(4).fill(NaN), [2, 2]);
const small = ndarray(new Uint8Array(12), [2, 2, 3]);
/** What befalls a file: other bytes, or that it is gone; and the part that must be found wrong, with the files left in it. */
const damages: [file: string, bytes: Uint8Array | undefined, part: string, good: number][] = [
  ["images/002.png", encodePng(small), "images", 3],
  ["images/001.png", new Uint8Array(9), "images", 3],
  ["poses_bounds.npy", undefined, "poses_bounds.npy", 0],
  ["disp/001.npy", encodeNpy(nan, "float32"), "disp", 3],
  ["disp/003.npy", undefined, "disp", 3],
  ["motion_masks/000.png", new TextEncoder().encode("<html>"), "motion_masks", 3],
  ["motion_masks/004.png", encodePng(small), "motion_masks", 4],
  ["flow/001_fwd.npz", new Uint8Array(100), "flow forward", 2],
  ["flow/003_bwd.npz", undefined, "flow backward", 2],
];
for (const [file, bytes, part, good] of damages) {
  Deno.test(`checkScene() says of ${file}${bytes ? "" : " that is missing"} what loadScene() says`, async () => {
    await using folder = await temporaryFolder();
    await copyFolder(GOLDEN, folder.path);
    const path = join(folder.path, file);
    if (bytes) await Deno.writeFile(path, bytes);
    else await Deno.remove(path);
    const { parts, trainingFault } = await checkScene(folder.path);
    assertEquals(
      parts.filter(({ wrong, neededFor }) => wrong && neededFor === "training").map((
        { part, good },
      ) => [part, good]),
      [[part, good]],
    );
    const { message } = await assertRejects(() => loadScene(folder.path, { factor: 1 }), DataError);
    assertEquals(trainingFault, message);
  });
}

Deno.test("checkScene() says what an empty folder lacks, and refuses one that is not there", async () => {
  await using folder = await temporaryFolder();
  const { trainingFault, frames } = await checkScene(folder.path);
  assertEquals(frames, 0);
  const { message } = await assertRejects(() => loadScene(folder.path), DataError);
  assertEquals(trainingFault, message);
  await assertRejects(
    () => checkScene(join(folder.path, "no")),
    DataError,
    "there is no such folder",
  );
});
