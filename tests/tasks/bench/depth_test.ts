import { assertMatch } from "@std/assert";
import { benchDepth } from "../../../tasks/bench/depth.ts";
import { testGpu } from "../../support/gpu.ts";

Deno.test("benchDepth() tells operations, seconds and speed by part, and the memory", async () => {
  const report = await benchDepth(await testGpu(), [70, 40], AbortSignal.timeout(300_000));
  assertMatch(report, /a frame of 70 x 40, seen at 64 x 32; random weights\n/);
  assertMatch(report, /\nlayer3 +0\.91 +[\d.]+ +[\d.]+\n/);
  assertMatch(report, /\nall +2\.87 +[\d.]+ +[\d.]+\n/); // 0.70 million multiply-adds a pixel
  assertMatch(report, /\n32 groups of 8 at 16 x 8 +0\.00 +[\d.]+ +[\d.]+\n/);
  assertMatch(report, /\nweights +41\d\.\d\npeak +4\d\d\.\d$/);
});
