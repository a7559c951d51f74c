import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import type { RenderedImage } from "../../src/viewing/image_renderer.ts";
import { layerNames, layerPicture } from "../../src/viewing/layers.ts";

/** A view 64 pixels wide, of numbers all its own in every layer; the flow is to the right. */
function image(flow: number): RenderedImage {
  const layer = (value: number, channels: number) =>
    ndarray(
      new Float32Array(64 * channels).fill(value),
      channels > 1 ? [1, 64, channels] : [1, 64],
    );
  return {
    width: 64,
    height: 1,
    color: layer(0.1, 3),
    colorStatic: layer(0.2, 3),
    colorDynamic: layer(0.3, 3),
    depth: layer(0.4, 1),
    depthStatic: layer(0.5, 1),
    depthDynamic: layer(0.6, 1),
    dynamicness: layer(0.7, 1),
    flowForward: ndarray(Float32Array.from({ length: 128 }, (_, i) => i % 2 ? 0 : flow), [
      1,
      64,
      2,
    ]),
  };
}

const firstPixel = (flow: number, layer: typeof layerNames[number]) => [
  ...layerPicture(image(flow), layer).data.subarray(0, 3),
];

Deno.test("layerPicture() draws each layer from its own numbers, and its colors do not depend on the rest of the picture", () => {
  const grey = (value: number) => Array(3).fill(Math.floor(255 * value));
  assertEquals(firstPixel(0, "color"), grey(0.1));
  assertEquals(firstPixel(0, "static"), grey(0.2));
  assertEquals(firstPixel(0, "dynamic"), grey(0.3));
  assertEquals(firstPixel(0, "dynamicness"), grey(0.7));
  assertEquals(firstPixel(0, "flow"), [255, 255, 255]);
  assertEquals(firstPixel(1, "flow"), [255, 127, 127]); // half of 64 / 32 pixels, to the right
  assertEquals(firstPixel(2, "flow"), [255, 0, 0]);
  const depths = new Set(layerPicture(image(0), "depth").data);
  assertEquals(depths.size, 3, "one color of three numbers");
  for (const layer of layerNames) {
    assertEquals(layerPicture(image(0), layer).shape, [1, 64, 3]);
  }
});
