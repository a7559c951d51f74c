import { assertEquals, assertThrows } from "@std/assert";
import { sourceRows, upsample, type UpsampleOptions } from "../../src/ops/upsample.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { assertClose } from "../support/close.ts";
import { evaluate, type HostMaps, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { testGpu } from "../support/gpu.ts";

const channels = 3;

/** A pixel of the upsampled frame by the definition; zero outside it. */
function sample(
  { height, width }: HostMaps,
  frame: Float32Array,
  channel: number,
  row: number,
  column: number,
  align: UpsampleOptions["align"],
): number {
  if (row < 0 || row >= 2 * height) return 0;
  const place = (i: number, length: number) =>
    align === "corners" ? i * (length - 1) / (2 * length - 1) : Math.max(0, (i + 0.5) / 2 - 0.5);
  const v = Math.min(place(row, height), height - 1);
  const u = Math.min(place(column, width), width - 1);
  let sum = 0;
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      const weight = Math.max(0, 1 - Math.abs(v - r)) * Math.max(0, 1 - Math.abs(u - c));
      sum += weight * frame[(r * width + c) * channels + channel];
    }
  }
  return sum;
}

for (const align of ["corners", "centers"] as const) {
  for (const [height, width] of [[7, 9], [1, 63], [65, 1], [2, 2]]) {
    Deno.test(`upsample() doubles ${height} x ${width}, aligned at ${align}`, async () => {
      const gpu = await testGpu();
      const x = randomMaps(1, [2, 1], { height, width, channels });
      const y = await evaluate(gpu, (plan) => {
        const maps = upsample(plan, "up", uploadMaps(gpu, x), { align });
        assertEquals([maps.height, maps.width], [2 * height, 2 * width]);
        return maps.frames.flat();
      });
      x.values.flat().forEach((frame, f) => {
        const expected = y[f].map((_, i) => {
          const pixel = Math.floor(i / channels);
          const row = Math.floor(pixel / (2 * width)), column = pixel % (2 * width);
          return sample(x, frame, i % channels, row, column, align);
        });
        assertClose(y[f], expected, 1e-6, `frame ${f}`);
      });
    });
  }
}

Deno.test("upsample() makes bands of bands, zero outside the frame", async () => {
  const gpu = await testGpu();
  const x = randomMaps(1, [1], { height: 9, width: 5, channels });
  for (const band of [{ first: -1, rows: 5 }, { first: 6, rows: 4 }, { first: 15, rows: 5 }]) {
    const source = sourceRows(9, band);
    const part = (data: Float32Array, { first, rows }: typeof band, width: number) =>
      data.slice(first * width * channels, (first + rows) * width * channels);
    const [whole, banded] = await evaluate(gpu, (plan) => {
      const cut = {
        ...x,
        height: source.rows,
        values: [[part(x.values[0][0], source, 5)]],
      };
      return [
        upsample(plan, "whole", uploadMaps(gpu, x), { align: "centers" }),
        upsample(plan, "banded", uploadMaps(gpu, cut), {
          align: "centers",
          source: { height: 9, first: source.first },
          band,
        }),
      ].flatMap(({ frames }) => frames.flat());
    });
    const row = 10 * channels;
    const above = new Float32Array(row * Math.max(0, -band.first));
    const below = new Float32Array(row * Math.max(0, band.first + band.rows - 18));
    const inside = whole.slice(Math.max(0, band.first) * row, (band.first + band.rows) * row);
    assertEquals(banded, Float32Array.of(...above, ...inside, ...below), JSON.stringify(band));
  }
});

Deno.test("upsample() refuses what a gradient is required of", async () => {
  const gpu = await testGpu();
  const x = uploadMaps(gpu, randomMaps(1, [1], { height: 2, width: 2, channels }));
  const frames = x.frames.map((scene) =>
    scene.map((frame) => ({ ...frame, requiresGradient: true }))
  );
  assertThrows(
    () => upsample(new Plan(gpu, "test"), "up", { ...x, frames }, { align: "centers" }),
    Error,
    'Cannot differentiate upsample "up": it is for inference only, and x requires a gradient',
  );
});
