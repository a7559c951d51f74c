import { assertAlmostEquals, assertEquals } from "@std/assert";
import { colorLosses, staticColorLoss } from "../../src/losses/color.ts";
import { randomArray } from "../support/gpu.ts";
import { cameraRecords, checkLoss, runOnce } from "./support.ts";

const inputs = (scenes: number, rays: number, valid: boolean[][]) => ({
  maps: { shape: [scenes, rays, 16], data: randomArray(1, scenes * rays * 16, 0, 1) },
  mapsBefore: { shape: [scenes, rays, 5], data: randomArray(2, scenes * rays * 5, 0, 1) },
  mapsAfter: { shape: [scenes, rays, 5], data: randomArray(3, scenes * rays * 5, 0, 1) },
  colors: {
    shape: [scenes, rays, 3],
    data: randomArray(4, scenes * rays * 3, 0, 1),
    differentiable: false,
  },
  cameras: { shape: [scenes, 3, 16], data: cameraRecords(valid), differentiable: false },
});

for (const rays of [1, 7, 65, 257]) {
  Deno.test(`colorLosses() has the gradient of its formula for ${rays} rays`, async () => {
    await checkLoss(
      inputs(3, rays, [[true, true], [false, true], [true, false]]),
      (plan, x) => colorLosses(plan, "color", x),
    );
  });

  Deno.test(`staticColorLoss() has the gradient of its formula for ${rays} rays`, async () => {
    const { mapsBefore: maps, colors } = inputs(2, rays, [[true, true], [true, true]]);
    await checkLoss(
      { maps, colors },
      (plan, { maps, colors }) => staticColorLoss(plan, "color", maps, colors),
    );
  });
}

Deno.test("colorLosses() takes a warped color only from scenes with that neighbour", async () => {
  const x = inputs(2, 5, [[false, false], [false, true]]);
  const { outputs: [terms], gradients } = await runOnce(
    x,
    (plan, x) => [colorLosses(plan, "color", x)],
  );
  assertEquals(terms[2], 0);
  assertEquals([...gradients.mapsBefore], Array(50).fill(0));
  assertEquals([...gradients.mapsAfter.subarray(0, 25)], Array(25).fill(0));
  let sum = 0;
  for (let ray = 5; ray < 10; ray++) {
    for (let c = 0; c < 3; c++) {
      sum += (x.mapsAfter.data[ray * 5 + c] - x.colors.data[ray * 3 + c]) ** 2;
    }
  }
  assertAlmostEquals(terms[3], sum / 15, 1e-6);
});
