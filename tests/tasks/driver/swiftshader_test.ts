import { assertEquals, assertThrows } from "@std/assert";
import { cacheFolder, hasSwiftShader } from "../../../tasks/driver/swiftshader.ts";

Deno.test("cacheFolder() follows the XDG base directory specification", () => {
  const folder = (variables: Record<string, string>) =>
    cacheFolder(new Map(Object.entries(variables)));
  assertEquals(folder({ XDG_CACHE_HOME: "/cache", HOME: "/home/me" }), "/cache/mononerf");
  assertEquals(
    folder({ XDG_CACHE_HOME: "not/absolute", HOME: "/home/me" }),
    "/home/me/.cache/mononerf",
  );
  assertEquals(folder({ HOME: "/home/me" }), "/home/me/.cache/mononerf");
  assertThrows(() => folder({}), Error, "set XDG_CACHE_HOME");
});

Deno.test("hasSwiftShader() is false for a folder that a broken run left behind, and for another library", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/libvulkan.so.1.1234.part`, "half");
    assertEquals(hasSwiftShader(folder), false);
    await Deno.writeTextFile(`${folder}/libvulkan.so.1`, "half");
    assertEquals(hasSwiftShader(folder), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
