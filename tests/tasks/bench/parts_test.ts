import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { balloon } from "../../../src/recipes/recipe.ts";
import { byParts, partNames, partOf, usefulFlops } from "../../../tasks/bench/parts.ts";
import { syntheticScene } from "../../../tasks/bench/scene.ts";
import { Workbench } from "../../../tasks/bench/workbench.ts";
import { testGpu } from "../../support/gpu.ts";

const recipe = {
  ...balloon("small"),
  model: { hidden: 16, globalCode: 8, globalHidden: 8, videoWidth: 4, imageWidth: 4 },
  encoderWidth: 16,
  encoderHeight: 16,
  rays: 8,
  samples: 4,
  recompute: true,
};

Deno.test("partOf() knows every dispatch of both stages, with encoders frozen and trained", async () => {
  const gpu = await testGpu();
  const scenes = ["balloon1", "balloon2"].map((name) => syntheticScene(name, 16, 9));
  const used = new Set<string | undefined>();
  for (const trainEncoders of [false, true]) {
    const workbench = await Workbench.create(gpu, { ...recipe, trainEncoders }, scenes);
    for (const name of ["static", "dynamic"] as const) {
      const stage = await workbench.open(name);
      const labels = stage.program.dispatches.map(({ label }) => label);
      assertEquals(labels.filter((label) => partOf(label) === undefined), []);
      assert(usefulFlops(stage.program.dispatches) < stage.program.flops); // some are repeated
      const profile = stage.program.dispatches.map(({ label, flops }) => ({
        label,
        flops,
        milliseconds: 1,
      }));
      const rows = byParts(profile);
      for (const { part } of rows) used.add(part);
      const sum = (key: "forward" | "backward" | "flops") =>
        rows.reduce((sum, row) => sum + row[key], 0);
      assertEquals(sum("forward") + sum("backward"), labels.length);
      assertAlmostEquals(sum("flops"), usefulFlops(stage.program.dispatches));
      stage.program.run();
      await gpu.device.queue.onSubmittedWorkDone();
      stage.destroy();
    }
    workbench.destroy();
  }
  assertEquals([...used].sort(), partNames.toSorted());
});
