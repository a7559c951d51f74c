import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { relu, sigmoid } from "../../src/ops/activation.ts";
import { matrixProduct } from "../../src/ops/matrix_product.ts";
import { subtract } from "../../src/ops/subtract.ts";
import { defineKernel, pipeline } from "../../src/runtime/kernel.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensor, readTensors } from "../../src/runtime/readback.ts";
import { createTensor, fromBlocks, toBlocks } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

Deno.test("Plan adds up the gradients of a tensor that is used three times", async () => {
  const gpu = await testGpu();
  const data = randomArray(5, 100);
  const x = createTensor(gpu, "x", [100], { data, requiresGradient: true });
  const ones = createTensor(gpu, "ones", [100], { data: new Float32Array(100).fill(1) });
  const plan = new Plan(gpu, "fan-out");
  const y = [1, 2, 3].map((i) => plan.keep(sigmoid(plan, `y${i}`, x)));
  plan.differentiate(y.map((tensor) => ({ tensor, gradient: ones })));
  const gradient = plan.keep(plan.gradientOf(x)!);
  const program = await plan.build();
  program.run();
  const [s, d] = [await readTensor(gpu, y[0]), await readTensor(gpu, gradient)];
  s.forEach((value, i) => assertAlmostEquals(d[i], 3 * value * (1 - value), 1e-6));
});

Deno.test("Plan.vjp() gives gradients of its own, into ranges where asked, and leaves the tape alone", async () => {
  const gpu = await testGpu();
  const data = randomArray(5, 100);
  const x = createTensor(gpu, "x", [100], { data, requiresGradient: true });
  const seed = createTensor(gpu, "seed", [100], { data: randomArray(6, 100) });
  const plan = new Plan(gpu, "products");
  const y = sigmoid(plan, "y", x);
  const whole = plan.keep(plan.activation("whole", [164]));
  plan.fill(whole, 1);
  const [alone, added] = [plan.alias(x), plan.alias(x)];
  plan.writeGradientTo(added, plan.range(whole, "range", [100], 64));
  const products = [alone, added].map((of) =>
    plan.vjp(() => sigmoid(plan, "z", of), seed, [of]).gradients[0]!
  );
  plan.keep(products[0]);
  plan.differentiate([{ tensor: y, gradient: seed }]);
  const gradient = plan.keep(plan.gradientOf(x)!);
  const program = await plan.build();
  program.run();
  const [d, first, all] = await readTensors(gpu, gradient, products[0], whole);
  assertEquals(first, d);
  assertEquals(all, Float32Array.from({ length: 164 }, (_, i) => i < 64 ? 1 : 1 + d[i - 64]));
  program.destroy();
});

Deno.test("Plan gives activations that live at different times one buffer", async () => {
  const gpu = await testGpu();
  const x = createTensor(gpu, "x", [4096], { data: randomArray(6, 4096) });
  const plan = new Plan(gpu, "chain");
  let y = x;
  for (let i = 0; i < 10; i++) y = relu(plan, `y${i}`, y);
  plan.keep(y);
  const program = await plan.build();
  const large = program.buffers.filter((buffer) => buffer.size >= 4096 * 4);
  assertEquals(large.length, 3); // two that alternate, and the kept one
});

Deno.test("Plan.recompute() changes memory and not the result", async () => {
  const gpu = await testGpu();
  const run = async (recompute: boolean) => {
    const x = createTensor(gpu, "x", [8, 8], { data: randomArray(1, 64), requiresGradient: true });
    const seed = createTensor(gpu, "seed", [8, 8], { data: randomArray(2, 64) });
    const plan = new Plan(gpu, "recompute");
    const hidden = sigmoid(plan, "hidden", x);
    if (recompute) plan.recompute(hidden);
    const y = plan.keep(matrixProduct(plan, "y", hidden, 0, hidden));
    plan.differentiate([{ tensor: y, gradient: seed }]);
    const gradient = plan.keep(plan.gradientOf(x)!);
    const program = await plan.build();
    program.run();
    return { steps: program.dispatches.length, gradient: await readTensor(gpu, gradient) };
  };
  const [kept, made] = [await run(false), await run(true)];
  assertEquals(made.gradient, kept.gradient);
  assertEquals(made.steps, kept.steps + 1);
});

Deno.test("Plan.segment() gives the same gradients in less memory, with fan-out and repeated once", async () => {
  const gpu = await testGpu();
  const size = 4096;
  const run = async (recompute: boolean) => {
    const x = createTensor(gpu, "x", [size], {
      data: randomArray(1, size),
      requiresGradient: true,
    });
    const seed = createTensor(gpu, "seed", [size], { data: randomArray(2, size) });
    const plan = new Plan(gpu, "segments", { recompute });
    const repeats: boolean[] = [];
    let y = x;
    for (let i = 0; i < 4; i++) {
      const input = y;
      y = plan.segment(() => {
        repeats.push(plan.repeating);
        let inner = input;
        for (let k = 0; k < 6; k++) inner = sigmoid(plan, `inner${i}.${k}`, inner);
        return subtract(plan, `y${i}`, inner, input);
      }, (result) => [result]);
    }
    const all = subtract(plan, "all", y, x); // x is used outside of the segments too
    plan.differentiate([{ tensor: all, gradient: seed }]);
    const gradient = plan.keep(plan.gradientOf(x)!);
    const program = await plan.build();
    program.run();
    return { repeats, bytes: program.bytes, gradient: await readTensor(gpu, gradient) };
  };
  const [kept, made] = [await run(false), await run(true)];
  assertEquals(made.gradient, kept.gradient);
  assertEquals(kept.repeats, [false, false, false, false]);
  assertEquals(made.repeats, [false, false, false, false, true, true, true, true]);
  assertEquals(made.bytes < 0.6 * kept.bytes, true, `${made.bytes} of ${kept.bytes} bytes`);
});

Deno.test("Plan.segment() refuses what is differentiated and recorded once inside it", async () => {
  const gpu = await testGpu();
  const x = createTensor(gpu, "x", [4], { data: randomArray(1, 4), requiresGradient: true });
  const plan = new Plan(gpu, "once");
  assertThrows(
    () =>
      plan.segment(() => plan.once(x, "half", () => sigmoid(plan, "y", x)), (result) => [result]),
    Error,
    'Cannot record "half" of "x" once in a segment',
  );
});

Deno.test("Plan.late() adds a gradient to whatever its gradient is bound to", async () => {
  const gpu = await testGpu();
  const make = (seed: number) => createTensor(gpu, "x", [64], { data: randomArray(seed, 64) });
  const choices = [make(1), make(2)], gradients = [make(3), make(4)];
  const before = await readTensors(gpu, ...gradients);
  const seed = make(5);
  const plan = new Plan(gpu, "late");
  const dX = plan.late("dx", [64]);
  const x = plan.late("x", [64], "rows", dX);
  const y = plan.keep(sigmoid(plan, "y", x));
  plan.differentiate([{ tensor: y, gradient: seed }]);
  const program = await plan.build();
  program.bind(new Map([[x, choices[1]], [dX, gradients[1]]]));
  program.run();
  const [untouched, added, output] = await readTensors(gpu, ...gradients, y);
  const seeds = await readTensor(gpu, seed);
  assertEquals(untouched, before[0]);
  added.forEach((value, i) => {
    assertAlmostEquals(value, before[1][i] + seeds[i] * output[i] * (1 - output[i]), 1e-6);
  });
});

Deno.test("Program.bind() lets each run read another buffer", async () => {
  const gpu = await testGpu();
  const choices = [1, 2].map((seed) =>
    createTensor(gpu, `choice ${seed}`, [64], { data: randomArray(seed, 64, 0, 1) })
  );
  const plan = new Plan(gpu, "late");
  const x = plan.late("x", [64]);
  const y = plan.keep(relu(plan, "y", x));
  const program = await plan.build();
  assertThrows(() => program.run(), Error, "bind its late tensors first");
  for (const choice of choices) {
    program.bind(new Map([[x, choice]]));
    program.run();
    assertEquals(await readTensor(gpu, y), await readTensor(gpu, choice));
  }
});

Deno.test("Program.run() copies parts of tensors to others after its dispatches", async () => {
  const gpu = await testGpu();
  const x = createTensor(gpu, "x", [3], { data: Float32Array.of(-1, 2, 3) });
  const kept = createTensor(gpu, "kept", [6], { data: new Float32Array(6).fill(9) });
  const plan = new Plan(gpu, "copies");
  const y = plan.keep(relu(plan, "y", x));
  const program = await plan.build();
  program.run([{ from: y, to: kept, at: 1 }, { from: y, to: kept, at: 5, size: 1 }]);
  assertEquals([...await readTensor(gpu, kept)], [9, 0, 2, 3, 9, 0]);
  const nowhere = { ...kept, label: "nowhere", memory: undefined };
  assertThrows(
    () => program.run([{ from: y, to: nowhere }]),
    Error,
    'Cannot bind or copy "nowhere": it has no memory',
  );
});

Deno.test("Plan names the WGSL variable that a kernel does not declare", async () => {
  const plan = new Plan(await testGpu(), "wrong");
  const kernel = defineKernel(
    "wgsl/none.wgsl",
    "@group(0) @binding(0) var<storage, read_write> y: array<f32>;",
  );
  const y = plan.activation("y", [1]);
  assertThrows(
    () => plan.dispatch({ label: "d", kernel, entry: "main", bindings: { z: y }, workgroups: [1] }),
    Error,
    'wgsl/none.wgsl declares no "z"',
  );
});

Deno.test("pipeline() reports wrong WGSL with file and line, in shared snippets too", async () => {
  const gpu = await testGpu();
  const good = "// uses common/b.wgsl\n@compute @workgroup_size(1) fn main() { help(); }\n";
  const common = new Map([["common/b.wgsl", "\n\nfn help() { let x: u32 = 1.5; }\n"]]);
  const kernel = defineKernel("wgsl/a.wgsl", good, common);
  const error = await assertRejects(() => pipeline(gpu, kernel, "main"), Error);
  assertEquals(/wgsl\/common\/b\.wgsl:3:/.test(error.message), true, error.message);
});

Deno.test("toBlocks() and fromBlocks() are inverse and pad with zeros", () => {
  const shape = [2, 65, 3];
  const rows = randomArray(3, 2 * 65 * 3);
  const blocks = toBlocks(rows, shape);
  assertEquals(blocks.length, 2 * 2 * 64 * 3);
  assertEquals(blocks[((1 * 2 + 1) * 3 + 2) * 64 + 0], rows[(65 + 64) * 3 + 2]);
  assertEquals(blocks[((0 * 2 + 1) * 3 + 0) * 64 + 1], 0);
  assertEquals(fromBlocks(blocks, shape), rows);
});
