import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsTensor,
} from "../../../src/data/formats/safetensors.ts";

const tensors = new Map<string, SafetensorsTensor>([
  ["mask", { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ["weight", { dtype: "F32", shape: [2, 2], data: Float32Array.of(1.5, NaN, -0, 3) }],
  ["step", { dtype: "I64", shape: [], data: BigInt64Array.of(150001n) }],
  ["double", { dtype: "F64", shape: [1], data: Float64Array.of(0.1) }],
  ["ids", { dtype: "I32", shape: [2], data: Int32Array.of(-1, 2) }],
  ["rng", { dtype: "U32", shape: [1], data: Uint32Array.of(0xffffffff) }],
  ["half", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xfc01) }],
  ["brain", { dtype: "BF16", shape: [1], data: Uint16Array.of(0x7fc1) }],
  ["i8", { dtype: "I8", shape: [2], data: Int8Array.of(-128, 127) }],
  ["i16", { dtype: "I16", shape: [1], data: Int16Array.of(-300) }],
  ["u16", { dtype: "U16", shape: [1], data: Uint16Array.of(65535) }],
  ["u64", { dtype: "U64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
  ["bytes", { dtype: "U8", shape: [0, 4], data: new Uint8Array(0) }],
]);

Deno.test("decodeSafetensors() reads what encodeSafetensors() writes", () => {
  const bytes = encodeSafetensors(tensors, { version: "1", stage: "dynamic" });
  const read = decodeSafetensors(bytes, "x");
  assertEquals(read.tensors, tensors);
  assertEquals(read.metadata, { version: "1", stage: "dynamic" });
  assertEquals(decodeSafetensors(encodeSafetensors(new Map()), "x").tensors.size, 0);
});

Deno.test("decodeSafetensors() reads a file laid out by hand", () => {
  const header = '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
  const bytes = new Uint8Array(8 + header.length + 8);
  bytes[0] = header.length;
  bytes.set(new TextEncoder().encode(header), 8);
  bytes.set(new Uint8Array(Float32Array.of(1, 2).buffer), 8 + header.length);
  const a = decodeSafetensors(bytes, "x").tensors.get("a")!;
  assertEquals([a.shape, [...a.data]], [[1, 2], [1, 2]]);
});

Deno.test("encodeSafetensors() starts data at a multiple of 8 and repeats itself", () => {
  const bytes = encodeSafetensors(tensors);
  assertEquals(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, 0);
  assertEquals(bytes, encodeSafetensors(new Map(tensors)));
  const wrong = new Map<string, SafetensorsTensor>([
    ["w", { dtype: "F32", shape: [3], data: new Float32Array(2) }],
  ]);
  assertThrows(() => encodeSafetensors(wrong), RangeError, 'tensor "w": shape (3) needs 3 values');
});

Deno.test("decodeSafetensors() refuses files that are cut, overlong, overlapping or foreign", () => {
  const file = (header: string, dataBytes: number) => {
    const bytes = new Uint8Array(8 + header.length + dataBytes);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    return bytes;
  };
  const fails = (bytes: Uint8Array, message: string) =>
    assertThrows(
      () => decodeSafetensors(bytes, "c.safetensors"),
      DataError,
      `Cannot read "c.safetensors": ${message}`,
    );
  const good = encodeSafetensors(tensors);
  for (let length = 0; length < good.length; length += 11) {
    fails(good.subarray(0, length), "");
  }
  fails(Uint8Array.of(...good, 0), "1 bytes follow the last tensor");
  fails(new Uint8Array(8).fill(0xff), "it is no safetensors file");
  fails(file("[1]     ", 0), "its header is not a JSON object");
  fails(file("{nonsense", 0), "its header is not a JSON object");
  fails(file('{"__metadata__":{"a":1}}', 0), "its metadata is not a table of strings");
  const entry = (dtype: string, shape: string, from: number, to: number) =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;
  fails(file(`{"a":${entry("F8", "[1]", 0, 1)}}`, 1), 'tensor "a" has dtype "F8"');
  fails(file(`{"a":${entry("F32", "[-1]", 0, 4)}}`, 4), 'tensor "a" has a damaged shape');
  fails(file(`{"a":${entry("F32", "[2]", 0, 4)}}`, 4), 'tensor "a" of shape (2) needs 8 bytes');
  fails(file(`{"a":${entry("F32", "[9]", 0, 36)}}`, 4), 'tensor "a" of shape (9) needs 36 bytes');
  const pair = (second: number) =>
    `{"a":${entry("F32", "[1]", 0, 4)},"b":${entry("F32", "[1]", second, second + 4)}}`;
  fails(file(pair(0), 4), 'tensor "b" begins at 0, wanted 4');
  fails(file(pair(8), 12), 'tensor "b" begins at 8, wanted 4');
  const twice = `{"a":${entry("F32", "[0]", 0, 0)},"a":${entry("F32", "[0]", 0, 0)}}`;
  fails(file(twice, 0), "two tensors have the same name");
  fails(
    file(`{"a":${entry("F32", `[${Array(65).fill(1)}]`, 0, 4)}}`, 4),
    'tensor "a" has a damaged',
  );
  // Nests that JSON.parse would take gigabytes for, and more tensors than there can be.
  fails(file(`{"a":{"b":${"[".repeat(1e6)}`, 0), "its header is not a JSON object");
  const names = Array.from({ length: 2 ** 17 + 1 }, (_, i) => `"${i}":{}`);
  fails(file(`{${names}}`, 0), "it has 131073 tensors, wanted at most 131072");
  fails(file(" ".repeat(2 ** 24 + 1), 0), "its header has 16777217 bytes");
});
