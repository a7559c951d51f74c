import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { endPointError } from "../../src/evaluation/flow_error.ts";

const actual = Float32Array.of(3, 4, 1, 1, NaN, 0), expected = Float32Array.of(0, 0, 1, 2, 0, 0);

Deno.test("endPointError() is the mean distance over the valid pixels", () => {
  assertAlmostEquals(endPointError(actual, expected, Uint8Array.of(1, 1, 0))!, (5 + 1) / 2, 1e-12);
  assertAlmostEquals(endPointError(actual, expected, Uint8Array.of(0, 255, 0))!, 1, 1e-12);
});

Deno.test("endPointError() of no valid pixel is undefined", () => {
  assertEquals(endPointError(actual, expected, new Uint8Array(3)), undefined);
});

Deno.test("endPointError() refuses flows that do not fit the mask", () => {
  assertThrows(() => endPointError(actual, expected, new Uint8Array(2)), RangeError, "2 pixels");
});
