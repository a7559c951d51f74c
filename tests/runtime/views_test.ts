import { assertEquals, assertThrows } from "@std/assert";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, writeTensor } from "../../src/runtime/tensor.ts";
import { flatLayout, offsetOf, tensorView, tensorViews } from "../../src/runtime/views.ts";
import { testGpu } from "../support/gpu.ts";

const shapes = { scalar: [1], matrix: [9, 7], edge: [64], vector: [65] };

Deno.test("flatLayout() begins every tensor at a multiple of 64 numbers", () => {
  assertEquals(flatLayout(Object.values(shapes)), { size: 320, offsets: [0, 64, 128, 192] });
  assertEquals(flatLayout([]), { size: 0, offsets: [] });
});

Deno.test("tensorViews() are the flat tensor's numbers, and write only their own", async () => {
  const gpu = await testGpu();
  const { size } = flatLayout(Object.values(shapes));
  const flat = createTensor(gpu, "flat", [size], {
    data: Float32Array.from({ length: size }, (_, i) => i),
  });
  const views = tensorViews(flat, shapes, {
    label: (name) => `d(${name})`,
    requiresGradient: true,
  });
  assertEquals(Object.values(views).map(offsetOf), [0, 64, 128, 192]);
  const { label, shape, layout, size: count, requiresGradient } = views.matrix;
  assertEquals({ label, shape, layout, count, requiresGradient }, {
    label: "d(matrix)",
    shape: [9, 7],
    layout: "rows",
    count: 63,
    requiresGradient: true,
  });
  writeTensor(gpu, views.matrix, new Float32Array(63).fill(-1));
  const [whole, vector] = await readTensors(gpu, flat, views.vector);
  assertEquals([whole[63], whole[64], whole[126], whole[127]], [63, -1, -1, 127]);
  assertEquals([...vector], Array.from({ length: 65 }, (_, i) => 192 + i));
});

Deno.test("tensorView() is of a range of a view too, in either layout", async () => {
  const gpu = await testGpu();
  const flat = createTensor(gpu, "flat", [320]);
  const { vector } = tensorViews(flat, { first: [64], vector: [256] });
  const scene = tensorView(vector, 128, { label: "scene", shape: [1, 1, 2], layout: "blocks" });
  assertEquals([scene.size, offsetOf(scene), scene.requiresGradient], [128, 192, false]);
});

Deno.test("tensorView() refuses what is not inside or not aligned, and what has no memory", async () => {
  const flat = createTensor(await testGpu(), "flat", [128]);
  const view = { label: "part", shape: [65] };
  assertThrows(
    () => tensorView(flat, 64, view),
    Error,
    'Cannot view "part": 65 numbers from 64 of the 128 of "flat", wanted inside, from a multiple of 64',
  );
  assertThrows(() => tensorView(flat, 32, view), Error, "65 numbers from 32 of the 128");
  assertThrows(
    () => tensorView({ ...flat, memory: undefined }, 0, view),
    Error,
    'Cannot view "flat": it has no memory yet',
  );
});
