import { assertEquals, assertRejects } from "@std/assert";
import { basename, join } from "@std/path";
import { DataError } from "../../../src/data/files.ts";
import { filesOfFrames, flowFilesOfFrames } from "../../../tasks/prepare/given_files.ts";
import { temporaryFolder } from "../../data/temporary_folder.ts";

/** Frames that every second image was taken for. */
const THINNED = {
  width: 1,
  height: 1,
  sources: ["a1.jpg", "a3.jpg", "a5.jpg"],
  of: 6,
  stride: 2,
  names: ["a1.jpg", "a2.jpg", "a3.jpg", "a4.jpg", "a5.jpg", "a6.jpg"],
};
const ALL = { ...THINNED, of: 3, stride: 1, names: THINNED.sources };

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
  assertEquals(await found(["A1.PNG", "a1.PNG", "a3.Npy", "a5.png"], ALL), [
    "a1.PNG",
    "a3.Npy",
    "a5.png",
  ]);
  const inOrder = ["depth_2.npy", "depth_9.npy", "depth_10.npy"];
  assertEquals(await found(inOrder, ALL), inOrder);
});

Deno.test("filesOfFrames() takes every second of as many files as there are images, though some bear a frame's number", async () => {
  const whole = ["000.npy", "001.npy", "002.npy", "003.npy", "004.npy", "005.npy"];
  assertEquals(await found(whole, THINNED), ["000.npy", "002.npy", "004.npy"]);
});

Deno.test("filesOfFrames() goes by the images' own names where they look like other frames' numbers", async () => {
  const images = ["001.png", "002.png", "003.png"];
  const fromOne = { ...ALL, sources: images, names: images };
  const own = ["001.npy", "002.npy", "003.npy"], byNumber = ["000.npy", "001.npy", "002.npy"];
  assertEquals(await found(own, fromOne), own);
  assertEquals(await found(byNumber, fromOne), byNumber);
  assertEquals(await found(["000.npy", ...own], fromOne), own);
});

Deno.test("filesOfFrames() names the frame that lacks its file", async () => {
  for (const files of [["000.npy", "002.npy"], ["000.npy", "002.npy", "x.npy"], []]) {
    await assertRejects(
      () => found(files, ALL),
      DataError,
      files.length ? 'no "a3" or "001" with' : 'no "a1" or "000" with',
    );
  }
});

/** Names of the flow files that frames get, of those that there are. */
async function foundFlow(
  files: readonly string[],
  info: typeof ALL,
  direction: "fwd" | "bwd",
): Promise<(string | undefined)[]> {
  await using folder = await temporaryFolder();
  for (const name of files) await Deno.create(join(folder.path, name)).then((file) => file.close());
  const given = { folder: folder.path, endings: [".flo"] };
  return (await flowFilesOfFrames(given, info, direction)).map((path) => path && basename(path));
}

Deno.test("flowFilesOfFrames() wants both directions, but for the ends", async () => {
  const files = ["000_fwd.flo", "001_fwd.flo", "001_bwd.flo", "002_bwd.flo"];
  assertEquals(await foundFlow(files, ALL, "fwd"), ["000_fwd.flo", "001_fwd.flo", undefined]);
  assertEquals(await foundFlow(files, ALL, "bwd"), [undefined, "001_bwd.flo", "002_bwd.flo"]);
  await assertRejects(
    () => foundFlow(files.toSpliced(1, 1), ALL, "fwd"),
    DataError,
    'there is no "a3_fwd" or "001_fwd" with .flo',
  );
});

Deno.test("flowFilesOfFrames() goes by the images' own names where they look like other frames' numbers", async () => {
  const images = ["001.png", "002.png", "003.png"];
  const fromOne = { ...ALL, sources: images, names: images };
  const files = ["001_fwd.flo", "002_fwd.flo", "002_bwd.flo", "003_bwd.flo"];
  assertEquals(await foundFlow(files, fromOne, "fwd"), ["001_fwd.flo", "002_fwd.flo", undefined]);
  assertEquals(await foundFlow(files, fromOne, "bwd"), [undefined, "002_bwd.flo", "003_bwd.flo"]);
});

Deno.test("flowFilesOfFrames() refuses flow between all images where every second is taken", async () => {
  const files = [0, 1, 2, 3, 4].flatMap((i) => [`00${i}_fwd.flo`, `00${i + 1}_bwd.flo`]);
  await assertRejects(
    () => foundFlow(files, THINNED, "fwd"),
    DataError,
    "flow between all 6 frames, and one of 2 is taken; take all with --max-frames 6",
  );
});
