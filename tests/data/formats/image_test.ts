import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import { decodeImage, readImage } from "../../../src/data/formats/image.ts";
import { fixture } from "../temporary_folder.ts";

Deno.test("decodeImage() goes by the first bytes, not by the name", async () => {
  const png = await Deno.readFile(fixture("data/png_rgb.png"));
  assertEquals((await decodeImage(png, "frame.jpg")).shape, [3, 5, 3]);
  const jpeg = await Deno.readFile(fixture("data/jpeg_420.jpg"));
  assertEquals((await decodeImage(jpeg, "frame.png")).shape, [23, 37, 3]);
  await assertRejects(
    () => decodeImage(new TextEncoder().encode("GIF89a"), "x.png"),
    DataError,
    'Cannot read "x.png": it is neither a PNG nor a JPEG',
  );
});

Deno.test("readImage() names a missing file", async () => {
  await assertRejects(() => readImage("no/such.png"), DataError, 'Cannot read "no/such.png"');
});
