import { assertEquals } from "@std/assert";
import { unknownName } from "../../src/recipes/unknown_name.ts";

Deno.test("unknownName() suggests a near name, or lists a few", () => {
  const recipes = ["balloon", "skating"];
  assertEquals(
    unknownName("recipe", "baloon", recipes),
    'Unknown recipe "baloon", did you mean "balloon"?',
  );
  assertEquals(
    unknownName("recipe", "xyz", recipes),
    'Unknown recipe "xyz"; there are balloon, skating',
  );
  assertEquals(unknownName("recipe", "xyz", []), 'Unknown recipe "xyz"');
});

Deno.test("unknownName() counts letters that are inserted, deleted and replaced, in either case", () => {
  const known = ["smoothTime", "smoothSpace", "cycle"];
  for (const name of ["smothTime", "smooothTime", "smoothTame", "SMOOTHTIME"]) {
    const message = `Unknown loss term "${name}", did you mean "smoothTime"?`;
    assertEquals(unknownName("loss term", name, known), message);
  }
  assertEquals(
    unknownName("loss term", "time", known),
    'Unknown loss term "time"; there are smoothTime, smoothSpace, cycle',
  );
});
