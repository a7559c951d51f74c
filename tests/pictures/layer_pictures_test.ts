import { assert, assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import {
  depthPicture,
  differencePicture,
  dynamicnessPicture,
  flowPicture,
  flowRadius,
  to8bit,
} from "../../src/pictures/layer_pictures.ts";

const layer = (values: number[], channels: number[] = []) =>
  ndarray(Float32Array.from(values), [1, values.length / (channels[0] ?? 1), ...channels]);
const pixels = (picture: NdArray<Uint8Array>) =>
  Array.from({ length: picture.shape[1] }, (_, x) => [0, 1, 2].map((c) => picture.get(0, x, c)));

Deno.test("to8bit() is floor(255 x), clamped", () => {
  const values = layer([-1, 0, 0.5, 0.9999, 1, 7, NaN]);
  assertEquals([...to8bit(values).data], [0, 0, 127, 254, 255, 255, 0]);
  assertEquals(to8bit(values).shape, [1, 7]);
});

Deno.test("to8bit() gives every byte back", () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  assertEquals([...to8bit(layer(bytes.map((byte) => byte / 255))).data], bytes);
});

Deno.test("to8bit() reads a frame picked from a stack", () => {
  const stack = ndarray(Float32Array.of(0, 0, 1, 0.5), [2, 1, 2]);
  assertEquals([...to8bit(stack.pick(1)).data], [255, 127]);
});

Deno.test("depthPicture() is bright near and dark far, falling in between", () => {
  const picture = depthPicture(layer([0, 1, 2, -1]));
  const [near, far, beyond, before] = pixels(picture);
  assertEquals([near, far, beyond, before], [[252, 255, 164], [0, 0, 4], far, near]);
  const ramp = pixels(depthPicture(layer(Array.from({ length: 50 }, (_, i) => i / 49))));
  const lightness = ramp.map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
  assert(lightness.every((value, i) => i === 0 || value < lightness[i - 1]));
});

Deno.test("depthPicture() stretches the range that is asked for", () => {
  const whole = depthPicture(layer([0, 0.5, 1]));
  assertEquals(
    depthPicture(layer([0.6, 0.75, 0.9]), [0.6, 0.9]).data.slice(0, 3),
    whole.data.slice(0, 3),
  );
  assertEquals(pixels(depthPicture(layer([0.5, 0.75]), [0.5, 1]))[1], pixels(whole)[1]);
});

Deno.test("dynamicnessPicture() is grey", () => {
  assertEquals(pixels(dynamicnessPicture(layer([0, 0.5, 1]))), [
    [0, 0, 0],
    [127, 127, 127],
    [255, 255, 255],
  ]);
});

Deno.test("differencePicture() maps the mean absolute difference of the channels", () => {
  const actual = ndarray(Uint8Array.of(5, 5, 5, 0, 0, 0, 200, 0, 0), [1, 3, 3]);
  const expected = ndarray(Uint8Array.of(5, 5, 5, 0, 96, 0, 0, 0, 0), [1, 3, 3]);
  const [equal, half, over] = pixels(differencePicture(actual, expected, 64));
  assertEquals([equal, over], [[68, 1, 84], [253, 231, 37]]);
  assertEquals(half, [34, 144, 140]); // 32 of 64: half way between the fifth and the sixth stop
  assertThrows(
    () => differencePicture(actual, ndarray(new Uint8Array(3), [1, 1, 3])),
    RangeError,
    "(1,3,3) and (1,1,3)",
  );
});

Deno.test("flowPicture() shows direction as hue and length as saturation", () => {
  const flow = layer([2, 0, 1, 0, 0, 0, 0, 2, -2, 0, 0, -2], [2]);
  const [right, halfRight, rest, down, left, up] = pixels(flowPicture(flow));
  assertEquals([right, halfRight, rest], [[255, 0, 0], [255, 127, 127], [255, 255, 255]]);
  // A quarter turn is 13.5 of the 54 steps: 13.5 / 15 from red to yellow; a half turn 2 / 11 from
  // cyan to blue; three quarters 4.5 / 13 from blue to magenta. The wheel's own colors are whole.
  assertEquals(down, [255, Math.floor((221 + 238) / 2), 0]);
  assertEquals(left, [0, 255 - 46, 255]);
  assertEquals(up, [Math.floor((78 + 98) / 2), 0, 255]);
});

Deno.test("flowPicture() darkens what exceeds the radius and blackens what is unknown", () => {
  const flow = layer([4, 0, NaN, 0, 2e9, 0], [2]);
  assertEquals(pixels(flowPicture(flow, 2)), [[191, 0, 0], [0, 0, 0], [0, 0, 0]]);
});

Deno.test("flowRadius() is a quantile of the known lengths of all flows", () => {
  const flows = [layer([3, 4, NaN, 0], [2]), layer([0, 1, 0, 2, 1e10, 0], [2])];
  assertEquals([flowRadius(flows, 1), flowRadius(flows, 0.5), flowRadius(flows, 0)], [5, 2, 1]);
  assert(flowRadius([layer([0, 0], [2])]) > 0);
  assertEquals(pixels(flowPicture(layer([0, 0], [2]))), [[255, 255, 255]]);
});
