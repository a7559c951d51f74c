import { assert, assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { disparityPicture, flowWheelPicture } from "../../src/pictures/preparation_pictures.ts";

Deno.test("disparityPicture() stretches to 16 bits, truncated; one depth is black", () => {
  const disparity = ndarray(Float32Array.of(-1, 0, 0.5, 2, 7, 1), [2, 3]);
  const picture = disparityPicture(disparity);
  const stretched = [0, 65535 / 8, 65535 * 1.5 / 8, 65535 * 3 / 8, 65535, 65535 * 2 / 8];
  assertEquals([...picture.data], stretched.map(Math.floor));
  assertEquals(picture.shape, [2, 3]);
  assertEquals([...disparityPicture(ndarray(new Float32Array(4).fill(3), [2, 2])).data], [
    0,
    0,
    0,
    0,
  ]);
});

/** RAFT's `flow_viz` before its `floor`, as its definition reads: a wheel of 15, 6, 4, 11, 13 and 6 steps. */
function flowColor(u: number, v: number, longest: number): number[] {
  const ramp = (steps: number) =>
    Array.from({ length: steps }, (_, i) => Math.floor(255 * i / steps));
  const wheel = [
    ...ramp(15).map((c) => [255, c, 0]),
    ...ramp(6).map((c) => [255 - c, 255, 0]),
    ...ramp(4).map((c) => [0, 255, c]),
    ...ramp(11).map((c) => [0, 255 - c, 255]),
    ...ramp(13).map((c) => [c, 0, 255]),
    ...ramp(6).map((c) => [255, 0, 255 - c]),
  ];
  const r = Math.hypot(u, v) / (longest + 1e-5);
  const place = (Math.atan2(-v, -u) / Math.PI + 1) / 2 * 54;
  const k = Math.floor(place), f = place - k;
  return [0, 1, 2].map((channel) => {
    const c = (1 - f) * wheel[k][channel] / 255 + f * wheel[(k + 1) % 55][channel] / 255;
    return 255 * (1 - r * (1 - c));
  });
}

Deno.test("flowWheelPicture() is RAFT's flow_viz", () => {
  const vectors = Array.from({ length: 63 }, (_, i): [number, number] => {
    const angle = i / 63 * 2 * Math.PI + 0.01, length = 3 + i / 9;
    return [Math.fround(length * Math.cos(angle)), Math.fround(length * Math.sin(angle))];
  });
  const picture = flowWheelPicture(ndarray(Float32Array.from(vectors.flat()), [7, 9, 2]));
  assertEquals(picture.shape, [7, 9, 3]);
  const longest = Math.max(...vectors.map(([u, v]) => Math.hypot(u, v)));
  vectors.flatMap(([u, v]) => flowColor(u, v, longest)).forEach((value, i) => {
    const rest = value - picture.data[i]; // what lies on a whole number may round to either side
    assert(
      rest > -1e-9 && rest < 1 + 1e-9,
      `${i}: wanted floor(${value}), found ${picture.data[i]}`,
    );
  });
});
