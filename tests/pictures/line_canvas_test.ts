import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { LineCanvas, type LinePoint } from "../../src/pictures/line_canvas.ts";

const grey = (width: number, height: number, value = 100) =>
  ndarray(new Uint8Array(width * height * 3).fill(value), [height, width, 3]);
const point = (x: number, y: number, time = 0): LinePoint => ({ x, y, time });
/** How much ink there is in all, in pixels, of white lines on black. */
const ink = ({ data }: NdArray<Uint8Array>) =>
  data.reduce((sum, value) => sum + value, 0) / 3 / 255;

function drawn(width: number, height: number, points: readonly LinePoint[], radius: number) {
  const canvas = new LineCanvas(grey(width, height, 0));
  canvas.draw(points, radius, () => [255, 255, 255]);
  return canvas.picture();
}

Deno.test("LineCanvas gives the picture back that nothing is drawn on, and leaves that one alone", () => {
  const picture = ndarray(Uint8Array.from({ length: 5 * 7 * 3 }, (_, i) => 7 * i % 256), [5, 7, 3]);
  const before = picture.data.slice();
  const canvas = new LineCanvas(picture);
  assertEquals(canvas.picture().data, before);
  canvas.draw([point(3, 2)], 2, () => [255, 0, 0]);
  assertEquals(picture.data, before);
});

Deno.test("LineCanvas tones colors down to their grey, and darker", () => {
  const red = ndarray(Uint8Array.of(200, 0, 0), [1, 1, 3]);
  const tone = (saturation: number, brightness: number) => [
    ...new LineCanvas(red, { saturation, brightness }).picture().data,
  ];
  assertEquals(tone(0, 1), [43, 43, 43]); // 0.2126 · 200
  assertEquals(tone(1, 0.5), [100, 0, 0]);
});

Deno.test("LineCanvas draws a line as wide as asked for at any angle, with smooth edges", () => {
  for (const radius of [0.5, 1.2, 3]) {
    for (const angle of [0, 0.3, Math.PI / 4, 1.2, Math.PI / 2]) {
      const [dx, dy] = [12 * Math.cos(angle), 12 * Math.sin(angle)];
      const picture = drawn(
        61,
        61,
        [point(30.2 - dx, 30.4 - dy), point(30.2 + dx, 30.4 + dy)],
        radius,
      );
      const area = 24 * 2 * radius + Math.PI * radius ** 2; // with round ends
      assertAlmostEquals(ink(picture) / area, 1, 0.06, `radius ${radius}, angle ${angle}`);
    }
  }
});

Deno.test("LineCanvas moves a dot by parts of a pixel", () => {
  for (const shift of [0, 0.25, 0.5, 0.9]) {
    const { data } = drawn(15, 15, [point(7 + shift, 7)], 2);
    let mass = 0, moment = 0;
    data.forEach((value, i) => {
      mass += value;
      moment += value * (Math.floor(i / 3) % 15);
    });
    assertAlmostEquals(moment / mass, 7 + shift, 0.02);
  }
});

Deno.test("LineCanvas covers a pixel once where a line bends or comes back", () => {
  const canvas = new LineCanvas(grey(21, 21));
  const path = [point(2, 10), point(10, 10), point(18, 10), point(3, 10)];
  canvas.draw(path, 1.5, () => [0, 0, 0], 0.5);
  assertEquals(canvas.picture().get(10, 10, 0), 50);
});

Deno.test("LineCanvas colors a line by its times", () => {
  const canvas = new LineCanvas(grey(21, 5));
  canvas.draw([point(0, 2, 10), point(20, 2, 30)], 1, ({ time }) => [time, 0, 0]);
  const picture = canvas.picture();
  for (const x of [0, 5, 10, 20]) assertEquals(picture.get(2, x, 0), 10 + x);
});

Deno.test("LineCanvas draws nothing outside of the picture", () => {
  assertEquals(ink(drawn(9, 9, [point(-20, 4), point(-5, 4)], 2)), 0);
  assertEquals(ink(drawn(9, 9, [point(4, 1e7)], 2)), 0);
  const across = drawn(9, 9, [point(-1e4, 4), point(1e4, 4)], 0.5);
  assert(Math.abs(ink(across) - 9) < 0.1);
});
