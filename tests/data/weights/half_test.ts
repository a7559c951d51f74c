import { assertEquals } from "@std/assert";
import { bfloat16ToFloat32, float16ToFloat32, toFloat32 } from "../../../src/data/weights/half.ts";

Deno.test("float16ToFloat32() gives every one of the 65536 numbers", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const values = float16ToFloat32(bits);
  for (let i = 0; i < 65536; i++) {
    const sign = i & 0x8000 ? -1 : 1, exponent = i >> 10 & 31, fraction = (i & 1023) / 1024;
    const size = exponent === 31
      ? fraction === 0 ? Infinity : NaN
      : exponent === 0
      ? fraction * 2 ** -14
      : (1 + fraction) * 2 ** (exponent - 15);
    if (!Object.is(values[i], sign * size)) throw new Error(`${i}: found ${values[i]}`);
  }
});

Deno.test("bfloat16ToFloat32() gives the upper half of a float32", () => {
  const bits = Uint16Array.of(0x3f80, 0xc049, 0x7f80, 0x8000, 0x0001);
  const values = [1, -3.140625, Infinity, -0, 2 ** -133];
  assertEquals([...bfloat16ToFloat32(bits)], values);
  assertEquals(Number.isNaN(bfloat16ToFloat32(Uint16Array.of(0x7fc0))[0]), true);
});

Deno.test("toFloat32() takes every element type", () => {
  const shape = [2];
  const floats = (tensor: Parameters<typeof toFloat32>[0]) => [...toFloat32(tensor)];
  assertEquals(floats({ dtype: "F16", shape, data: Uint16Array.of(0x3c00, 0xc000) }), [1, -2]);
  assertEquals(floats({ dtype: "BF16", shape, data: Uint16Array.of(0x3f80, 0xc000) }), [1, -2]);
  assertEquals(floats({ dtype: "F64", shape, data: Float64Array.of(0.1, 2) }), [
    Math.fround(0.1),
    2,
  ]);
  assertEquals(floats({ dtype: "I64", shape, data: BigInt64Array.of(-1n, 2n ** 40n) }), [
    -1,
    2 ** 40,
  ]);
  assertEquals(floats({ dtype: "U64", shape, data: BigUint64Array.of(1n, 2n) }), [1, 2]);
  assertEquals(floats({ dtype: "BOOL", shape, data: Uint8Array.of(1, 0) }), [1, 0]);
  assertEquals(floats({ dtype: "I8", shape, data: Int8Array.of(-1, 1) }), [-1, 1]);
  const data = Float32Array.of(1, 2);
  assertEquals(toFloat32({ dtype: "F32", shape, data }) === data, true);
});
