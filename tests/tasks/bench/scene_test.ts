import { assertAlmostEquals, assertEquals } from "@std/assert";
import { ProceduralScene } from "../../../src/data/procedural/mod.ts";
import { syntheticScene } from "../../../tasks/bench/scene.ts";

Deno.test("syntheticScene() is the procedural scene, its pixels repeated where frames are wide", () => {
  const [width, height] = [192, 108];
  const scene = syntheticScene("balloon2", width, height);
  const small = new ProceduralScene("balloon2", { width: 96, height: 54, factor: 1 });
  assertEquals([scene.frames, scene.width, scene.height], [small.frames, width, height]);
  const pixel = 2 * 31 * width + 2 * 17, painted = 31 * 96 + 17; // (34, 62) is the painted (17, 31)
  const at = (frame: number) => frame * width * height + pixel;
  assertAlmostEquals(
    scene.inverseDepth.data[at(3)],
    1 / small.depthMap(3, 3).data[painted],
    1e-6,
  );
  assertEquals(scene.images.data[3 * at(2) + 1], small.paint(2, 2).image.data[3 * painted + 1]);
  const moving = small.paint(5, 5).moving.data.reduce(
    (count, share) => count + Number(share > 0),
    0,
  );
  const frame = scene.moving.data.subarray(5 * width * height, 6 * width * height);
  assertEquals(frame.reduce((count, value) => count + value, 0), 4 * moving);
  const { flow, valid } = small.flowMap(4, 3);
  assertAlmostEquals(scene.flowBackward.data[2 * at(4)], 2 * flow.data[2 * painted], 1e-4);
  assertEquals(scene.flowBackwardValid.data[at(4)], valid.data[painted]);
  assertEquals(scene.flowBackwardValid.data[at(0)], 0);
  assertEquals(scene.flowForwardValid.data[at(11)], 0);
  assertAlmostEquals(scene.cameras[0].focalPixels, 2 * small.focalPixels, 1e-3);
});
