import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ConvolutionValues,
  PackedConvolutions,
} from "../../src/preparation/packed_convolutions.ts";
import { conv } from "../../src/ops/conv.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { createTensor, destroyTensor } from "../../src/runtime/tensor.ts";
import { evaluate, randomMaps, uploadMaps } from "../support/frame_maps.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

/** Two small convolutions, one with groups and no bias, around one that fills a batch of its own. */
function* convolutions(): Iterable<ConvolutionValues> {
  const values = (name: string, shape: number[], groups?: number) => {
    const size = shape.reduce((product, length) => product * length);
    const bias = groups ? undefined : randomArray(2, shape[0]);
    return { name, shape, weight: randomArray(1, size), bias, groups };
  };
  yield values("grouped", [33, 5, 3, 3], 3);
  yield { name: "large", shape: [4096, 4096, 1, 1], weight: new Float32Array(2 ** 24) };
  yield values("plain", [17, 15, 3, 1]);
}

Deno.test("PackedConvolutions records what conv() records, and frees all", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const packed = await PackedConvolutions.create(gpu, convolutions());
  const x = uploadMaps(gpu, randomMaps(3, [1], { height: 5, width: 13, channels: 15 }));
  for (const { name, shape, weight, bias, groups } of convolutions()) {
    if (name === "large") continue;
    const tensors = [
      createTensor(gpu, "weight", shape, { data: weight }),
      ...bias ? [createTensor(gpu, "bias", [shape[0]], { data: bias })] : [],
    ];
    const [again, once] = await evaluate(gpu, (plan) =>
      [
        packed.record(plan, name, x, { stride: 2, relu: true }),
        conv(plan, "once", x, tensors[0], { stride: 2, relu: true, groups, bias: tensors[1] }),
      ].flatMap(({ frames }) => frames.flat()));
    assertEquals(again, once, name);
    for (const tensor of tensors) destroyTensor(gpu, tensor);
  }
  assertThrows(
    () => packed.record(new Plan(gpu, "test"), "none", x),
    Error,
    'Cannot find the convolution "none"',
  );
  packed.destroy();
  destroyTensor(gpu, x.frames[0][0]);
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("PackedConvolutions.create() frees what it made when it is stopped or its values fail", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  function* failing() {
    yield* convolutions();
    throw new Error("no more");
  }
  await assertRejects(() => PackedConvolutions.create(gpu, failing()), Error, "no more");
  assertEquals(gpu.allocatedBytes, before);
  const stopped = AbortSignal.abort(new Error("enough"));
  await assertRejects(
    () => PackedConvolutions.create(gpu, convolutions(), stopped),
    Error,
    "enough",
  );
  assertEquals(gpu.allocatedBytes, before);
});
