import { assertEquals, assertThrows } from "@std/assert";
import { deflateSync } from "npm:fflate@0.8.3";
import { DataError } from "../../../src/data/files.ts";
import { encodeStoredZip, encodeZip, openZip } from "../../../src/data/formats/zip.ts";
import { bytesOf } from "../../support/pickles.ts";

const KIND = { what: "archive", remedy: "pack it again" };
const open = (bytes: Uint8Array) => openZip(bytes, "a.zip", KIND);
const contents = (bytes: Uint8Array) => {
  const zip = open(bytes);
  return [...zip.entries].map(([name, entry]) => [name, [...zip.extract(entry, name)]]);
};
const u16 = (value: number) => new Uint8Array(Uint16Array.of(value).buffer);
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

/** CRC-32 of the text "123456789", from its definition. */
const DIGITS = "123456789", DIGITS_CRC = 0xcbf43926;

interface Listed {
  name: string;
  method?: number;
  crc?: number;
  packed: Uint8Array;
  /** Sizes that the directory gives. */
  packedBytes?: number;
  bytes?: number;
}

/** An archive laid out by hand: local headers and data, directory, end; sizes and places in 64-bit fields with `wide`. */
function archive(files: Listed[], wide = false): Uint8Array {
  const locals: Uint8Array[] = [], directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, method = 0, crc = DIGITS_CRC, packed, ...sizes } of files) {
    const { packedBytes = packed.length, bytes = packed.length } = sizes;
    const local = bytesOf(
      "PK\x03\x04",
      new Uint8Array(22),
      u16(name.length),
      u16(3),
      name,
      "\0\0\0",
      packed,
    );
    locals.push(local);
    const extra = wide
      ? bytesOf(u16(99), u16(1), 0, u16(1), u16(24), u64(bytes), u64(packedBytes), u64(at))
      : bytesOf();
    const size = (value: number) => u32(wide ? 0xffffffff : value);
    directory.push(bytesOf(
      ...[
        "PK\x01\x02",
        new Uint8Array(6),
        u16(method),
        new Uint8Array(4),
        u32(crc),
        size(packedBytes),
      ],
      ...[
        size(bytes),
        u16(name.length),
        u16(extra.length),
        new Uint8Array(10),
        size(at),
        name,
        extra,
      ],
    ));
    at += local.length;
  }
  const listed = bytesOf(...directory);
  const end64 = bytesOf(
    ...["PK\x06\x06", new Uint8Array(28), u64(files.length), u64(listed.length), u64(at)],
    ...["PK\x06\x07", u32(0), u64(at + listed.length), u32(1)],
  );
  const end = bytesOf(
    "PK\x05\x06",
    new Uint8Array(6),
    u16(wide ? 0xffff : files.length),
    u32(0),
    u32(wide ? 0xffffffff : at),
    u16(0),
  );
  return bytesOf(...locals, listed, wide ? end64 : "", end);
}

const digits = (name: string): Listed => ({ name, packed: bytesOf(DIGITS) });

Deno.test("openZip() reads archives with 32-bit and 64-bit fields", () => {
  const wanted = ["a", "b/ü"].map((name) => [name, [...bytesOf(DIGITS)]]);
  const files = [digits("a"), digits("b/\xc3\xbc")];
  assertEquals(contents(archive(files)), wanted);
  assertEquals(contents(archive(files, true)), wanted);
  const deflated = { ...digits("a"), method: 8, packed: deflateSync(bytesOf(DIGITS)), bytes: 9 };
  assertEquals(contents(archive([deflated], true)), [wanted[0]]);
});

Deno.test("openZip() refuses names that come twice, too many entries, and sizes that cannot be true", () => {
  const fails = (bytes: Uint8Array, message: string) =>
    assertThrows(() => contents(bytes), DataError, `Cannot read "a`, message);
  const says = (bytes: Uint8Array, message: string) =>
    assertThrows(() => contents(bytes), DataError, message);
  says(archive([digits("a"), digits("a")]), 'two entries are named "a"; pack it again');
  says(archive([{ ...digits("a"), crc: 1 }]), "its checksum does not match");
  says(
    archive([{ ...digits("a"), method: 9 }]),
    "compression method is 9, wanted stored or deflated",
  );
  says(
    archive([{ ...digits("a"), method: 8, bytes: 2 ** 31 }]),
    "the size that the archive gives cannot be true",
  );
  const long = { ...digits("a"), packedBytes: 50, bytes: 50 }; // reaches into the next entry
  says(archive([long, { ...long, name: "b" }]), "the sizes in its directory cannot be true");
  const many = archive([digits("a")], true);
  new DataView(many.buffer).setBigUint64(many.length - 22 - 20 - 56 + 32, 10n ** 6n, true);
  says(many, "it has 1000000 entries, wanted at most 262144; pack it again");
  const good = archive([digits("a"), digits("b")], true);
  for (let length = 0; length < good.length; length++) {
    fails(good.subarray(0, length), String(length));
  }
});

Deno.test("openZip() stops where deflated data goes on beyond its size", () => {
  const packed = deflateSync(new Uint8Array(2 ** 24));
  says(2 ** 24 - 1, "its compressed data is damaged (it is larger than the archive says)");
  says(1, "its compressed data is damaged (it is larger than the archive says)");
  says(2 ** 24 + 1, "its checksum does not match");
  function says(bytes: number, message: string) {
    const file = archive([{ name: "a", method: 8, packed, bytes }]);
    assertThrows(() => contents(file), DataError, message);
  }
});

Deno.test("openZip() reads what encodeZip() and encodeStoredZip() write", () => {
  const files = { "a/x": bytesOf("xyz"), empty: bytesOf(), "ü": new Uint8Array(1000) };
  const wanted = Object.entries(files).map(([name, bytes]) => [name, [...bytes]]);
  assertEquals(contents(encodeZip(files)), wanted);
  const stored = encodeStoredZip(new Map(Object.entries(files)));
  assertEquals(contents(stored), wanted);
  assertEquals(stored.indexOf(bytesOf("x")[0], stored.indexOf(0x46)) % 64, 0);
  const many = new Map(Array.from({ length: 65536 }, (_, i) => [String(i), bytesOf()]));
  assertThrows(() => encodeStoredZip(many), RangeError, "Cannot encode 65536 files");
});
