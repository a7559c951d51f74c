import { assertEquals } from "@std/assert";
import { concatenateLevels } from "../../src/ops/resize.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, type HostMaps, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { testGpu } from "../support/gpu.ts";

/** One value of a level at a pixel of the grid `height × width`, corners meeting corners. */
function sample(
  level: HostMaps,
  frame: Float32Array,
  channel: number,
  [row, column]: number[],
  [height, width]: number[],
): number {
  const v = height > 1 ? row * (level.height - 1) / (height - 1) : 0;
  const u = width > 1 ? column * (level.width - 1) / (width - 1) : 0;
  let sum = 0;
  for (let r = 0; r < level.height; r++) {
    for (let c = 0; c < level.width; c++) {
      const weight = Math.max(0, 1 - Math.abs(v - r)) * Math.max(0, 1 - Math.abs(u - c));
      sum += weight * frame[(r * level.width + c) * level.channels + channel];
    }
  }
  return sum;
}

for (const [height, width] of [[13, 9], [8, 1], [1, 70]]) {
  Deno.test(`concatenateLevels() brings levels to the first grid: ${height} x ${width}`, async () => {
    const gpu = await testGpu();
    const levels = [[height, width, 3], [Math.ceil(height / 2), Math.ceil(width / 2), 6], [3, 2, 4]]
      .map(([height, width, channels], i) => randomMaps(i, [2, 1], { height, width, channels }));
    const y = await evaluate(gpu, (plan) => {
      const maps = concatenateLevels(plan, "maps", levels.map((level) => uploadMaps(gpu, level)));
      assertEquals(maps.map((scene) => scene.map(({ shape }) => shape)), [
        [[height, width, 13], [height, width, 13]],
        [[height, width, 13]],
      ]);
      return maps.flat();
    });
    y.forEach((actual, f) => {
      const expected = actual.map((_, i) => {
        const pixel = Math.floor(i / 13), position = [Math.floor(pixel / width), pixel % width];
        let channel = i % 13;
        const level = levels.find(({ channels }) =>
          channel < channels || (channel -= channels) < 0
        )!;
        return sample(level, level.values.flat()[f], channel, position, [height, width]);
      });
      assertClose(actual, expected, 1e-6, `frame ${f}`);
    });
  });
}
