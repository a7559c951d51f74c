import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { maskedPsnr, psnr } from "../../src/evaluation/psnr.ts";
import { loadCase } from "../support/goldens.ts";

Deno.test("psnr() is 20 log10(255 / rmse)", () => {
  // Differences 3, 4, 0, 0: rmse = √(25 / 4) = 2.5; 255 / 2.5 = 102.
  const actual = Uint8Array.of(10, 20, 30, 40), expected = Uint8Array.of(13, 16, 30, 40);
  assertAlmostEquals(psnr(actual, expected), 20 * Math.log10(102), 1e-9);
  assertAlmostEquals(psnr(Uint8Array.of(0), Uint8Array.of(255)), 0, 1e-9);
});

Deno.test("psnr() of equal images is the finite value of cv2.PSNR", () => {
  assertAlmostEquals(psnr(Uint8Array.of(7, 8), Uint8Array.of(7, 8)), 361.202, 1e-3);
});

Deno.test("maskedPsnr() sees only the region", () => {
  const actual = Uint8Array.of(9, 9, 9, 50, 50, 50, 9, 9, 9);
  const expected = Uint8Array.of(0, 0, 0, 50, 50, 60, 0, 0, 0);
  // The middle pixel: squares 0, 0, 100.
  const wanted = 20 * Math.log10(255 / Math.sqrt(100 / 3));
  assertAlmostEquals(maskedPsnr(actual, expected, Uint8Array.of(0, 255, 0))!, wanted, 1e-9);
  assertAlmostEquals(
    maskedPsnr(actual, expected, Uint8Array.of(1, 1, 1))!,
    psnr(actual, expected),
    1e-9,
  );
  assertEquals(maskedPsnr(actual, expected, new Uint8Array(3)), undefined);
});

Deno.test("psnr() refuses images of different sizes", () => {
  assertThrows(() => psnr(new Uint8Array(3), new Uint8Array(6)), RangeError, "3 values");
  assertThrows(() => psnr(new Uint8Array(0), new Uint8Array(0)), RangeError);
  assertThrows(
    () => maskedPsnr(new Uint8Array(6), new Uint8Array(6), new Uint8Array(4)),
    RangeError,
    "mask has 4 pixels",
  );
});

Deno.test("psnr() agrees with cv2.PSNR: golden case metrics", async () => {
  const golden = await loadCase("metrics");
  const images = golden.input("images"), [count, ...shape] = images.shape;
  const size = shape.reduce((a, b) => a * b);
  const image = (i: number) => Uint8Array.from(images.data.subarray(i * size, (i + 1) * size));
  for (let i = 0; i < count; i++) {
    const expected = golden.output(`psnr_0_${i}`).data[0];
    assertAlmostEquals(psnr(image(i), image(0)), expected, 1e-6 * expected); // stored as float32
  }
});
