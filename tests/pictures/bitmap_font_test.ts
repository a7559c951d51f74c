import { assert, assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { drawText, textUnits } from "../../src/pictures/bitmap_font.ts";

function drawn(text: string, width: number, height: number, unit = 1): string[] {
  const picture = ndarray(new Uint8Array(width * height * 3).fill(255), [height, width, 3]);
  drawText(picture, text, 0, 0, unit, 0);
  return Array.from(
    { length: height },
    (_, y) =>
      Array.from({ length: width }, (_, x) => picture.get(y, x, 1) < 128 ? "#" : ".").join(""),
  );
}

Deno.test("drawText() draws the letters' bits at one pixel a unit", () => {
  assertEquals(drawn("L1.", 12, 8), [
    "#......#....",
    "#.....##....",
    "#......#....",
    "#......#....",
    "#......#....",
    "#......#....",
    "#####.###.#.",
    "............",
  ]);
  assertEquals(drawn("gy", 11, 8).slice(-2), ["....#.....#", ".###...###."]); // descenders
});

Deno.test("textUnits() is the width that drawText() fills", () => {
  assertEquals([textUnits("L1."), textUnits("a b"), textUnits("")], [11, 14, 0]);
});

Deno.test("every printable ASCII character has its own glyph", () => {
  const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  assertEquals(new Set(printable.map((c) => drawn(c, 5, 8).join("\n"))).size, 94);
  assertEquals(drawn("é", 5, 8), drawn("?", 5, 8));
});

Deno.test("drawText() is cut off at the edges and blends over what is there", () => {
  assert(drawn("WWWW", 3, 3).some((row) => row.includes("#")));
  const picture = ndarray(new Uint8Array(4 * 4 * 3).fill(100), [4, 4, 3]);
  drawText(picture, "-", -2, -2, 1, 200); // the dash lies in row 3, columns 0..3
  assertEquals(picture.get(1, 0, 0), 200);
  assertEquals(picture.get(3, 3, 0), 100);
});
