import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { encodePng } from "../../src/data/formats/png.ts";
import { type MetricsLine, trainingCurves } from "../../src/evaluation/curves.ts";
import { publishedFor } from "../../src/evaluation/published.ts";
import { evaluationReport, type ViewScores } from "../../src/evaluation/report.ts";
import { type ReportContent, reportPage } from "../../src/evaluation/report_page.ts";
import { temporaryFolder } from "../data/temporary_folder.ts";
import { openPage } from "../support/browser.ts";

const [width, height] = [64, 36];

function picture(grey: number): Uint8Array {
  return encodePng(ndarray(new Uint8Array(width * height * 3).fill(grey), [height, width, 3]));
}

/** Three views of two scenes, the last with what pictures hide; two of them with pictures. */
function content(): ReportContent {
  const baselines = { nearest: { psnr: 14, ssim: 0.5 }, mean: { psnr: 15, ssim: 0.5 } };
  const views: ViewScores[] = [
    { scene: "Balloon1", time: 3, camera: 0, psnr: 21.5, ssim: 0.75, psnrMoving: 19, baselines },
    { scene: "Balloon1", time: 10, camera: 0, psnr: 9.25, ssim: 0.5, lpips: 0.125, baselines },
    { scene: '<b>"&', time: 0, camera: 0, psnr: 30, ssim: 1, depthOrder: 0.5, baselines },
  ];
  const line = (stage: string, step: number): MetricsLine => ({
    stage,
    step,
    losses: { total: 1 / step, mask: step % 20 },
    psnr: step,
    ...(stage === "dynamic" ? { dynamicness: { moving: 0.5, still: 0 } } : {}),
  });
  return {
    title: "balloon, small </script>",
    facts: [["Run", "runs/<x>"]],
    evaluation: evaluationReport("dynnerf", views, [], { about: "the first camera", of: 3 }),
    charts: trainingCurves(
      [10, 20, 30].flatMap((step) => line("static", step))
        .concat([10, 20].map((step) => line("dynamic", step))),
    ),
    pictures: views.slice(0, 2).map(({ scene, time, camera }, i) => ({
      scene,
      time,
      camera,
      layers: { truth: picture(40 + i), rendered: picture(200 + i), depth: picture(90) },
    })),
    published: publishedFor("dynnerf", true, [{ scene: "Balloon1", width: 480, height: 270 }]),
    notes: ["LPIPS needs its weights."],
  };
}

Deno.test("reportPage() opens from disk in a browser, with curves, sorted views and a slider", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "report.html");
  await Deno.writeTextFile(path, reportPage(content()));
  await using page = await openPage(toFileUrl(path).href);
  const text = (selector: string) =>
    page.evaluate<string[]>(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((e) => e.textContent)`,
    );

  assertEquals(await text("h1"), ["balloon, small </script>"]);
  assertEquals(await text("dd"), ["runs/<x>"]);
  const scores = await text("#scores tbody tr:first-child td");
  assertEquals(scores.slice(0, 5), ["Balloon1", "2", "15.38", "0.6250", "0.1250"]);
  assertEquals((await text("#scores tbody tr.region:nth-child(2) td")).slice(2, 5), [
    "19.00",
    "–",
    "–",
  ]);
  assertStringIncludes((await text("#published tbody")).join(), "DynamicNeRFBalloon122.360.104");

  // every chart has a canvas with something in its curves' colors on it
  const curves = await page.evaluate<[string, number][]>(`
    [...document.querySelectorAll("#charts section")].map((chart) => {
      const canvas = chart.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let blue = 0; // the first curve's #2563eb
      for (let i = 0; i < data.length; i += 4) {
        if (data[i] === 0x25 && data[i + 1] === 0x63 && data[i + 2] === 0xeb) blue++;
      }
      return [chart.querySelector("h3").textContent, blue];
    })`);
  assertEquals(curves.map(([title]) => title), [
    "Loss, weighted sum",
    "PSNR of the rays drawn, dB",
    "Dynamicness, mean of the rays drawn",
    "Loss terms, unweighted",
  ]);
  for (const [title, blue] of curves) assert(blue > 50, `${title}: ${blue} pixels`);

  // the slider divides the stage where it is dragged to: the truth left of it, the rendered picture right
  await page.evaluate(`document.getElementById("stage").scrollIntoView({ block: "center" })`);
  const stage = await page.evaluate<{ x: number; y: number; width: number; height: number }>(
    `document.getElementById("stage").getBoundingClientRect().toJSON()`,
  );
  const at = () =>
    page.evaluate<string>(`getComputedStyle(document.getElementById("right")).clipPath`);
  assertEquals(await at(), "inset(0px 0px 0px 50%)");
  const y = stage.y + stage.height / 2;
  await page.drag([stage.x + stage.width / 2, y], [stage.x + stage.width / 4, y]);
  assertEquals(await at(), "inset(0px 0px 0px 25%)");
  assertEquals(await page.evaluate(`document.getElementById("slider").value`), "25");
  await page.evaluate(`slider.value = 75; slider.dispatchEvent(new Event("input"))`);
  assertEquals(await at(), "inset(0px 0px 0px 75%)");

  // another view and another layer are shown
  const grey = (side: string) =>
    page.evaluate<number>(`(async () => {
      const image = document.getElementById("${side}");
      await image.decode();
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas.drawImage(image, 0, 0);
      return canvas.getImageData(0, 0, 1, 1).data[0];
    })()`);
  assertEquals([await grey("left"), await grey("right")], [40, 200]);
  await page.evaluate(`document.querySelectorAll("#views a")[1].click()`);
  assertEquals([await grey("left"), await grey("right")], [41, 201]);
  assertEquals((await text("#views tr.shown td")).slice(0, 3), ["Balloon1", "10", "0"]);
  await page.evaluate(
    `{ const s = document.getElementById("left-layer"); s.value = "depth"; s.dispatchEvent(new Event("change")) }`,
  );
  assertEquals(await grey("left"), 90);

  // headings sort: numbers by size, best first, then the other way round; unknown ones last
  const column = async (head: number) => {
    await page.evaluate(`document.querySelectorAll("#views th button")[${head}].click()`);
    return await text(`#views tbody td:nth-child(${head + 1})`);
  };
  assertEquals(await column(3), ["30.00", "21.50", "9.25"]);
  assertEquals(await column(3), ["9.25", "21.50", "30.00"]);
  assertEquals(await column(1), ["10", "3", "0"]);
  assertEquals((await column(5))[0], "0.1250");
  assertEquals(await column(0), ['<b>"&', "Balloon1", "Balloon1"]);

  assertEquals(page.errors, []);
  assertEquals(page.requests, [toFileUrl(path).href]);
});

Deno.test("reportPage() goes without curves, pictures and published scores where there are none", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "report.html");
  const bare = { ...content(), charts: [], pictures: [], published: [] };
  await Deno.writeTextFile(path, reportPage(bare));
  await using page = await openPage(toFileUrl(path).href);
  const headings = await page.evaluate<string[]>(
    `[...document.querySelectorAll("h2")].map((e) => e.textContent)`,
  );
  assertEquals(headings, ["Scores: dynnerf, all 3 views", "Every view"]);
  assertEquals(page.errors, []);
});
