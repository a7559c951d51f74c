import { assertEquals, assertThrows } from "@std/assert";
import { addInto, assign } from "../../src/ops/assign.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

for (const size of [1, 63, 65, 257]) {
  Deno.test(`assign() and addInto() write ${size} numbers in place, run after run`, async () => {
    const gpu = await testGpu();
    const x = randomArray(1, size);
    const tensor = (data: Float32Array) =>
      createTensor(gpu, "x", [1, size, 1], { layout: "blocks", data });
    const [source, target, sum] = [x, new Float32Array(size), new Float32Array(size)].map(tensor);
    const plan = new Plan(gpu, "test");
    assign(plan, "assign", target, source);
    addInto(plan, "add", sum, target);
    const program = await plan.build();
    program.run();
    program.run();
    const [assigned, added] = await readTensors(gpu, target, sum);
    assertEquals(assigned, x);
    assertEquals(added, x.map((value) => value + value));
    program.destroy();
  });
}

Deno.test("assign() and addInto() refuse another shape or layout, and gradients", async () => {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "test");
  const y = createTensor(gpu, "y", [1, 3, 2], { layout: "blocks" });
  assertThrows(
    () => assign(plan, "a", y, createTensor(gpu, "x", [1, 3, 2])),
    Error,
    'Cannot record assign "a": x is (1, 3, 2) in rows, wanted (1, 3, 2) in blocks',
  );
  assertThrows(
    () => addInto(plan, "a", y, { ...y, requiresGradient: true }),
    Error,
    'Cannot differentiate addInto "a": it is for inference only, and x requires a gradient',
  );
});
