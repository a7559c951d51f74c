import { assertEquals, assertThrows } from "@std/assert";
import { blocksToMap, mapToBlocks } from "../../src/ops/map_to_blocks.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

for (const [height, width, channels] of [[1, 1, 1], [7, 9, 5], [13, 5, 65]]) {
  Deno.test(`mapToBlocks() and blocksToMap() are inverse at ${height}x${width}x${channels}`, async () => {
    const gpu = await testGpu();
    const data = randomArray(1, height * width * channels);
    const map = createTensor(gpu, "map", [height, width, channels], { data });
    const back = createTensor(gpu, "back", [height, width, channels]);
    const plan = new Plan(gpu, "layout");
    const blocks = plan.keep(mapToBlocks(plan, "blocks", map));
    blocksToMap(plan, "back", blocks, back);
    (await plan.build()).run();
    const [inBlocks, again] = await readTensors(gpu, blocks, back);
    assertEquals(inBlocks, data);
    assertEquals(again, data);
  });
}

Deno.test("mapToBlocks() and blocksToMap() refuse to be differentiated", async () => {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "layout");
  const map = createTensor(gpu, "map", [2, 3, 4], { requiresGradient: true });
  const blocks = createTensor(gpu, "x", [1, 6, 4], { layout: "blocks", requiresGradient: true });
  const refused = (operation: string) =>
    `Cannot differentiate ${operation}: it is for inference only`;
  assertThrows(() => mapToBlocks(plan, "a", map), Error, refused('mapToBlocks "a"'));
  assertThrows(() => blocksToMap(plan, "b", blocks, map), Error, refused('blocksToMap "b"'));
});
