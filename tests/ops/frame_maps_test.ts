import { assertEquals, assertThrows } from "@std/assert";
import { expectFrameMaps, mapsLike } from "../../src/ops/frame_maps.ts";
import { defineKernel } from "../../src/runtime/kernel.ts";
import { Operation } from "../../src/runtime/operation.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { testGpu } from "../support/gpu.ts";

/** An operation that runs nothing. */
async function operation(label: string): Promise<Operation> {
  const plan = new Plan(await testGpu(), "test");
  return new Operation(plan, "conv", label, defineKernel("none.wgsl", ""));
}

Deno.test("expectFrameMaps() names the operation and the frame's shape", async () => {
  const maps = uploadMaps(
    await testGpu(),
    randomMaps(1, [1, 2], { height: 3, width: 5, channels: 2 }),
  );
  const op = await operation("layer1");
  expectFrameMaps(op, { x: maps });
  assertThrows(
    () => expectFrameMaps(op, { x: { ...maps, channels: 4 } }),
    Error,
    'Cannot record conv "layer1": x is (1, 15, 2) in blocks, wanted (1, 15, 4) in blocks',
  );
});

Deno.test("mapsLike() keeps scenes and frames and changes grid and channels", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1, 2], { height: 3, width: 5, channels: 2 }));
  const y = mapsLike(await operation("y"), x, { width: 4, channels: 7 });
  assertEquals([y.height, y.width, y.channels], [3, 4, 7]);
  assertEquals(y.frames.map((scene) => scene.map(({ shape }) => shape)), [
    [[1, 12, 7]],
    [[1, 12, 7], [1, 12, 7]],
  ]);
});
