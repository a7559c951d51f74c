import { assertEquals, assertThrows } from "@std/assert";
import { expectFrameMaps, mapsLike } from "../../src/ops/frame_maps.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("expectFrameMaps() names the operation and the frame's shape", async () => {
  const maps = uploadMaps(
    await testGpu(),
    randomMaps(1, [1, 2], { height: 3, width: 5, channels: 2 }),
  );
  expectFrameMaps("conv", "layer1", "x", maps);
  assertThrows(
    () => expectFrameMaps("conv", "layer1", "x", { ...maps, channels: 4 }),
    Error,
    'Cannot record conv "layer1": x is (1, 15, 2) in blocks, wanted (1, 15, 4) in blocks',
  );
});

Deno.test("mapsLike() keeps scenes and frames and changes grid and channels", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1, 2], { height: 3, width: 5, channels: 2 }));
  const y = mapsLike(new Plan(gpu, "test"), "y", x, { width: 4, channels: 7 });
  assertEquals([y.height, y.width, y.channels], [3, 4, 7]);
  assertEquals(y.frames.map((scene) => scene.map(({ shape }) => shape)), [
    [[1, 12, 7]],
    [[1, 12, 7], [1, 12, 7]],
  ]);
});
