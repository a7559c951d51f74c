import { assertEquals } from "@std/assert";
import { matchingOf } from "../../../tasks/prepare/colmap.ts";

Deno.test("matchingOf() compares all pairs of up to 30 frames", () => {
  assertEquals([3, 30, 31, 100].map(matchingOf), [
    "exhaustive",
    "exhaustive",
    "sequential",
    "sequential",
  ]);
});
