import { assertEquals } from "@std/assert";
import { readElf } from "../../../tasks/driver/elf.ts";

Deno.test("readElf() reads a library's name and those of the libraries that it needs", () => {
  const names = { soname: "libchair.so.1", needed: ["libwood.so.2", "libc.so.6"] };
  assertEquals(readElf(library(names.soname, names.needed)), names);
  assertEquals(readElf(library(undefined, [])), { soname: undefined, needed: [] });
});

Deno.test("readElf() gives nothing for what is no library", () => {
  assertEquals(readElf(new Uint8Array(0)), undefined);
  assertEquals(readElf(new TextEncoder().encode("#!/bin/sh\n".repeat(20))), undefined);
  const narrow = library("libchair.so.1", []);
  narrow[4] = 1; // 32 bits
  assertEquals(readElf(narrow), undefined);
});

/** A file with what reading needs: a header, a segment of all of it loaded at 0x1000, its dynamic section, its strings. */
function library(soname: string | undefined, needed: string[]): Uint8Array {
  const bytes = new Uint8Array(1024), view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const word = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  word(32, 64); // the segments' headers
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  const segment = (at: number, type: number, offset: number, size: number) => {
    view.setUint32(at, type, true);
    word(at + 8, offset);
    word(at + 16, 0x1000 + offset);
    word(at + 32, size);
  };
  const strings = 512, entries: [tag: number, value: number][] = [[5, 0x1000 + strings]];
  let end = strings + 1;
  const text = (value: string) => {
    bytes.set(new TextEncoder().encode(value), end);
    end += value.length + 1;
    return end - value.length - 1 - strings;
  };
  for (const name of needed) entries.push([1, text(name)]);
  if (soname !== undefined) entries.push([14, text(soname)]);
  segment(64, 1, 0, bytes.length);
  segment(120, 2, 256, 16 * entries.length);
  entries.forEach(([tag, value], i) => {
    word(256 + 16 * i, tag);
    word(264 + 16 * i, value);
  });
  return bytes;
}
