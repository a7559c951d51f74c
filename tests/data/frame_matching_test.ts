import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../src/data/data_error.ts";
import {
  allImages,
  type FilmedFrames,
  matchFlow,
  matchFrames,
  rowsOfFrames,
  stemOf,
} from "../../src/data/frame_matching.ts";

/** Names with numbers: `named("frame_", 5, 1)` is `frame_00001.png` … of so many. */
const named = (count: number, prefix: string, digits: number, from: number, ending = ".png") =>
  Array.from(
    { length: count },
    (_, i) => prefix + String(i + from).padStart(digits, "0") + ending,
  );

/** Every so many-th frame of a video. */
function video(of: number, stride: number): FilmedFrames {
  const kept = Math.ceil(of / stride);
  return { sources: Array.from({ length: kept }, (_, i) => String(i * stride)), of, stride };
}

/** Every so many-th image of a folder. */
function folder(names: string[], stride: number): FilmedFrames {
  return { sources: names.filter((_, i) => i % stride === 0), of: names.length, stride, names };
}

const path = "poses";
const found = (entries: string[], filmed: FilmedFrames, byOrder = false) =>
  matchFrames(entries, filmed, { path, byOrder }).entries.map((i) =>
    i === undefined ? undefined : entries[i]
  );
const fails = (entries: string[], filmed: FilmedFrames, message: string) =>
  assertThrows(() => found(entries, filmed), DataError, message);

Deno.test("matchFrames() takes numbers for those of the film where every second frame is kept", () => {
  const wanted = ["000.png", "002.png", "004.png", "006.png", "008.png", "010.png"];
  for (const filmed of [video(12, 2), folder(named(12, "IMG_", 4, 0, ".jpg"), 2)]) {
    assertEquals(found(named(12, "", 3, 0), filmed), wanted);
    assertEquals(found(named(12, "", 3, 0).toReversed(), filmed), wanted);
    assertEquals(found(named(11, "", 3, 0), filmed), wanted); // COLMAP lacks the last one
  }
  const third = ["000.png", "003.png", "006.png", "009.png"];
  assertEquals(found(named(12, "", 3, 0), video(12, 3)), third);
  // By ffmpeg's own count and nerfstudio's names.
  const fromOne = ["frame_00001.png", "frame_00004.png", "frame_00007.png", "frame_00010.png"];
  assertEquals(found(named(12, "frame_", 5, 1), video(12, 3)), fromOne);
});

Deno.test("matchFrames() takes numbers for those of kept frames where there are no more than these", () => {
  assertEquals(found(named(6, "", 3, 0), video(12, 2)), named(6, "", 3, 0));
  assertEquals(found(named(6, "depth_", 1, 0), video(12, 2)), named(6, "depth_", 1, 0));
});

Deno.test("matchFrames() finds nothing whole where numbers are of other frames", () => {
  const isWhole = (entries: string[], filmed: FilmedFrames) =>
    found(entries, filmed).every((name) => name !== undefined);
  assertEquals(isWhole(named(6, "", 3, 0), video(24, 2)), false); // half of a film
  assertEquals(isWhole(named(12, "", 3, 0), video(24, 4)), false); // a film that was thinned otherwise
  assertEquals(isWhole(named(11, "", 3, 1), video(12, 2)), false); // from 0 without it, or from 1 without the last
  assertEquals(isWhole(named(30, "", 3, 0), video(12, 1)), false); // a longer film
  assertEquals(isWhole(named(6, "IMG_", 4, 0), folder(named(12, "IMG_", 4, 0), 2)), false); // half of a folder
});

Deno.test("matchFrames() goes by the images' names before their numbers, and takes neither where they disagree", () => {
  const images = named(12, "", 3, 1);
  assertEquals(found(named(12, "", 3, 0), allImages(images)), named(12, "", 3, 0)); // as indices: 000 is no image's name
  assertEquals(found(named(13, "", 3, 0), allImages(images)), images);
  assertEquals(found(named(12, "", 3, 0), folder(images, 2)).slice(0, 2), ["000.png", "002.png"]);
  assertEquals(found(images, folder(images, 2)).slice(0, 2), ["001.png", "003.png"]);
  const gaps = ["a1.jpg", "a2.jpg", "a5.jpg", "a9.jpg"];
  assertEquals(found(["1.png", "2.png", "5.png", "9.png"], allImages(gaps))[2], "5.png");
  assertEquals(found(["x1.png", "x2.png", "x3.png", "x4.png"], allImages(gaps))[2], "x3.png");
  const both = ["b0.png", "b1.png", "b2.png", "c1.png", "c2.png", "c3.png"];
  assertThrows(
    () => found(both, { ...allImages(["b0.png", "q.png", "r.png"]), names: undefined }),
    DataError,
    'Cannot use "poses": its 6 names fit the 3 frames in two ways, by number from 0 and by number from 1',
  );
});

Deno.test("matchFrames() knows names by folders of either slash, endings, composed letters and other zeros", () => {
  const images = ["été.v2 1.jpg", "été.v2 2.jpg", "été.v2 10.jpg"];
  const windows = images.map((name) => `images\\${name}`);
  assertEquals(found(windows, allImages(images)), windows);
  const mac = images.map((name) => name.normalize("NFD").replace(".jpg", ".JPG"));
  assertEquals(found(mac, allImages(images)), mac);
  const bare = images.map((name) => `./train/${name.replace(".jpg", "")}`);
  assertEquals(found(bare, allImages(images)), bare);
  const masks = images.map((name) => `${name}.png`);
  assertEquals(found(masks, allImages(images)), masks);
  const padded = ["été.v2 001.png", "été.v2 010.png", "été.v2 002.png"];
  assertEquals(found(padded, allImages(images)), [padded[0], padded[2], padded[1]]);
  assertEquals(stemOf("a/b\\frame.0001"), "frame.0001");
  assertEquals(stemOf(".png"), ".png");
});

Deno.test("matchFrames() refuses two entries of one frame", () => {
  fails(["0/a.png", "1/a.png", "b.png"], allImages(["a.jpg", "b.jpg"]), 'could be frame "a.jpg"');
  fails(["a.jpg", "a.jpg", "b.png"], allImages(["a.jpg", "b.jpg"]), 'could be frame "a.jpg"');
});

Deno.test("matchFrames() goes by order where names say nothing, for files alone", () => {
  const images = ["p.jpg", "q.jpg", "r.jpg"], files = ["d 10.npy", "d 9.npy", "d 7.npy"];
  assertEquals(found(files, allImages(images), true), ["d 7.npy", "d 9.npy", "d 10.npy"]);
  assertEquals(found(files, allImages(images)), [undefined, undefined, undefined]);
  assertEquals(found(["p.npy", "x.npy", "y.npy"], allImages(images), true)[1], undefined);
  assertEquals(found(["0.npy", "2.npy", "3.npy"], allImages(images), true)[1], undefined);
  const six = ["a", "b", "c", "d", "e", "f"];
  assertEquals(found(six, folder(["p", "q", "r", "s", "t", "u"], 2), true), ["a", "c", "e"]);
});

Deno.test("matchFlow() knows frames by number of any padding, from 0 or 1, by pairs, and by names", () => {
  const flow = (forward: string[], backward: string[], images = ["p.jpg", "q.jpg", "r.jpg"]) => {
    const names = [...forward, ...backward];
    const match = matchFlow(names, allImages(images), path);
    const nameOf = (i: number | undefined) => i === undefined ? undefined : names[i];
    return [match.forward.slice(0, 2).map(nameOf), match.backward.slice(1).map(nameOf)];
  };
  for (
    const both of [
      [["0_fwd.flo", "1_fwd.flo"], ["1_bwd.flo", "2_bwd.flo"]],
      [["00001_fwd.flo", "00002_fwd.flo"], ["00002_bwd.flo", "00003_bwd.flo"]],
      [["p_fwd.flo", "q_fwd.flo"], ["q_bwd.flo", "r_bwd.flo"]],
      [["pair_7_fwd.flo", "pair_8_fwd.flo"], ["pair_7_bwd.flo", "pair_8_bwd.flo"]],
    ]
  ) assertEquals(flow(both[0], both[1]), both);
  const [forward] = flow(["0_fwd.flo"], ["1_bwd.flo", "2_bwd.flo"]);
  assertEquals(forward, ["0_fwd.flo", undefined]);
});

Deno.test("rowsOfFrames() takes every stride-th of as many rows as were filmed, and refuses images of two orders", () => {
  assertEquals(rowsOfFrames(12, video(12, 3), path), [0, 3, 6, 9]);
  assertEquals(rowsOfFrames(4, video(12, 3), path), [0, 1, 2, 3]);
  assertThrows(
    () => rowsOfFrames(6, video(12, 3), path),
    DataError,
    "it has 6 rows, and there are 12 frames, of which 4 are taken; wanted one row for each",
  );
  const natural = ["1.png", "2.png", "10.png"];
  assertThrows(
    () => rowsOfFrames(3, allImages(natural), path),
    DataError,
    'by number "2.png" is image 1, by the alphabet, which LLFF goes by, "10.png" is',
  );
  assertThrows(() => rowsOfFrames(3, allImages(["a.png", "B.png", "c.png"]), path), DataError);
  assertEquals(rowsOfFrames(3, allImages(named(3, "", 2, 9)), path), [0, 1, 2]);
});
