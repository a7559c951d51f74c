import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { resizeNearest } from "../../src/data/resize.ts";
import { dilate, erode, open } from "../../src/preparation/morphology.ts";
import { seeded } from "../support/mutations.ts";
import { expectClose, loadCase } from "../support/goldens.ts";

Deno.test("erode(), dilate(), open() and resizeNearest() give the golden masks", async () => {
  const golden = await loadCase("prep/morphology");
  const found: Record<string, NdArray<Uint8Array>> = {};
  for (const [i, name] of golden.inputs.entries()) {
    const { data, shape } = golden.input(name);
    const mask = ndarray(Uint8Array.from(data), shape);
    const [height, width] = shape;
    found[`${i}/erode1`] = erode(mask, 1);
    found[`${i}/dilate1`] = dilate(mask, 1);
    found[`${i}/open1`] = open(mask, 1);
    found[`${i}/dilate2`] = dilate(mask, 2);
    const [newHeight, newWidth] = [Math.floor(2 * height / 3) + 1, Math.floor(5 * width / 4) + 1];
    found[`${i}/nearest`] = resizeNearest(mask, newWidth, newHeight);
  }
  assertEquals(Object.keys(found).sort(), golden.keys.toSorted());
  expectClose(golden, found);
});

Deno.test("dilate() of one pixel is a disk: 5, 13 and 29 places", () => {
  for (const [radius, places] of [[0, 1], [1, 5], [2, 13], [3, 29]]) {
    const mask = ndarray(new Uint8Array(81), [9, 9]);
    mask.set(4, 4, 200);
    assertEquals(dilate(mask, radius).data.reduce((sum, value) => sum + value), places);
    mask.set(4, 4, 0);
    mask.set(0, 0, 1);
    const corner = { 0: 1, 1: 3, 2: 6, 3: 11 }[radius];
    assertEquals(dilate(mask, radius).data.reduce((sum, value) => sum + value), corner);
  }
});

Deno.test("erode() is dilate() of what is out, at odd sizes", () => {
  const random = seeded(3);
  for (const [height, width] of [[1, 1], [1, 63], [65, 2], [31, 17]]) {
    const mask = ndarray(
      Uint8Array.from({ length: height * width }, () => random() < 0.7 ? 255 : 0),
      [height, width],
    );
    const out = ndarray(mask.data.map((value) => value ? 0 : 1), [height, width]);
    for (const radius of [1, 2]) {
      const complement = dilate(out, radius).data.map((value) => 1 - value);
      assertEquals(erode(mask, radius).data, complement);
      const opened = open(mask, radius);
      assertEquals(open(opened, radius), opened, "opening twice is opening once");
    }
  }
});
