import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { readImage } from "../../src/data/formats/image.ts";
import {
  resizeArea,
  resizeBilinear,
  resizeCubic,
  resizeLanczos,
  resizeNearest,
} from "../../src/data/resize.ts";
import { expectClose, goldensDirectory, loadCase } from "../support/goldens.ts";

Deno.test("resizeArea() halves as OpenCV does (golden scene_io)", async () => {
  const halves: number[] = [];
  for (let frame = 0; frame < 4; frame++) {
    const path = join(goldensDirectory(), "scene_io", "scene", "images", `00${frame}.png`);
    halves.push(...resizeArea(await readImage(path), 32, 18).data);
  }
  expectClose(await loadCase("scene_io"), { images_2_area: halves }, 1);
});

const ramp = (height: number, width: number) =>
  ndarray(Float32Array.from({ length: height * width }, (_, i) => i), [height, width]);

Deno.test("resizeNearest() takes source index floor(i old / new)", () => {
  const resized = resizeNearest(ramp(1, 7), 3, 1);
  assertEquals([...resized.data], [0, 2, 4]);
  assertEquals([...resizeNearest(ramp(2, 2), 4, 3).data], [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3]);
  const pairs = ndarray(Uint8Array.of(1, 2, 3, 4), [1, 2, 2]);
  assertEquals([...resizeNearest(pairs, 1, 1).data], [1, 2]);
});

Deno.test("resizeBilinear() interpolates between pixel centres and clamps at the edges", () => {
  assertEquals([...resizeBilinear(ramp(1, 2), 4, 1).data], [0, 0.25, 0.75, 1]);
  assertEquals([...resizeBilinear(ramp(1, 4), 2, 1).data], [0.5, 2.5]);
  assertEquals([...resizeBilinear(ramp(1, 6), 2, 1).data], [1, 4]); // no smoothing
  assertEquals([...resizeBilinear(ramp(1, 1), 3, 2).data], [0, 0, 0, 0, 0, 0]);
});

Deno.test("resizeCubic() keeps what has the size already, and repeats the edges", () => {
  assertEquals(resizeCubic(ramp(5, 7), 7, 5).data, ramp(5, 7).data);
  for (const [width, height] of [[1, 1], [2, 3], [9, 4]]) {
    const flat = ndarray(new Uint8Array(width * height).fill(9), [height, width]);
    for (const value of resizeCubic(flat, 5, 7).data) assertAlmostEquals(value, 9, 1e-6);
  }
  // a share of 3/4 from the edge's own pixel, then of 1/4: the kernel at 5/4, and its parts at 3/4 and 7/4
  const step = ndarray(Float32Array.of(0, 0, 1, 1), [1, 4]);
  const risen = resizeCubic(step, 8, 1).data.subarray(2, 4);
  assertEquals([...risen], [-27 / 256, 67 / 256 - 9 / 256]);
});

Deno.test("resizeArea() rounds the mean of 2 x 2 pixels half up", () => {
  const image = ndarray(Uint8Array.of(0, 1, 10, 10, 0, 1, 11, 10), [2, 4]);
  assertEquals([...resizeArea(image, 2, 1).data], [1, 10]);
});

Deno.test("resizeArea() weights pixels by the covered part", () => {
  const image = ndarray(Uint8Array.of(30, 60, 90), [1, 3]);
  assertEquals([...resizeArea(image, 2, 1).data], [40, 80]);
});

Deno.test("resizeLanczos() keeps flat areas and smooths away what is too fine", () => {
  const flat = ndarray(new Uint8Array(20 * 30 * 3).fill(77), [20, 30, 3]);
  assert(resizeLanczos(flat, 7, 5).data.every((value) => value === 77));
  const stripes = ndarray(
    Uint8Array.from({ length: 64 * 64 }, (_, i) => i % 2 ? 200 : 100),
    [64, 64],
  );
  const small = resizeLanczos(stripes, 16, 16).data;
  for (let x = 3; x < 13; x++) assertAlmostEquals(small[8 * 16 + x], 150, 3);
});
