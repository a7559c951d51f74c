import { assertEquals, assertRejects } from "@std/assert";
import { basename, join } from "@std/path";
import { DataError } from "../../../src/data/files.ts";
import { filesOfFrames, flowFilesOfFrames } from "../../../tasks/prepare/given_files.ts";
import { temporaryFolder } from "../../data/temporary_folder.ts";

/** Frames that every second image was taken for. */
const THINNED = { width: 1, height: 1, sources: ["a1.jpg", "a3.jpg", "a5.jpg"], of: 6, stride: 2 };
const ALL = { width: 1, height: 1, sources: ["a1.jpg", "a3.jpg", "a5.jpg"], of: 3, stride: 1 };

/** Names of the files that frames get, of those that there are. */
async function found(files: readonly string[], info: typeof ALL): Promise<string[]> {
  await using folder = await temporaryFolder();
  for (const name of files) await Deno.create(join(folder.path, name)).then((file) => file.close());
  const given = { folder: folder.path, endings: [".npy", ".png"] };
  return (await filesOfFrames(given, info)).map((path) => basename(path));
}

Deno.test("filesOfFrames() finds files by the frame's number, by the image's name, or in order", async () => {
  const byNumber = ["000.npy", "001.npy", "002.npy"], bySource = ["a1.png", "a3.png", "a5.png"];
  assertEquals(await found([...byNumber, "readme.txt"], ALL), byNumber);
  assertEquals(await found(bySource, ALL), bySource);
  const inOrder = ["depth_2.npy", "depth_9.npy", "depth_10.npy"];
  assertEquals(await found(inOrder, ALL), inOrder);
});

Deno.test("filesOfFrames() takes every second of as many files as there are images, though some bear a frame's number", async () => {
  const whole = ["000.npy", "001.npy", "002.npy", "003.npy", "004.npy", "005.npy"];
  assertEquals(await found(whole, THINNED), ["000.npy", "002.npy", "004.npy"]);
});

Deno.test("filesOfFrames() names the frame that lacks its file", async () => {
  for (const files of [["000.npy", "002.npy"], ["000.npy", "002.npy", "x.npy"], []]) {
    await assertRejects(
      () => found(files, ALL),
      DataError,
      files.length ? '"001" with' : '"000" with',
    );
  }
});

Deno.test("flowFilesOfFrames() wants both directions, but for the ends", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["000_fwd.flo", "a3_fwd.flo", "001_bwd.flo", "002_bwd.flo"]) {
    await Deno.create(join(folder.path, name)).then((file) => file.close());
  }
  const given = { folder: folder.path, endings: [".flo"] };
  const names = async (direction: "fwd" | "bwd") =>
    (await flowFilesOfFrames(given, ALL, direction)).map((path) => path && basename(path));
  assertEquals(await names("fwd"), ["000_fwd.flo", "a3_fwd.flo", undefined]);
  assertEquals(await names("bwd"), [undefined, "001_bwd.flo", "002_bwd.flo"]);
  await Deno.remove(join(folder.path, "a3_fwd.flo"));
  await assertRejects(() => names("fwd"), DataError, 'there is no "001_fwd" with .flo');
});
