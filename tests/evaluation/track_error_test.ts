import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { trackError } from "../../src/evaluation/track_error.ts";

const path = [[1, 2], [3, 4], [5, 6]] as const;
const moved = path.map(([x, y]) => [x + 3, y + 4] as const);

Deno.test("trackError() is the mean distance over points and times", () => {
  assertEquals(trackError([path], [path]), 0);
  assertEquals(trackError([moved], [path]), 5);
  assertEquals(trackError([moved, path], [path, path]), 2.5);
  assertAlmostEquals(trackError([[...path.slice(0, 2), moved[2]]], [path])!, 5 / 3, 1e-12);
});

Deno.test("trackError() leaves out a time, and points whose true path is not known", () => {
  const once = [path[0], moved[1], path[2]];
  assertEquals(trackError([once], [path], 1), 0);
  assertEquals(trackError([once, moved], [path, undefined], 0), 2.5);
  assertEquals(trackError([moved], [undefined]), undefined);
  assertEquals(trackError([], []), undefined);
});

Deno.test("trackError() refuses paths of other sizes", () => {
  assertThrows(() => trackError([path], []), RangeError, "1 against 0 points; wanted as many");
  assertThrows(
    () => trackError([path], [path.slice(1)]),
    RangeError,
    "paths of point 0: 3 against 2 times; wanted as many",
  );
});
