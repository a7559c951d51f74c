import { assertEquals, assertThrows } from "@std/assert";
import type { FrameMaps } from "../../src/ops/frame_maps.ts";
import { concatenateLevels } from "../../src/ops/concatenate_levels.ts";
import { Plan } from "../../src/runtime/plan.ts";
import type { Tensor } from "../../src/runtime/tensor.ts";
import { assertClose } from "../support/close.ts";
import {
  checkedMaps,
  evaluate,
  type HostMaps,
  mapsAmong,
  numbered,
  only,
  randomMaps,
  uploadMaps,
} from "../support/frame_maps.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

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

// the first grid itself, half of it, larger ones, single rows and columns
for (
  const grids of [[[13, 9], [7, 5], [1, 1]], [[8, 1], [3, 2], [20, 3]], [[1, 70], [1, 9], [4, 64]]]
) {
  Deno.test(`concatenateLevels() has its gradients: ${grids.map((grid) => grid.join(" x "))}`, async () => {
    const levels = grids.map(([height, width], i) =>
      randomMaps(i, [2, 1], { height, width, channels: [3, 6, 4][i] })
    );
    const inputs = Object.assign({}, ...levels.map((level, i) => checkedMaps(`level${i}`, level)));
    const record = (plan: Plan, tensors: Record<string, Tensor>) =>
      concatenateLevels(
        plan,
        "maps",
        levels.map((level, i) => mapsAmong(tensors, `level${i}`, level)),
      ).flat();
    const all = await checkGradients(inputs, record);
    const seeds = levels[0].values.flat().map((_, f) =>
      randomArray(1000 + f, grids[0][0] * grids[0][1] * 13)
    );
    const { gradients } = await runRecorded(
      only("level1", inputs),
      (plan, tensors) => numbered(record(plan, tensors)),
      numbered(seeds),
    );
    const names = ["level1.0.0", "level1.0.1", "level1.1.0"];
    assertEquals(gradients, Object.fromEntries(names.map((name) => [name, all[name]])));
  });
}

Deno.test("concatenateLevels() gives a level of the first grid the gradient as it is", async () => {
  const level = randomMaps(1, [1], { height: 5, width: 17, channels: 3 });
  const seed = randomArray(2, 5 * 17 * 3);
  const { gradients } = await runRecorded(
    checkedMaps("x", level),
    (plan, tensors) =>
      numbered(concatenateLevels(plan, "maps", [mapsAmong(tensors, "x", level)]).flat()),
    numbered([seed]),
  );
  assertEquals(gradients["x.0.0"], seed);
});

Deno.test("concatenateLevels() refuses to differentiate a level that too many pixels read", async () => {
  const [large, pixel] = [[200, 400], [1, 1]].map(([height, width]): FrameMaps => ({
    height,
    width,
    channels: 1,
    frames: [[{
      label: "x",
      shape: [1, height * width, 1],
      layout: "blocks",
      size: 64 * Math.ceil(height * width / 64),
      requiresGradient: true,
    }]],
  }));
  const plan = new Plan(await testGpu(), "test");
  assertThrows(
    () => concatenateLevels(plan, "maps", [large, pixel]),
    Error,
    'Cannot differentiate concatenateLevels "maps": 80000 pixels read one of a level of 1 x 1',
  );
});
