import { assertEquals, assertStringIncludes } from "@std/assert";
import { matchingOf, whatToTry } from "../../../tasks/prepare/colmap.ts";

Deno.test("matchingOf() compares all pairs of up to 30 frames", () => {
  assertEquals([3, 30, 31, 100].map(matchingOf), [
    "exhaustive",
    "exhaustive",
    "sequential",
    "sequential",
  ]);
});

Deno.test("whatToTry() advises to compare all pairs where that was not done", () => {
  assertStringIncludes(whatToTry("sequential"), "--matching exhaustive");
  assertEquals(whatToTry("exhaustive").includes("--matching"), false);
});
