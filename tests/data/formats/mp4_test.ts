import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { encodeMp4 } from "../../../src/data/formats/mp4.ts";
import { movingPictures, parseMp4, readMp4, worstPsnr } from "../../support/films.ts";

Deno.test("encodeMp4() makes a film that another decoder shows as the pictures it was made of", async () => {
  const pictures = movingPictures(35, 96, 54); // more than one group of pictures
  const { pictures: read, seconds } = await readMp4(await encodeMp4(pictures, 12));
  assertEquals(read.map(({ shape }) => `${shape}`), pictures.map(() => "54,96,3"));
  const worst = worstPsnr(read, pictures);
  assert(worst > 35, `${worst} dB`);
  for (const second of seconds) assertAlmostEquals(second, 1 / 12, 1e-4);
});

Deno.test("encodeMp4() makes odd sizes even, and keeps what they show", async () => {
  for (const [width, height] of [[1, 1], [17, 11], [63, 36], [64, 35]]) {
    const pictures = movingPictures(2, width, height);
    const { pictures: read } = await readMp4(await encodeMp4(pictures, 30));
    assertEquals(
      read.map(({ shape }) => shape),
      [0, 1].map(() => [height + height % 2, width + width % 2, 3]),
    );
    const worst = worstPsnr(read, pictures);
    assert(worst > 32, `${width} x ${height}: ${worst} dB`);
  }
});

Deno.test("encodeMp4() says which colors it means, as players expect of the size: BT.601, from 720 rows on BT.709", async () => {
  for (const [height, matrix] of [[718, 6], [720, 1]]) {
    const pictures = movingPictures(1, 16, height);
    const bytes = await encodeMp4(pictures, 30);
    const [{ colr }] = parseMp4(bytes).track.mdia.minf.stbl.stsd.entries;
    assertEquals([colr.colour_type, colr.matrix_coefficients, colr.full_range_flag], [
      "nclx",
      matrix,
      0,
    ]);
    const worst = worstPsnr((await readMp4(bytes)).pictures, pictures);
    assert(worst > 35, `${worst} dB`);
  }
});

Deno.test("encodeMp4() has no date in its films, so that equal pictures give equal bytes", async () => {
  const pictures = movingPictures(3, 16, 16);
  const bytes = await encodeMp4(pictures, 30);
  assertEquals(parseMp4(bytes).dates, [0, 0, 0, 0, 0, 0]);
  assertEquals(await encodeMp4(pictures, 30), bytes);
});

Deno.test("encodeMp4() refuses pictures of several sizes, none, and parts of pictures a second", async () => {
  const pictures = [...movingPictures(1, 8, 8), ...movingPictures(1, 8, 10)];
  await assertRejects(
    () => encodeMp4(pictures, 30),
    RangeError,
    "Cannot make a film: a picture is (10,8,3), the first one (8,8,3)",
  );
  await assertRejects(() => encodeMp4([], 30), RangeError, "Cannot make a film of no pictures");
  for (const fps of [12.5, 0, NaN]) {
    await assertRejects(
      () => encodeMp4(pictures, fps),
      RangeError,
      `film of ${fps} pictures a second`,
    );
  }
});
