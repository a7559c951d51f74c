import { assert, assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { exifOrientation, type Orientation, upright } from "../../../src/data/formats/exif.ts";
import { decodeJpeg } from "../../../src/data/formats/jpeg.ts";
import { decodePng } from "../../../src/data/formats/png.ts";
import { withOrientation } from "../../support/exif.ts";
import { fixture } from "../temporary_folder.ts";

const ORIENTATIONS: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];
const jpeg = await Deno.readFile(fixture("data/jpeg_420.jpg"));

Deno.test("exifOrientation() reads both byte orders, and 1 where there is none or it cannot be", () => {
  assertEquals(exifOrientation(jpeg), 1);
  for (const orientation of ORIENTATIONS) {
    assertEquals(exifOrientation(withOrientation(jpeg, orientation, "II")), orientation);
    assertEquals(exifOrientation(withOrientation(jpeg, orientation, "MM")), orientation);
  }
  assertEquals(exifOrientation(withOrientation(jpeg, 0, "II")), 1);
  assertEquals(exifOrientation(withOrientation(jpeg, 9, "MM")), 1);
  const whole = withOrientation(jpeg, 6, "MM");
  for (let end = 0; end < 32; end++) assertEquals(exifOrientation(whole.subarray(0, end)), 1);
  assertEquals(exifOrientation(whole.subarray(0, 32)), 6);
});

Deno.test("upright() turns a file as Pillow's exif_transpose() does", async () => {
  const bytes = await Deno.readFile(fixture("data/exif.jpg"));
  const wanted = decodePng(await Deno.readFile(fixture("data/exif.png")), "exif.png");
  const image = upright(await decodeJpeg(bytes, "exif.jpg"), exifOrientation(bytes));
  assertEquals(image.shape, wanted.shape);
  const off = image.data.findIndex((value, i) => value !== wanted.data[i]);
  assertEquals(off, -1, `value ${off} is another`); // not the arrays: their difference takes gigabytes to print
});

Deno.test("withOrientation() leaves a JPEG that decodes to the same", async () => {
  const turned = await decodeJpeg(withOrientation(jpeg, 6, "II"), "turned");
  const stored = await decodeJpeg(jpeg, "stored");
  assert(turned.data.every((value, i) => value === stored.data[i]));
});

Deno.test("upright() puts the stored first row and column where EXIF says that the eye sees them", () => {
  const [height, width] = [3, 4];
  const stored = ndarray(new Uint8Array(height * width * 3), [height, width, 3]);
  for (let x = 0; x < width; x++) stored.set(0, x, 0, 200 + x); // red: the first row
  for (let y = 0; y < height; y++) stored.set(y, 0, 1, 100 + y); // green: the first column
  // EXIF 2.32, table 6: where the 0th row, and the 0th column, are seen.
  const seen: Record<Orientation, [row: string, column: string]> = {
    1: ["top", "left"],
    2: ["top", "right"],
    3: ["bottom", "right"],
    4: ["bottom", "left"],
    5: ["left", "top"],
    6: ["right", "top"],
    7: ["right", "bottom"],
    8: ["left", "bottom"],
  };
  for (const orientation of ORIENTATIONS) {
    const image = upright(stored, orientation);
    const [rows, columns] = image.shape;
    assertEquals([rows, columns], orientation >= 5 ? [width, height] : [height, width]);
    const sides: Record<string, (channel: number) => boolean> = {
      top: (channel) => range(columns).every((x) => image.get(0, x, channel) > 0),
      bottom: (channel) => range(columns).every((x) => image.get(rows - 1, x, channel) > 0),
      left: (channel) => range(rows).every((y) => image.get(y, 0, channel) > 0),
      right: (channel) => range(rows).every((y) => image.get(y, columns - 1, channel) > 0),
    };
    const marked = (channel: number) => Object.keys(sides).filter((side) => sides[side](channel));
    assertEquals([marked(0), marked(1)].flat(), seen[orientation], `${orientation}`);
  }
});

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
