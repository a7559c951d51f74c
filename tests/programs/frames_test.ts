import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { DataError } from "../../src/data/files.ts";
import { readImage } from "../../src/data/formats/image.ts";
import { encodePng } from "../../src/data/formats/png.ts";
import { encodeMp4 } from "../../src/data/formats/mp4.ts";
import { psnr } from "../../src/evaluation/psnr.ts";
import { complaintsOfPictures, extractFrames, tellFrames } from "../../tasks/prepare/frames.ts";
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

/** ffmpeg on a film, to another file beside it. */
async function converted(film: { folder: string; video: string }, name: string, args: string[]) {
  const path = join(film.folder, name);
  const { code, lines } = await runProgram("ffmpeg", [
    ...["-v", "error", "-i", `file:${film.video}`],
    ...args,
    path,
  ], { signal });
  assertEquals([code, lines], [0, []]);
  return path;
}

for (const [name, transfer] of [["HLG", "arib-std-b67"], ["PQ", "smpte2084"]] as const) {
  Deno.test(`extractFrames() maps ${name} to the colors of screens`, async () => {
    await using film = await filmed(3);
    const wanted = join(film.folder, "wanted");
    await Deno.mkdir(wanted);
    for (const [i, picture] of film.pictures.entries()) {
      await Deno.writeFile(join(wanted, `${i}.png`), encodePng(picture));
    }
    // Diffuse white of 203 cd/m², as BT.2408 has it; without loss, in 10 bits.
    const high = join(film.folder, "high.mkv");
    const made = await runProgram("ffmpeg", [
      ...["-v", "error", "-i", `file:${wanted.replaceAll("%", "%%")}/%d.png`, "-vf"],
      "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709," +
      "zscale=tin=bt709:pin=bt709:min=bt709:rin=limited:t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020," +
      `zscale=t=${transfer}:m=bt2020nc:r=limited:npl=203,format=yuv444p10le`,
      ...`-c:v ffv1 -color_trc ${transfer}`.split(" "),
      ...(name === "PQ" ? "-color_primaries bt2020 -colorspace bt2020nc".split(" ") : []), // not all files say it
      `file:${high}`,
    ], { signal });
    assertEquals([made.code, made.lines], [0, []]);
    const info = await extractFrames(high, film.frames, 100, signal);
    assertEquals([info.toneMapped, info.of], [name, 3]);
    assertEquals(
      tellFrames(info),
      `3 of ${WIDTH} x ${HEIGHT}, ${name} mapped to the colors of screens`,
    );
    for (const [i, { data }] of film.pictures.entries()) {
      const found = await film.frame(i);
      const sum = found.data.reduce((sum, value, at) => sum + Math.abs(value - data[at]), 0);
      assert(sum / data.length < 4, `frame ${i} is off by ${sum / data.length} of 255`);
    }
  });
}

Deno.test("extractFrames() takes a video whose sound is damaged, and no frame less", async () => {
  await using film = await filmed(9);
  const sound = "-f lavfi -i sine=duration=0.9 -c:v copy -c:a aac -map 0:v -map 1:a".split(" ");
  const whole = await converted(film, "sound.mp4", sound);
  const noisy = "-c copy -bsf:a noise=amount=20".split(" ");
  const bad = await converted({ ...film, video: whole }, "bad sound.mp4", noisy);
  const { complaints } = await runProgram(
    "ffprobe",
    ["-v", "error", "-count_frames", "-show_streams", "-i", `file:${bad}`],
    { signal },
  );
  assert(complaints.length > 0, "its sound is damaged");
  assertEquals((await extractFrames(bad, film.frames, 100, signal)).of, 9);
  for (const [i, picture] of film.pictures.entries()) assertAlike(await film.frame(i), picture);
});

Deno.test("complaintsOfPictures() leaves out sound and what cut streams make decoders say", () => {
  const bad = "[h264 @ 0x55] error while decoding MB 3 4, bytestream -5";
  assertEquals(
    complaintsOfPictures([
      "[aac @ 0x55] Number of bands (56) exceeds limit (43).",
      "[mp3float @ 0x55] Header missing",
      "[h264 @ 0x55] mmco: unref short failure",
      "    Last message repeated 3 times",
      bad,
    ]),
    [bad],
  );
});

Deno.test("extractFrames() opens nothing for a playlist that is called a video", async () => {
  await using film = await filmed(3);
  let requests = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    requests++;
    return new Response("");
  });
  const address = `http://127.0.0.1:${server.addr.port}/part.ts`;
  const lists = {
    hls:
      `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${address}\n#EXT-X-ENDLIST\n`,
    hlsOfFiles:
      `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:${film.video}\n#EXT-X-ENDLIST\n`,
    concat: `ffconcat version 1.0\nfile '${film.video}'\nfile '${address}'\n`,
    sdp:
      `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
  };
  for (const [name, text] of Object.entries(lists)) {
    const path = join(film.folder, `${name}.mp4`);
    await Deno.writeTextFile(path, text);
    await assertRejects(
      () => extractFrames(path, film.frames, 100, signal),
      DataError,
      "Cannot read",
    );
  }
  assertEquals(requests, 0);
});
