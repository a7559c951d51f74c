import { assert, assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import {
  contactSheet,
  type ContactSheetRow,
  drawFigure,
} from "../../src/pictures/contact_sheet.ts";

function solid(height: number, width: number, rgb: number[]): NdArray<Uint8Array> {
  const bytes = Uint8Array.from({ length: height * width * 3 }, (_, i) => rgb[i % 3]);
  return ndarray(bytes, [height, width, 3]);
}

/** Box [left, top, right, bottom] of the pixels of one color, inclusive, and how many they are. */
function find(sheet: NdArray<Uint8Array>, rgb: number[]): { box: number[]; pixels: number } {
  const [height, width] = sheet.shape;
  const box = [Infinity, Infinity, -1, -1];
  let pixels = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (rgb.some((value, channel) => sheet.get(y, x, channel) !== value)) continue;
      pixels++;
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    }
  }
  return { box, pixels };
}

Deno.test("drawFigure() magnifies pictures by a whole factor and aligns rows and columns", () => {
  const colors = [[200, 0, 0], [0, 200, 0], [0, 0, 200], [200, 200, 0]];
  const [a, b, c, d] = colors.map((rgb) => solid(4, 60, rgb)); // 240 / 60: factor 4
  const sheet = drawFigure({
    title: "Title",
    columns: [{ title: "left", note: "" }, { title: "right", note: "note" }],
    rows: [{ label: ["one"], pictures: [a, b] }, { label: ["two"], pictures: [c, d] }],
  });
  const found = colors.map((rgb) => find(sheet, rgb));
  for (const { box: [left, top, right, bottom], pixels } of found) {
    assertEquals([right - left + 1, bottom - top + 1, pixels], [240, 16, 240 * 16]);
  }
  const [boxA, boxB, boxC, boxD] = found.map(({ box }) => box);
  assertEquals([boxA[1], boxA[0]], [boxB[1], boxC[0]]);
  assertEquals([boxD[1], boxD[0]], [boxC[1], boxB[0]]);
  assert(boxB[0] > boxA[2] + 1 && boxC[1] > boxA[3] + 1);
});

Deno.test("drawFigure() leaves large pictures as they are and centres narrow rows", () => {
  const sheet = drawFigure({
    title: "",
    columns: [{ title: "", note: "" }],
    rows: [
      { label: [], pictures: [solid(5, 400, [9, 9, 9])] },
      { label: [], pictures: [solid(5, 200, [7, 7, 7])] },
    ],
  });
  const wide = find(sheet, [9, 9, 9]).box, narrow = find(sheet, [7, 7, 7]).box;
  assertEquals([wide[2] - wide[0], narrow[2] - narrow[0]], [399, 199]);
  assertEquals(narrow[0] - wide[0], 100);
});

Deno.test("drawFigure() refuses rows that do not fit the columns", () => {
  const columns = [{ title: "a", note: "" }, { title: "b", note: "" }];
  const figure = (pictures: NdArray<Uint8Array>[]) =>
    drawFigure({ title: "", columns, rows: [{ label: ["row 1"], pictures }] });
  assertThrows(() => figure([solid(2, 2, [0, 0, 0])]), RangeError, `"row 1": it has 1 pictures`);
  assertThrows(
    () => figure([solid(2, 2, [0, 0, 0]), solid(2, 3, [0, 0, 0])]),
    RangeError,
    "a picture is (2,3,3)",
  );
  assertThrows(() => drawFigure({ title: "", columns, rows: [] }), RangeError, "0 rows");
});

/** A view whose layers are flat and give eight different colors. */
function row(time: number): ContactSheetRow {
  const fill = (shape: number[], value: number) =>
    ndarray(new Float32Array(shape.reduce((a, b) => a * b)).fill(value), shape);
  return {
    scene: "Balloon1",
    time,
    camera: 4,
    psnr: 24.3,
    truth: solid(3, 240, [40, 40, 43]),
    color: fill([3, 240, 3], 0.4),
    colorStatic: fill([3, 240, 3], 0.6),
    colorDynamic: fill([3, 240, 3], 0.8),
    depthNdc: fill([3, 240], 1),
    dynamicness: fill([3, 240], 0.2),
    flowPixels: fill([3, 240, 2], 2),
  };
}

Deno.test("contactSheet() shows each layer in its column, from truth to error", () => {
  const sheet = contactSheet([row(0), row(1)], { title: "balloon", subtitle: "held-out views" });
  const layers = [
    [40, 40, 43], // truth
    [102, 102, 102], // 0.4 · 255
    [153, 153, 153],
    [204, 204, 204],
    [0, 0, 4], // far
    [51, 51, 51], // dynamicness 0.2
    [255, 114, 0], // down and right: 6.75 of 15 steps from red to yellow
    [223, 227, 40], // error 61 of 64: 8.58 of 9 steps
  ];
  const [truth, error] = [layers[0], layers[7]].map((rgb) => find(sheet, rgb));
  assertEquals([truth.pixels, error.pixels], [2 * 3 * 240, 2 * 3 * 240]);
  const [left, top] = truth.box, step = (error.box[0] - left) / 7;
  const shown = layers.map((_, column) =>
    [0, 1, 2].map((channel) => sheet.get(top, left + 120 + column * step, channel))
  );
  assertEquals(shown, layers);
});
