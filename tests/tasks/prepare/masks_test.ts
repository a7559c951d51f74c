import { assertEquals, assertMatch } from "@std/assert";
import { tellMasks } from "../../../tasks/prepare/masks.ts";

Deno.test("tellMasks() doubts masks that mark nearly all, or nothing", () => {
  const tell = (source: string, moving: number) => tellMasks({ source, moving });
  assertEquals(
    tell("against the epipolar geometry", 0.3),
    "against the epipolar geometry, 30.0 % of the pixels move",
  );
  assertMatch(
    tell('yours from "m"', 0.95),
    /95\.0 % .*All but black does, and an alpha channel is not looked at/,
  );
  assertMatch(
    tell("against the epipolar geometry", 0.95),
    /poses or flow are not those of these frames/,
  );
  assertMatch(tell('yours from "m"', 0), /nothing at all/);
});
