import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { DataError } from "../../../src/data/files.ts";
import { loadColmapModel } from "../../../src/data/given/colmap/load.ts";
import { colmapPoses } from "../../../src/data/given/colmap/poses.ts";
import { loadGivenPoses } from "../../../src/data/given/given_poses.ts";
import { assertClose } from "../../support/close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { GOLDEN_FRAMES, goldenColmap } from "./colmap/support.ts";

const truth = colmapPoses(await loadColmapModel(goldenColmap()), GOLDEN_FRAMES);
const images = GOLDEN_FRAMES.map((_, i) => `0_0000${i}.png`);

/** The golden cameras in the layout of DyCheck. */
async function dycheck(changes: Record<string, unknown> = {}) {
  const folder = await temporaryFolder();
  await Deno.mkdir(join(folder.path, "camera"));
  const scene = { scale: 0.5, center: [0, 0, 0], near: 1, far: 4 };
  await Deno.writeTextFile(join(folder.path, "scene.json"), JSON.stringify(scene));
  for (const [i, { cameraToWorld: pose }] of truth.frames.entries()) {
    const column = (c: number) => [0, 4, 8].map((row) => pose[row + c]);
    const minus = (values: number[]) => values.map((value) => -value);
    const camera = {
      orientation: [column(0), minus(column(1)), minus(column(2))],
      position: column(3),
      focal_length: 60,
      principal_point: [31, 24],
      skew: 0,
      pixel_aspect_ratio: 1.1,
      radial_distortion: [0.1, 0.2, 0.3],
      tangential_distortion: [0.01, 0.02],
      image_size: [64, 48],
      ...(i === 2 ? changes : {}),
    };
    const path = join(folder.path, "camera", images[i].replace(".png", ".json"));
    await Deno.writeTextFile(path, JSON.stringify(camera));
  }
  return folder;
}

Deno.test("loadGivenPoses() reads the cameras of Nerfies and DyCheck, for frames of half the size", async () => {
  await using folder = await dycheck();
  const { camera, frames, source } = await loadGivenPoses(folder.path, images, {
    size: { width: 32, height: 24 },
  });
  frames.forEach(({ cameraToWorld, near, far, name }, i) => {
    assertClose(cameraToWorld, truth.frames[i].cameraToWorld, 1e-12, name);
    assertEquals([near, far], [2, 8]);
  });
  assertEquals(source, "camera/*.json");
  assertEquals(camera.model, "FULL_OPENCV");
  assertClose(
    camera.parameters,
    [30, 33, 15.5, 12, 0.1, 0.2, 0.01, 0.02, 0.3, 0, 0, 0],
    1e-12,
    "lens",
  );
  const thinned = { sources: [images[0], images[2]], of: 4, stride: 2, names: images };
  const kept = await loadGivenPoses(folder.path, thinned, { near: 3, far: 9 });
  assertEquals(kept.frames.map(({ name, near }) => [name, near]), [[images[0], 3], [images[2], 3]]);
  assertClose(kept.frames[1].cameraToWorld, truth.frames[2].cameraToWorld, 1e-12, "third");
});

Deno.test("loadGivenPoses() names what is wrong with a camera of Nerfies", async () => {
  for (
    const [changes, message] of [
      [{ orientation: [[1, 0, 0], [0, 1, 0]] }, "has no orientation of 3 rows of 3 numbers"],
      [{ orientation: [[2, 0, 0], [0, 1, 0], [0, 0, 1]] }, "has no rotation in orientation"],
      [{ focal_length: "60" }, 'has "60" as focal_length, not a number'],
      [{ skew: 9 }, "has a skew, which is not known here"],
      [{ position: [0, 0] }, "as position, not 3 numbers"],
    ] as const
  ) {
    await using folder = await dycheck(changes);
    await assertRejects(() => loadGivenPoses(folder.path, images), DataError, message);
  }
});
