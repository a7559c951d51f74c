import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { evaluationReport, sumDynamicness, type ViewScores } from "../../src/evaluation/report.ts";

function view(scene: string, time: number, psnr: number, psnrMoving?: number): ViewScores {
  return {
    scene,
    time,
    camera: 1,
    psnr,
    ssim: psnr / 100,
    ...(psnrMoving === undefined ? {} : { psnrMoving }),
    baselines: {
      nearest: { psnr: psnr - 4, ssim: 0.5 },
      mean: { psnr: psnr - 6, ssim: 0.25 },
    },
  };
}

Deno.test("evaluationReport() averages all views and those of each scene", () => {
  const views = [view("Balloon1", 0, 20), view("Balloon1", 1, 24), view("Balloon2", 0, 28)];
  const report = evaluationReport("held-out views", views);
  assertEquals(report.protocol, "held-out views");
  assertEquals([report.views, report.psnr, report.baselines.nearest.psnr], [3, 24, 20]);
  assertAlmostEquals(report.ssim, 0.24, 1e-12);
  assertEquals(report.baselines.mean, { psnr: 18, ssim: 0.25 });
  assertEquals(Object.keys(report.scenes), ["Balloon1", "Balloon2"]);
  assertEquals(report.scenes.Balloon1.psnr, 22);
  assertEquals(report.scenes.Balloon1.views, 2);
  assertEquals(report.scenes.Balloon2.baselines.nearest.psnr, 24);
  assertEquals(report.perView, views);
});

Deno.test("evaluationReport() averages an optional score over the views that have it", () => {
  const views = [view("a", 0, 20, 10), view("a", 1, 24), view("a", 2, 28, 16), view("b", 0, 20)];
  const report = evaluationReport("held-out views", views);
  assertEquals(report.psnrMoving, 13);
  assertEquals(report.scenes.a.psnrMoving, 13);
  assertEquals("psnrMoving" in report.scenes.b, false);
});

Deno.test("evaluationReport() weighs dynamicness by pixels", () => {
  const dynamicness = [
    sumDynamicness("a", Float32Array.of(1, 0.5, 0.25), Uint8Array.of(1, 1, 0)),
    sumDynamicness("a", Float32Array.of(0, 0.5, 0), Uint8Array.of(255, 0, 0)),
    sumDynamicness("b", Float32Array.of(0.125), Uint8Array.of(0)),
  ];
  const report = evaluationReport("p", [view("a", 0, 20), view("b", 0, 20)], dynamicness);
  assertEquals(report.dynamicness, { moving: 0.5, still: 0.875 / 4 });
  assertEquals(report.scenes.a.dynamicness, { moving: 0.5, still: 0.25 });
  assertEquals(report.scenes.b.dynamicness, { moving: null, still: 0.125 });
});

Deno.test("evaluationReport() survives JSON unchanged", () => {
  const report = evaluationReport("p", [view("a", 0, 20, 10), view("b", 3, 361.2)]);
  assertEquals(JSON.parse(JSON.stringify(report)), report);
});

Deno.test("evaluationReport() refuses no views and numbers that JSON cannot hold", () => {
  assertThrows(() => evaluationReport("held-out views", []), RangeError, "no view was scored");
  const broken = view("Balloon1", 2, 20);
  broken.baselines.mean.ssim = NaN;
  assertThrows(
    () => evaluationReport("p", [broken]),
    RangeError,
    `"Balloon1" time 2 camera 1: mean ssim is NaN`,
  );
});

Deno.test("sumDynamicness() refuses a mask of another size", () => {
  assertThrows(
    () => sumDynamicness("a", new Float32Array(2), new Uint8Array(3)),
    RangeError,
    "2 pixels, the motion mask 3",
  );
});
