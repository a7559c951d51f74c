import { assertEquals } from "@std/assert";
import { defineKernel } from "../../src/runtime/kernel.ts";
import type { Dispatch } from "../../src/runtime/dispatch.ts";
import { repeatWriters } from "../../src/runtime/recompute.ts";
import type { Tensor } from "../../src/runtime/tensor.ts";

const kernel = defineKernel(
  "wgsl/copy.wgsl",
  "@group(0) @binding(0) var<storage, read> x: array<f32>;\n" +
    "@group(0) @binding(1) var<storage, read_write> y: array<f32>;",
);

const tensor = (label: string): Tensor => ({
  label,
  shape: [1],
  layout: "rows",
  size: 1,
  requiresGradient: false,
});

Deno.test("repeatWriters() writes a tensor again before the backward pass reads it, and nowhere else", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map(tensor);
  const copy = (label: string, x: Tensor, y: Tensor): Dispatch => {
    return { label, kernel, entry: "copy", bindings: { x, y }, workgroups: [1] };
  };
  const forward = [copy("ab", a, b), copy("bc", b, c)];
  const backward = [copy("cd", c, d), copy("bd", b, d), copy("db", d, a)];
  const list = repeatWriters([...forward, ...backward], forward.length, [b]);
  const told = list.map((
    { label, bindings: { x, y } },
  ) => [label, (x as Tensor).label, (y as Tensor).label]);
  assertEquals(told, [
    ["ab", "a", "b"],
    ["bc", "b", "c"],
    ["cd", "c", "d"],
    ["ab.again", "a", "b again"],
    ["bd", "b again", "d"],
    ["db", "d", "a"],
  ]);
});
