import { assertEquals, assertThrows } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/files.ts";
import { decodeNpy, encodeNpy, readNpy } from "../../../src/data/formats/npy.ts";
import { fixture } from "../temporary_folder.ts";

Deno.test("readNpy() reads format version 2", async () => {
  const array = await readNpy(fixture("data/npy_version2.npy"), ["float64"]);
  assertEquals(array.shape, [3, 2]);
  assertEquals([...array.data], [0, 1, 2, 3, 4, 5]);
});

Deno.test("decodeNpy() reads what encodeNpy() writes, in every type", () => {
  const shape = [2, 3];
  const arrays = [
    ["float32", Float32Array.of(1.5, -2, 3, NaN, Infinity, 0)],
    ["float64", Float64Array.of(0.1, 1e300, -0, 1, 2, 3)],
    ["bool", Uint8Array.of(0, 1, 1, 0, 0, 1)],
    ["uint8", Uint8Array.of(0, 255, 1, 2, 3, 4)],
    ["int32", Int32Array.of(-1, 2 ** 31 - 1, 0, 1, 2, 3)],
    ["int64", BigInt64Array.of(-1n, 2n ** 62n, 0n, 1n, 2n, 3n)],
  ] as const;
  for (const [dtype, data] of arrays) {
    const bytes = encodeNpy(ndarray(data, shape), dtype);
    assertEquals(bytes.indexOf(10) % 64, 63, "the data begins at a multiple of 64");
    const read = decodeNpy(bytes, "x.npy", [dtype]);
    assertEquals(read.shape, shape);
    assertEquals(read.data, data);
  }
  assertEquals(
    decodeNpy(encodeNpy(ndarray(Float32Array.of(1), [1]), "float32"), "x", ["float32"]).shape,
    [1],
  );
});

Deno.test("decodeNpy() says what is wrong with a file, and what to do", async () => {
  const array = ndarray(BigInt64Array.of(1n, 2n), [2]);
  const bytes = encodeNpy(array, "int64");
  const fails = (bytes: Uint8Array, message: string) => {
    const decode = () => decodeNpy(bytes, "disp/003.npy", ["float32", "float64"]);
    assertThrows(decode, DataError, `Cannot read "disp/003.npy": ${message}`);
  };
  fails(
    bytes,
    'dtype is "<i8", wanted float32 or float64; save it again with array.astype("float32")',
  );
  const good = encodeNpy(ndarray(new Float32Array(6), [2, 3]), "float32");
  fails(
    good.subarray(0, good.length - 1),
    "shape (2, 3) of float32 needs 24 bytes after the header, found 23",
  );
  fails(
    Uint8Array.of(...good, 0),
    "shape (2, 3) of float32 needs 24 bytes after the header, found 25",
  );
  fails(good.subarray(0, 100), "the file ends in its header");
  fails(good.subarray(0, 9), "it does not start like a .npy file");
  fails(new Uint8Array(100), "it does not start like a .npy file");
  const version3 = await Deno.readFile(fixture("data/npy_version3.npy"));
  fails(version3, "format version is 3, wanted 1 or 2");
  const edited = (from: string, to: string) =>
    Uint8Array.from(
      String.fromCharCode(...good).replace(from, to),
      (character) => character.charCodeAt(0),
    );
  fails(edited("False", "True "), "order is Fortran, wanted C");
  fails(edited("(2, 3)", "(2e3 )"), "the header is not a plain array's");
  // No memory is taken for sizes that the file cannot hold.
  fails(
    edited("(2, 3), }    ", "(999999999, 9)"),
    "shape (999999999, 9) of float32 needs 35999999964",
  );
});
