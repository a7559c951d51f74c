import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { readImage } from "../../src/data/image.ts";
import { resizeArea, resizeBilinear, resizeLanczos, resizeNearest } from "../../src/data/resize.ts";
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
