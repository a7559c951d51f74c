import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { findDamage, sha256Hex } from "../../../tasks/driver/pinned_files.ts";
import { temporaryFolder } from "../../data/temporary_folder.ts";

Deno.test("findDamage() names the first file that is missing, cut short, changed or a folder", async () => {
  await using folder = await temporaryFolder();
  const content = new Uint8Array((1 << 20) + 3).map((_, i) => i); // more than one read
  const sha256 = sha256Hex(content);
  const files = ["a", "b"].map((name) => ({ name, bytes: content.length, sha256 }));
  const path = join(folder.path, "b");
  assertEquals(findDamage(folder.path, files), "a");
  await Deno.writeFile(join(folder.path, "a"), content);
  assertEquals(findDamage(folder.path, files), "b");
  await Deno.writeFile(path, content);
  assertEquals(findDamage(folder.path, files), undefined);
  await Deno.writeFile(path, content.subarray(1));
  assertEquals(findDamage(folder.path, files), "b");
  await Deno.writeFile(path, content.with(1 << 20, 7));
  assertEquals(findDamage(folder.path, files), "b");
  await Deno.remove(path);
  await Deno.mkdir(path);
  assertEquals(findDamage(folder.path, files), "b");
});

Deno.test("sha256Hex() is SHA-256", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2, B.1
  assertEquals(sha256Hex(new TextEncoder().encode("abc")), abc);
});
