import { assert, assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import {
  preparationPreview,
  previewFrames,
  type PreviewRow,
} from "../../src/preparation/preview.ts";

function row(height: number, width: number, disparitySize: [number, number]): PreviewRow {
  const pixels = height * width;
  const [h, w] = disparitySize;
  return {
    name: "000.png",
    image: ndarray(new Uint8Array(pixels * 3).fill(100), [height, width, 3]),
    inverseDepth: ndarray(Float32Array.from({ length: h * w }, (_, i) => i), disparitySize),
    flow: ndarray(new Float32Array(pixels * 2).fill(1), [height, width, 2]),
    valid: ndarray(new Uint8Array(pixels).fill(1), [height, width]),
    mask: ndarray(Uint8Array.from({ length: pixels }, (_, i) => i % 4 ? 0 : 255), [height, width]),
  };
}

Deno.test("preparationPreview() tells frames, inverse depth of another size, flow and masks apart", () => {
  const has = (sheet: NdArray<Uint8Array>, [r, g, b]: number[]) => {
    const { data } = sheet;
    for (let i = 0; i < data.length; i += 3) {
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b) return true;
    }
    return false;
  };
  const frame = row(60, 240, [30, 120]);
  const heading = { title: "scene" };
  const sheet = preparationPreview([frame, frame], heading);
  const tinted = [0.6 * 100 + 0.4 * 255, 0.6 * 100 + 0.4 * 40].map(Math.floor);
  assert(
    has(sheet, [100, 100, 100]) && has(sheet, [35, 35, 35]),
    "frame, and its still part dimmed",
  );
  assert(has(sheet, [tinted[0], tinted[1], tinted[1]]), "its moving part tinted");
  assert(has(sheet, [252, 255, 164]) && has(sheet, [0, 0, 4]), "nearest and farthest");
  const [height, width] = sheet.shape;
  assert(width > 4 * 240 && height > 2 * 60, `${width} x ${height}`);
  const invalid = { ...frame, valid: ndarray(new Uint8Array(60 * 240), [60, 240]) };
  assert(preparationPreview([invalid], heading).data.some((value) => value !== 0));
  const wide = preparationPreview([row(100, 960, [50, 480])], heading);
  assert(wide.shape[1] < 4 * 600, `large frames are shrunk: ${wide.shape}`);
  assertThrows(() => preparationPreview([], heading), RangeError, "of 0 rows");
});

Deno.test("previewFrames() are a few, from the first to the last", () => {
  assertEquals(previewFrames(12), [0, 4, 7, 11]);
  assertEquals(previewFrames(3), [0, 1, 2]);
  assertEquals(previewFrames(1), [0]);
});
