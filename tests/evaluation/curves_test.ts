import { assertEquals } from "@std/assert";
import { type MetricsLine, trainingCurves } from "../../src/evaluation/curves.ts";

function line(stage: string, step: number, total: number): MetricsLine {
  return { stage, step, losses: { total, mask: 0.5 }, psnr: 10 + step };
}

Deno.test("trainingCurves() puts one stage after the other", () => {
  const [loss, psnr] = trainingCurves([
    line("static", 5, 4),
    line("static", 10, 2),
    line("dynamic", 5, 1),
  ]);
  assertEquals(loss.steps, [5, 10, 15]);
  assertEquals(loss.series, [
    { name: "static", values: [4, 2, null] },
    { name: "dynamic", values: [null, null, 1] },
  ]);
  assertEquals(psnr.series[1].values, [null, null, 15]);
});

Deno.test("trainingCurves() leaves out what a logarithm cannot show, and charts without a curve", () => {
  const charts = trainingCurves([line("static", 5, 0), line("static", 10, 2)]);
  assertEquals(charts[0].series, [{ name: "static", values: [null, 2] }]);
  assertEquals(charts.map(({ title }) => title), [
    "Loss, weighted sum",
    "PSNR of the rays drawn, dB",
    "Loss terms, unweighted",
  ]);
  assertEquals(trainingCurves([]), []);
});
