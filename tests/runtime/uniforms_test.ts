import { assertEquals, assertThrows } from "@std/assert";
import { defineKernel } from "../../src/runtime/kernel.ts";
import { packUniform, packUniforms } from "../../src/runtime/uniforms.ts";

const kernel = defineKernel(
  "wgsl/dims.wgsl",
  "struct Dims { a: u32, b: f32, c: i32, d: u32, e: f32 }\n" +
    "@group(0) @binding(0) var<uniform> dims: Dims;",
);
const values = { a: 7, b: 1.5, c: -3, d: true, e: 0.25 };

Deno.test("packUniform() writes fields in the struct's order and types, padded to 16 bytes", () => {
  const view = new DataView(packUniform(kernel, "dims", values).buffer);
  assertEquals(view.byteLength, 32);
  assertEquals(
    [view.getUint32(0, true), view.getFloat32(4, true), view.getInt32(8, true)],
    [7, 1.5, -3],
  );
  assertEquals([view.getUint32(12, true), view.getFloat32(16, true)], [1, 0.25]);
});

Deno.test("packUniform() refuses missing and unknown fields, by name", () => {
  const { e: _, ...rest } = values;
  assertThrows(() => packUniform(kernel, "dims", rest), Error, "field e is not given");
  assertThrows(() => packUniform(kernel, "dims", { ...values, f: 1 }), Error, "no field f");
  assertThrows(() => packUniform(kernel, "size", values), Error, "declares no such uniform");
});

Deno.test("packUniforms() stores each distinct block once, at the adapter's alignment", () => {
  const [first, second, same] = [values, { ...values, a: 8 }, { ...values }];
  const uses = [first, second, same].map((values) => ({ kernel, name: "dims", values }));
  const { bytes, slots } = packUniforms(uses, 256);
  assertEquals(bytes.length, 512);
  assertEquals(
    [first, second, same].map((block) => slots.get(block)),
    [{ offset: 0, size: 32 }, { offset: 256, size: 32 }, { offset: 0, size: 32 }],
  );
  assertEquals(bytes.slice(256, 288), packUniform(kernel, "dims", second));
});
