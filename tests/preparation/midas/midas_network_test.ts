import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { MidasNetwork } from "../../../src/preparation/midas/midas_network.ts";
import type { FrameMaps } from "../../../src/ops/frame_maps.ts";
import type { Gpu } from "../../../src/runtime/device.ts";
import { readTensor } from "../../../src/runtime/readback.ts";
import { assertClose } from "../../support/close.ts";
import { expectClose, type GoldenCase, loadCase } from "../../support/goldens.ts";
import { testGpu } from "../../support/gpu.ts";

/** The golden picture, `[1, 3, height, width]`, as `[height, width, 3]`. */
function goldenImage(golden: GoldenCase): NdArray<Float32Array> {
  const { data, shape: [, channels, height, width] } = golden.input("midas/image");
  const values = data.map((_, i) => data[i % channels * height * width + Math.floor(i / channels)]);
  return ndarray(values, [height, width, channels]);
}

/** Maps as the goldens keep them, `(channels, height, width)`, without the zero rows around a band that is the whole frame. */
async function channelsFirst(gpu: Gpu, maps: FrameMaps): Promise<Float32Array> {
  const { frames: [[frame]], height, width, channels } = maps;
  const values = await readTensor(gpu, frame);
  const first = height % 2 === 0 && frame.label === "path1.0.0" ? 1 : 0;
  const rows = height - 2 * first;
  return new Float32Array(rows * width * channels).map((_, i) => {
    const pixel = i % (rows * width), channel = Math.floor(i / (rows * width));
    return values[(pixel + first * width) * channels + channel];
  });
}

Deno.test("golden prep/midas: every stage, and the same depth in bands of rows", async () => {
  const gpu = await testGpu();
  const golden = await loadCase("prep/midas");
  const network = await MidasNetwork.create(gpu, {
    get: (name) => golden.input(`midas/${name}`).data,
  });
  const image = goldenImage(golden);
  const found: Record<string, Float32Array> = {};
  const depth = await network.run(image, {
    onMaps: async (name, maps) => {
      found[name] = await channelsFirst(gpu, maps);
    },
  });
  assertEquals(Object.keys(found).sort(), golden.keys.toSorted());
  expectClose(golden, { ...found, depth: depth.data });

  const banded = await network.run(image, { bandRows: 11 });
  assertClose(banded.data, depth.data, 1e-6, "depth in bands");
  network.destroy();
});
