import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { depthOrder } from "../../src/evaluation/depth_order.ts";

Deno.test("depthOrder() is 1 under any rising function and −1 under any falling one", () => {
  const depth = Float32Array.of(0.2, 5, 1, 3, 2);
  assertAlmostEquals(depthOrder(depth, depth.map((z) => Math.exp(z)))!, 1, 1e-12);
  assertAlmostEquals(depthOrder(depth, depth.map((z) => 1 / z))!, -1, 1e-12);
});

Deno.test("depthOrder() is 1 − 6 Σd² / n(n² − 1) without ties", () => {
  // Ranks 0 1 2 3 4 against 1 0 2 4 3: Σd² = 4, 1 − 24 / 120 = 0.8.
  const actual = Float32Array.of(1, 2, 3, 4, 5), expected = Float32Array.of(20, 10, 30, 50, 40);
  assertAlmostEquals(depthOrder(actual, expected)!, 0.8, 1e-12);
});

Deno.test("depthOrder() gives equal depths the mean of their ranks", () => {
  // Ranks 0 1.5 1.5 3 against 0 1 2 3: 4.5 / √(4.5 · 5).
  const actual = Float32Array.of(1, 2, 2, 9), expected = Float32Array.of(1, 2, 3, 4);
  assertAlmostEquals(depthOrder(actual, expected)!, 4.5 / Math.sqrt(22.5), 1e-12);
});

Deno.test("depthOrder() sees only the masked pixels", () => {
  const actual = Float32Array.of(1, NaN, 2, 3, 0), expected = Float32Array.of(4, 0, 5, 6, 9);
  const mask = Uint8Array.of(1, 0, 1, 1, 0);
  assertAlmostEquals(depthOrder(actual, expected, mask)!, 1, 1e-12);
  assertEquals(depthOrder(actual, expected, Uint8Array.of(1, 0, 0, 0, 0)), undefined);
});

Deno.test("depthOrder() of a constant map is 0", () => {
  assertEquals(depthOrder(new Float32Array(3), Float32Array.of(1, 2, 3)), 0);
});

Deno.test("depthOrder() refuses NaN and maps of different sizes", () => {
  assertThrows(
    () => depthOrder(Float32Array.of(1, NaN), Float32Array.of(1, 2)),
    RangeError,
    "pixel 1 is NaN",
  );
  assertThrows(
    () => depthOrder(new Float32Array(2), new Float32Array(3)),
    RangeError,
    "2 against 3",
  );
});
