import { assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/files.ts";
import { encodeNpz, openNpz, readNpz } from "../../../src/data/formats/npz.ts";
import { fixture } from "../temporary_folder.ts";

const COUNT = Array.from({ length: 24 }, (_, i) => i);

Deno.test("readNpz() reads NumPy's stored and deflated arrays", async () => {
  for (const name of ["stored", "deflated"]) {
    const npz = await readNpz(fixture(`data/npz_${name}.npz`));
    const float32 = npz.array("float32", ["float32"]);
    assertEquals(float32.shape, [2, 3, 4]);
    assertEquals([...float32.data], COUNT.map((i) => i / 4));
    assertEquals([...npz.array("float64", ["float64"]).data], COUNT.map((i) => i / 8));
    assertEquals([...npz.array("bool", ["bool"]).data], COUNT.map((i) => i % 2 === 0 ? 1 : 0));
  }
});

Deno.test("readNpz() reads integers, scalars and empty arrays", async () => {
  const npz = await readNpz(fixture("data/npz_stored.npz"));
  assertEquals([...npz.array("uint8", ["uint8"]).data], COUNT);
  assertEquals([...npz.array("int32", ["int32"]).data], COUNT.map((i) => -i));
  assertEquals([...npz.array("int64", ["int64"]).data], COUNT.map((i) => BigInt(i) * 10n ** 12n));
  assertEquals(npz.array("scalar", ["float32"]).shape, []);
  assertEquals([...npz.array("scalar", ["float32"]).data], [2.5]);
  assertEquals(npz.array("empty", ["float32"]).shape, [0, 3]);
});

Deno.test("readNpz() refuses other orders and types by name", async () => {
  const path = fixture("data/npz_stored.npz");
  const npz = await readNpz(path);
  const fails = (name: string, message: string) =>
    assertThrows(
      () => npz.array(name, ["float32", "float64"]),
      DataError,
      `Cannot read "${path}[${name}]": ${message}`,
    );
  fails("fortran", "order is Fortran, wanted C");
  fails("float16", 'dtype is "<f2", wanted float32 or float64');
  fails("big", 'dtype is ">f4", wanted float32 or float64');
  fails("structured", "dtype is structured, wanted float32 or float64");
  assertThrows(() => npz.array("flow", ["float32"]), DataError, 'there is no array "flow" in it');
});

Deno.test("openNpz() reads what encodeNpz() writes, and equal arrays give equal bytes", () => {
  const flow = ndarray(Float32Array.from(COUNT), [3, 4, 2]);
  const mask = ndarray(Uint8Array.from(COUNT.slice(0, 12), (i) => i % 2), [3, 4]);
  const encode = () =>
    encodeNpz({ flow: { array: flow, dtype: "float32" }, mask: { array: mask, dtype: "bool" } });
  const npz = openNpz(encode(), "000_fwd.npz");
  assertEquals(npz.names, ["flow", "mask"]);
  assertEquals(npz.array("flow", ["float32"]).data, flow.data);
  assertEquals(npz.array("mask", ["bool"]).data, mask.data);
  assertEquals(encode(), encode());
});

Deno.test("openNpz() refuses cut, damaged and lying archives", async () => {
  const read = () => Deno.readFile(fixture("data/npz_deflated.npz"));
  const bytes = await read();
  const load = (bytes: Uint8Array) => {
    const npz = openNpz(bytes, "a.npz");
    return npz.array("float32", ["float32"]);
  };
  load(bytes);
  for (let length = 0; length < bytes.length; length += 7) {
    assertThrows(() => load(bytes.subarray(0, length)), DataError, 'Cannot read "a.npz');
  }
  const directory = new DataView(bytes.buffer).getUint32(bytes.length - 6, true);
  // Every byte before the end record that decides about the array, turned over.
  for (const at of [30 + 11 + 20, directory, directory + 10, directory + 16, directory + 24]) {
    const damaged = await read();
    damaged[at] ^= 0x55;
    assertThrows(() => load(damaged), DataError, 'Cannot read "a.npz', `byte ${at}`);
  }
  const huge = await read();
  new DataView(huge.buffer).setUint32(directory + 24, 0xfffffff0, true);
  assertThrows(() => load(huge), DataError, "the size that the archive gives cannot be true");
});
