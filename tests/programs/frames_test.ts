import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError } from "../../src/data/files.ts";
import { readImage } from "../../src/data/formats/image.ts";
import { encodeMp4 } from "../../src/data/formats/mp4.ts";
import { psnr } from "../../src/evaluation/psnr.ts";
import { extractFrames } from "../../tasks/prepare/frames.ts";
import { runProgram } from "../../tasks/prepare/program.ts";
import { temporaryFolder } from "../data/temporary_folder.ts";
import { movingPictures } from "../support/films.ts";

const { signal } = new AbortController();
const [WIDTH, HEIGHT] = [192, 130];

/** A film in a folder of its own, and where its frames go. */
async function filmed(count: number, change: (mp4: Uint8Array) => Uint8Array = (mp4) => mp4) {
  const folder = await temporaryFolder();
  const pictures = movingPictures(count, WIDTH, HEIGHT);
  const video = join(folder.path, "50 % of it.mp4"); // a name that programs read much into
  await Deno.writeFile(video, change(await encodeMp4(pictures, 10)));
  const frames = join(folder.path, "100 %d: frames");
  await Deno.mkdir(frames);
  const frame = (i: number) => readImage(join(frames, `${String(i).padStart(3, "0")}.png`));
  return {
    folder: folder.path,
    pictures,
    video,
    frames,
    frame,
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

function assertAlike(found: NdArray<Uint8Array>, wanted: NdArray<Uint8Array>): void {
  assertEquals(found.shape, wanted.shape);
  const decibels = psnr(found.data, wanted.data);
  assert(decibels > 35, `${decibels} dB`);
}

Deno.test("extractFrames() takes all frames of a short video, RGB, in their order", async () => {
  await using film = await filmed(7);
  const info = await extractFrames(film.video, film.frames, 100, signal);
  assertEquals(info, {
    width: WIDTH,
    height: HEIGHT,
    sources: ["0", "1", "2", "3", "4", "5", "6"],
    of: 7,
    stride: 1,
    orientations: [1, 1, 1, 1, 1, 1, 1],
  });
  for (const [i, picture] of film.pictures.entries()) assertAlike(await film.frame(i), picture);
});

Deno.test("extractFrames() takes every third of a longer one", async () => {
  await using film = await filmed(11);
  const { sources, of, stride } = await extractFrames(film.video, film.frames, 4, signal);
  assertEquals([sources, of, stride], [["0", "3", "6", "9"], 11, 3]);
  for (const i of sources.keys()) assertAlike(await film.frame(i), film.pictures[3 * i]);
});

Deno.test("extractFrames() neither repeats nor drops frames of a video whose rate varies", async () => {
  await using film = await filmed(12);
  const uneven = join(film.folder, "uneven.mkv");
  const setting = "setts=ts='if(lt(N,4),TS,3*TS)'"; // from the fifth on three times as long
  const { code, lines } = await runProgram("ffmpeg", [
    ...["-v", "error", "-i", `file:${film.video}`, "-c", "copy", "-bsf:v", setting, uneven],
  ], { signal });
  assertEquals([code, lines], [0, []]);
  const info = await extractFrames(uneven, film.frames, 100, signal);
  assertEquals(info.of, 12);
  for (const [i, picture] of film.pictures.entries()) assertAlike(await film.frame(i), picture);
});

Deno.test("extractFrames() turns frames as the video asks for", async () => {
  await using film = await filmed(3, turned);
  const info = await extractFrames(film.video, film.frames, 100, signal);
  assertEquals([info.width, info.height], [HEIGHT, WIDTH]);
  assertEquals(info.orientations, [6, 6, 6]);
  // Clockwise: the first row becomes the last column.
  const [picture] = film.pictures;
  const upright = ndarray(new Uint8Array(picture.data.length), [WIDTH, HEIGHT, 3]);
  for (let y = 0; y < WIDTH; y++) {
    for (let x = 0; x < HEIGHT; x++) {
      for (const channel of [0, 1, 2]) {
        upright.set(y, x, channel, picture.get(HEIGHT - 1 - x, y, channel));
      }
    }
  }
  assertAlike(await film.frame(0), upright);
});

/** The video with a quarter turn in its track's matrix (ISO 14496-12, tkhd version 0). */
function turned(mp4: Uint8Array): Uint8Array {
  const at = new TextDecoder("latin1").decode(mp4).indexOf("tkhd") + 4 + 40;
  const view = new DataView(mp4.buffer, mp4.byteOffset, mp4.byteLength);
  const matrix = [0, 1 << 16, 0, -1 << 16, 0, 0, HEIGHT << 16, 0, 1 << 30];
  matrix.forEach((value, i) => view.setInt32(at + 4 * i, value));
  return mp4;
}

Deno.test("extractFrames() says that a video is cut short, has one frame, or is none", async () => {
  const fails = async (film: { video: string; frames: string }, message: string) => {
    await assertRejects(
      () => extractFrames(film.video, film.frames, 100, signal),
      DataError,
      message,
    );
  };
  await using cut = await filmed(9, (mp4) => mp4.subarray(0, mp4.length / 2));
  await fails(cut, "it is damaged or cut short: copy it again");
  const whole = join(cut.folder, "whole.mkv"), half = join(cut.folder, "half.mkv");
  await using good = await filmed(9);
  const copy = ["-v", "error", "-i", `file:${good.video}`, "-c", "copy", whole];
  assertEquals((await runProgram("ffmpeg", copy, { signal })).code, 0);
  const bytes = await Deno.readFile(whole);
  await Deno.writeFile(half, bytes.subarray(0, 0.6 * bytes.length)); // it can be read up to there
  await fails({ video: half, frames: cut.frames }, "it is damaged or cut short: copy it again");
  await using one = await filmed(1);
  await fails(one, "it has 1 frame, wanted 3 or more");
  await using text = await filmed(
    3,
    () => new TextEncoder().encode("no video at all\n".repeat(99)),
  );
  await fails(text, "Cannot read");
});
