import { assertEquals, assertRejects } from "@std/assert";
import { runDispatches, runInPieces } from "../../src/nets/pieces.ts";
import { relu } from "../../src/ops/activation.ts";
import { addInto } from "../../src/ops/assign.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensor } from "../../src/runtime/readback.ts";
import { createTensor, destroyTensor } from "../../src/runtime/tensor.ts";
import { testGpu } from "../support/gpu.ts";

const values = Float32Array.of(-1, 2, -3);

Deno.test("runInPieces() hands a piece's outputs on and frees what is in between", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const fractions: number[] = [];
  const y = await runInPieces(gpu, "net", 2, {
    onProgress: ({ piece, fraction }) => fractions.push(fraction) && assertEquals(piece, "relu"),
  }, async (pieces) => {
    const x = pieces.upload("x", [1, 3, 1], values);
    const y = await pieces.run("relu", 2, (plan) => {
      const inner = relu(plan, "inner", x);
      const result = relu(plan, "outer", inner);
      return { result, outputs: [result] };
    });
    pieces.free([x]);
    return y;
  });
  assertEquals([...await readTensor(gpu, y)], [0, 2, 0]);
  assertEquals(gpu.allocatedBytes, before + 256);
  assertEquals(fractions, [1]);
  destroyTensor(gpu, y);
});

Deno.test("runInPieces() frees everything when a piece fails", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  await assertRejects(
    () =>
      runInPieces(gpu, "net", 1, {}, async (pieces) => {
        const x = pieces.upload("x", [1, 3, 1], values);
        await pieces.run("relu", 1, (plan) => {
          const result = relu(plan, "y", x);
          return { result, outputs: [result] };
        });
        throw new Error("later");
      }),
    Error,
    "later",
  );
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("runDispatches() runs dispatches as often as they are listed, and stops where it is told", async () => {
  const gpu = await testGpu();
  const [x, y] = [values, new Float32Array(3)].map((data) =>
    createTensor(gpu, "x", [1, 3, 1], { layout: "blocks", data })
  );
  const plan = new Plan(gpu, "test");
  addInto(plan, "add", y, x);
  const program = await plan.build();
  const fractions: number[] = [];
  const dispatches = Array.from({ length: 5 }, () => program.dispatches).flat();
  await runDispatches(
    gpu,
    "test",
    dispatches,
    undefined,
    ({ fraction }) => fractions.push(fraction),
  );
  assertEquals([...await readTensor(gpu, y)], [-5, 10, -15]);
  assertEquals(fractions.at(-1), 1);
  const reason = new Error("enough");
  await assertRejects(
    () => runDispatches(gpu, "test", dispatches, AbortSignal.abort(reason)),
    Error,
    "enough",
  );
  assertEquals([...await readTensor(gpu, y)], [-5, 10, -15]);
  program.destroy();
});
