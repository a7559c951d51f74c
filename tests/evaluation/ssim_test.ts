import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { maskedSsim, ssim } from "../../src/evaluation/ssim.ts";
import { loadCase } from "../support/goldens.ts";

const C1 = 6.5025, C2 = 58.5225;

/** The definition, window by window: one value a window, the mean over its channels. */
function windows(a: Uint8Array, e: Uint8Array, width: number, height: number): number[] {
  const values: number[] = [];
  for (let y = 0; y + 7 <= height; y++) {
    for (let x = 0; x + 7 <= width; x++) {
      const channels = [0, 1, 2].map((channel) => {
        const places = Array.from(
          { length: 49 },
          (_, i) => ((y + Math.floor(i / 7)) * width + x + i % 7) * 3 + channel,
        );
        const mean = (image: Uint8Array) => places.reduce((s, p) => s + image[p], 0) / 49;
        const meanA = mean(a), meanE = mean(e);
        const covariance = (f: (place: number) => number) =>
          places.reduce((s, p) => s + f(p), 0) / 48;
        const aa = covariance((p) => (a[p] - meanA) ** 2);
        const ee = covariance((p) => (e[p] - meanE) ** 2);
        const ae = covariance((p) => (a[p] - meanA) * (e[p] - meanE));
        return (2 * meanA * meanE + C1) * (2 * ae + C2) /
          ((meanA ** 2 + meanE ** 2 + C1) * (aa + ee + C2));
      });
      values.push((channels[0] + channels[1] + channels[2]) / 3);
    }
  }
  return values;
}

const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

/** Two related images with structure in each channel. */
function images(width: number, height: number): [Uint8Array, Uint8Array] {
  const a = Uint8Array.from({ length: width * height * 3 }, (_, i) => i * i * 7 % 251);
  return [a, a.map((value, i) => value / 2 + i % 83)];
}

Deno.test("ssim() is the mean over 7×7 windows inside the image and channels", () => {
  const [a, e] = images(13, 10);
  assertAlmostEquals(ssim(a, e, 13, 10), mean(windows(a, e, 13, 10)), 1e-12);
});

Deno.test("ssim() of flat images compares their means alone", () => {
  const a = new Uint8Array(147).fill(100), e = new Uint8Array(147).fill(110);
  assertAlmostEquals(ssim(a, e, 7, 7), (22000 + C1) / (22100 + C1), 1e-12);
  assertAlmostEquals(ssim(a, a, 7, 7), 1, 1e-12);
});

Deno.test("maskedSsim() averages the windows centred in the region", () => {
  const [a, e] = images(9, 8); // 3 × 2 windows, centred on x 3..5, y 3..4
  const mask = new Uint8Array(72);
  mask[3 * 9 + 5] = mask[4 * 9 + 3] = 1;
  mask[0] = 1; // centres no window
  const values = windows(a, e, 9, 8);
  assertAlmostEquals(maskedSsim(a, e, 9, 8, mask)!, (values[2] + values[3]) / 2, 1e-12);
  assertEquals(maskedSsim(a, e, 9, 8, new Uint8Array(72)), undefined);
});

Deno.test("ssim() refuses sizes that do not fit", () => {
  const [a, e] = images(9, 8);
  assertThrows(() => ssim(a, e, 8, 8), RangeError, "wanted 8 × 8 × 3 = 192");
  assertThrows(() => ssim(a, e, 12, 6), RangeError, "12 × 6");
  assertThrows(() => maskedSsim(a, e, 9, 8, new Uint8Array(9)), RangeError, "mask has 9");
});

Deno.test("ssim() agrees with scikit-image: golden case metrics", async () => {
  const golden = await loadCase("metrics");
  const images = golden.input("images"), [count, height, width] = images.shape;
  const size = height * width * 3;
  const image = (i: number) => Uint8Array.from(images.data.subarray(i * size, (i + 1) * size));
  for (let i = 0; i < count; i++) {
    const expected = golden.output(`ssim_0_${i}`).data[0];
    assertAlmostEquals(ssim(image(i), image(0), width, height), expected, 1e-6);
  }
});
