import { assertEquals } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { decodePng } from "../../../src/data/formats/png.ts";
import { encodeMask, readMask } from "../../../src/data/scene/scene_files.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("encodeMask() writes 0 and 255, and readMask() reads 0 and 1", async () => {
  const mask = ndarray(Uint8Array.from({ length: 63 }, (_, i) => i % 3), [7, 9]);
  const png = encodeMask(mask);
  assertEquals(new Set(decodePng(png, "mask").data), new Set([0, 255]));
  await using folder = await temporaryFolder();
  const path = join(folder.path, "000.png");
  await Deno.writeFile(path, png);
  const read = await readMask(path);
  assertEquals(read.shape, [7, 9]);
  assertEquals(read.data, mask.data.map((value) => value ? 1 : 0));
});
