import { assertEquals } from "@std/assert";
import { publishedFor, publishedTables } from "../../src/evaluation/published.ts";

const scene = { scene: "Skating", width: 480, height: 270 };

Deno.test("publishedFor() gives the rows of the scenes scored, by the same protocol", () => {
  const [{ scores, source }] = publishedFor("dynnerf", true, [scene]);
  assertEquals(scores.map(({ method, psnr, lpips }) => [method, psnr, lpips]), [
    ["NeRF", 23.67, 0.311],
    ["NeRF + t", 20.32, 0.512],
    ["NR NeRF", 23.95, 0.227],
    ["NSFF", 29.29, 0.129],
    ["DynamicNeRF", 32.66, 0.035],
  ]);
  assertEquals(source.includes("gaochen315/DynamicNeRF"), true);
});

Deno.test("publishedFor() gives nothing where views, size, protocol or scenes differ", () => {
  assertEquals(publishedFor("dynnerf", false, [scene]), []);
  assertEquals(publishedFor("dynnerf", true, [{ ...scene, width: 96, height: 54 }]), []);
  assertEquals(publishedFor("dynnerf", true, [{ ...scene, scene: "MyScene" }]), []);
  assertEquals(publishedFor("mononerf", true, [scene]), []);
});

Deno.test("publishedTables has the averages that its source states", () => {
  const mean = (method: string) => {
    const rows = publishedTables[0].scores.filter((score) => score.method === method);
    const sum = (key: "psnr" | "lpips") => rows.reduce((total, row) => total + row[key], 0);
    return [(sum("psnr") / rows.length).toFixed(2), (sum("lpips") / rows.length).toFixed(3)];
  };
  assertEquals(mean("DynamicNeRF"), ["26.10", "0.082"]);
  assertEquals(mean("NSFF"), ["24.33", "0.199"]);
  assertEquals(mean("NR NeRF"), ["19.69", "0.323"]);
  assertEquals(mean("NeRF + t"), ["18.33", "0.427"]);
  assertEquals(mean("NeRF"), ["21.99", "0.250"]);
});
