import { assertEquals, assertThrows } from "@std/assert";
import { readTarFile } from "../../../tasks/driver/tar.ts";

Deno.test("readTarFile() finds a file behind others, whatever their size", () => {
  const last = new Uint8Array(513).fill(7);
  const archive = tar([["a", new Uint8Array(0)], ["bin/b", new Uint8Array(512)], ["bin/c", last]]);
  assertEquals(readTarFile(archive, "bin/c"), last);
  assertEquals(readTarFile(archive, "a"), new Uint8Array(0));
});

Deno.test("readTarFile() names a file that the archive has not", () => {
  assertThrows(() => readTarFile(tar([["a", new Uint8Array(1)]]), "b"), Error, `Cannot read "b"`);
});

Deno.test("readTarFile() takes no folder or link for a file", () => {
  assertThrows(() => readTarFile(tar([["bin", new Uint8Array(0)]], "5"), "bin"), Error, `"bin"`);
});

Deno.test("readTarFile() refuses an archive that ends inside a file", () => {
  const cut = tar([["a", new Uint8Array(600)]]).subarray(0, 512 + 599);
  assertThrows(() => readTarFile(cut, "a"), Error, `"a" from a tar archive: the archive ends`);
});

/** A ustar archive with the fields that reading needs: name, size, type; files padded to blocks of 512. */
function tar(files: [name: string, bytes: Uint8Array][], type = "0"): Uint8Array {
  const blocks = files.flatMap(([name, bytes]) => {
    const header = new Uint8Array(512);
    const write = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
    write(name, 0);
    write(bytes.length.toString(8).padStart(11, "0"), 124);
    write(type, 156);
    const padded = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    padded.set(bytes);
    return [header, padded];
  });
  const whole = [...blocks, new Uint8Array(1024)];
  const archive = new Uint8Array(whole.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of whole) {
    archive.set(block, at);
    at += block.length;
  }
  return archive;
}
