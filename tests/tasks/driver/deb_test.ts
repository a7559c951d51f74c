import { assertEquals, assertRejects } from "@std/assert";
import { debFiles } from "../../../tasks/driver/deb.ts";
import { fixture } from "../../data/temporary_folder.ts";

const CHAIR = await Deno.readFile(fixture("tasks/driver/libchair1_1.0-1_amd64.deb"));

const read = async (deb: Uint8Array<ArrayBuffer>) => {
  const files = await Array.fromAsync(debFiles(deb));
  return files.map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]);
};

Deno.test("debFiles() gives the regular files of a package, and no link", async () => {
  assertEquals(await read(CHAIR), [["./usr/lib/libchair.so.1.0", "four legs\n"]]);
});

Deno.test("debFiles() refuses what is no package, is cut short, or is packed in another way", async () => {
  await assertRejects(() => read(CHAIR.subarray(1)), Error, "it is no ar archive");
  await assertRejects(() => read(CHAIR.subarray(0, -1)), Error, 'it ends inside "data.tar.xz"');
  const zst = CHAIR.slice();
  zst[zst.length - 1 - new TextDecoder("latin1").decode(zst.toReversed()).indexOf("zx.rat")] = 33;
  await assertRejects(() => read(zst), Error, 'it holds no "data.tar.xz"');
});
