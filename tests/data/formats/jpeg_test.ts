import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import { decodeJpeg } from "../../../src/data/formats/jpeg.ts";
import { decodePng } from "../../../src/data/formats/png.ts";
import { fixture } from "../temporary_folder.ts";

Deno.test("decodeJpeg() decodes baseline, progressive and gray files as libjpeg does", async () => {
  for (const name of ["420", "progressive", "gray"]) {
    const image = await decodeJpeg(await Deno.readFile(fixture(`data/jpeg_${name}.jpg`)), name);
    const expected = decodePng(await Deno.readFile(fixture(`data/jpeg_${name}.png`)), name);
    assertEquals(image.shape, expected.shape);
    assertEquals(image.data, expected.data, name);
  }
});

Deno.test("decodeJpeg() refuses cut and damaged files, and decodes the next one", async () => {
  const bytes = await Deno.readFile(fixture("data/jpeg_420.jpg"));
  const fails = (bytes: Uint8Array, message: string) =>
    assertRejects(() => decodeJpeg(bytes, "a.jpg"), DataError, `Cannot read "a.jpg": ${message}`);
  await fails(bytes.subarray(1), "it does not start like a JPEG");
  await fails(bytes.subarray(0, 100), "the file is damaged or cut short");
  await fails(bytes.subarray(0, 800), "the file is damaged or cut short");
  const noTables = bytes.slice();
  noTables[bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc4) + 4] = 0xff;
  await fails(noTables, "the file is damaged or cut short");
  const huge = bytes.slice();
  const frame = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
  huge.set([0xff, 0xff, 0xff, 0xff], frame + 5);
  await fails(huge, "a size of 65535 x 65535 cannot be true");
  assertEquals((await decodeJpeg(bytes, "a.jpg")).shape, [23, 37, 3]);
});

Deno.test("decodeJpeg() tells the damage of files decoded at the same time apart", async () => {
  const bytes = await Deno.readFile(fixture("data/jpeg_420.jpg"));
  const results = await Promise.allSettled([
    decodeJpeg(bytes, "good"),
    decodeJpeg(bytes.subarray(0, 800), "cut"),
    decodeJpeg(bytes, "good"),
  ]);
  assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
});

Deno.test("decodeJpeg() refuses the colors of printers by their name", async () => {
  const bytes = await Deno.readFile(fixture("data/jpeg_420.jpg"));
  const header = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
  bytes[header + 9] = 4; // components
  await assertRejects(
    () => decodeJpeg(bytes, "a.jpg"),
    DataError,
    "its colors are CMYK, for printing; save it as RGB (mogrify -colorspace sRGB FILE)",
  );
});
