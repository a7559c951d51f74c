import { assertEquals } from "@std/assert";
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
