import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readImage } from "../../../src/data/formats/image.ts";
import { copyFrames, strideOf, tellFrames } from "../../../tasks/prepare/frames.ts";
import { fixture, temporaryFolder } from "../../data/temporary_folder.ts";

Deno.test("strideOf() keeps at most so many frames, as the specification's table has it", () => {
  const kept = (frames: number) => Math.ceil(frames / strideOf(frames, 100));
  assertEquals([12, 100, 101, 199, 201, 1001].map(kept), [12, 100, 51, 100, 67, 91]);
  assertEquals(strideOf(3, 100), 1);
});

Deno.test("copyFrames() turns images upright, and tells it", async () => {
  await using folder = await temporaryFolder();
  const images = join(folder.path, "images"), frames = join(folder.path, "frames");
  for (const path of [images, frames]) await Deno.mkdir(path);
  for (const i of [1, 2, 3]) {
    await Deno.copyFile(fixture("data/exif.jpg"), join(images, `été ${i}.jpg`));
  }
  await Deno.writeTextFile(join(images, "notes.txt"), "no picture");
  const info = await copyFrames(images, frames, 9, new AbortController().signal);
  assertEquals(tellFrames(info), "3 of 128 x 144, turned upright as their EXIF data say");
  assertEquals(info.sources, ["été 1.jpg", "été 2.jpg", "été 3.jpg"]);
  assertEquals([info.names, info.orientations], [info.sources, [6, 6, 6]]);
  const frame = await readImage(join(frames, "002.png"));
  assertEquals(frame.data, (await readImage(fixture("data/exif.png"))).data);
});
