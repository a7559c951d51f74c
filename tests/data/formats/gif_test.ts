import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { encodeGif } from "../../../src/data/formats/gif.ts";
import { movingPictures, readGif, worstPsnr } from "../../support/films.ts";

Deno.test("encodeGif() makes a film that another decoder shows as the pictures it was made of", async () => {
  for (const [width, height] of [[96, 54], [17, 11], [1, 1]]) {
    const pictures = movingPictures(7, width, height);
    const { pictures: read, seconds } = readGif(await encodeGif(pictures, 12));
    assertEquals(read.map(({ shape }) => `${shape}`), pictures.map(({ shape }) => `${shape}`));
    const worst = worstPsnr(read, pictures);
    assert(worst > 32, `${width} x ${height}: ${worst} dB`);
    for (const second of seconds) assertAlmostEquals(second, 1 / 12, 0.01);
  }
});

Deno.test("encodeGif() rounds times to hundredths of a second that add up", async () => {
  const { seconds } = readGif(await encodeGif(movingPictures(30, 2, 2), 30));
  assertEquals(new Set(seconds), new Set([0.03, 0.04]));
  assertAlmostEquals(seconds.reduce((sum, second) => sum + second), 1, 1e-9);
});

Deno.test("encodeGif() gives what stands still one color in all pictures", async () => {
  const pictures = movingPictures(4, 64, 64);
  for (const { data } of pictures) data.set(pictures[0].data.subarray(0, 64 * 32 * 3));
  const { pictures: read } = readGif(await encodeGif(pictures, 10));
  const still = read.map(({ data }) => data.slice(0, 64 * 32 * 3));
  for (const other of still) assertEquals(other, still[0]);
});

Deno.test("encodeGif() gives equal bytes for equal pictures, read from an iterable twice", async () => {
  const pictures = movingPictures(3, 16, 16);
  const bytes = await encodeGif(pictures, 10);
  assertEquals(
    await encodeGif({
      async *[Symbol.asyncIterator]() {
        yield* pictures;
      },
    }, 10),
    bytes,
  );
});

Deno.test("encodeGif() refuses more pictures a second than GIF has, pictures of several sizes, and none", async () => {
  const [picture] = movingPictures(1, 8, 8);
  const cases: [() => Promise<unknown>, string][] = [
    [
      () => encodeGif([picture], 60),
      "Cannot make a GIF of 60 pictures a second: wanted at most 50",
    ],
    [
      () => encodeGif([picture, ...movingPictures(1, 8, 10)], 10),
      "Cannot make a film: a picture is (10,8,3), the first one (8,8,3)",
    ],
    [() => encodeGif([], 10), "Cannot make a film of no pictures"],
    [() => encodeGif([picture].values(), 10), "can be gone through only once"],
  ];
  for (const [make, message] of cases) await assertRejects(make, RangeError, message);
});
