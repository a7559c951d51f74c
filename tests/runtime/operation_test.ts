import { assertEquals, assertThrows } from "@std/assert";
import { defineKernel } from "../../src/runtime/kernel.ts";
import { Operation } from "../../src/runtime/operation.ts";
import { linearWorkgroups, Plan } from "../../src/runtime/plan.ts";
import { readTensor, readTensors } from "../../src/runtime/readback.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";

// y = a·b + c, c perhaps absent; every gradient by its mode.
const kernel = defineKernel(
  "tests/runtime/operation_test.ts",
  `// uses common/gradients.wgsl, common/points.wgsl
struct Dims { size: u32, has_c: u32, mode_a: u32, mode_b: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> c: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> d_y: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_a: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_b: array<f32>;
override mode_c: u32 = 0;
@group(0) @binding(8) var<storage, read_write> d_c: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  y[i] = a[i] * b[i];
  if dims.has_c == 1 { y[i] += c[i]; }
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  if dims.mode_a != unasked { d_a[i] = accumulated(dims.mode_a, d_a[i], b[i] * d_y[i]); }
  if dims.mode_b != unasked { d_b[i] = accumulated(dims.mode_b, d_b[i], a[i] * d_y[i]); }
}

@compute @workgroup_size(64)
fn backward_sum(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { d_c[i] = accumulated(mode_c, d_c[i], d_y[i]); }
}
`,
);

/** What an operation may forget. */
type Forgotten = "name b" | "ask for b" | "backward" | "nothing";

function multiplyAdd(
  plan: Plan,
  [a, b, c]: readonly (Tensor | undefined)[],
  forgotten: Forgotten = "nothing",
  label = "product",
): Tensor {
  const op = new Operation(plan, "multiplyAdd", label, kernel);
  const y = op.output(a!.shape, "rows", forgotten === "name b" ? [a, c] : [a, b, c]);
  const dims = { size: y.size }, workgroups = linearWorkgroups(y.size);
  op.run("forward", { a, b, c, y, dims }, workgroups);
  if (forgotten === "backward") return y;
  op.backward([y], ([dY]) => {
    const targets = {
      d_a: op.target(a!),
      d_b: op.target(forgotten === "ask for b" ? a! : b!),
    };
    op.run("backward", { a, b, d_y: dY, ...targets, dims }, workgroups);
    op.run("backward_sum", { d_y: dY, d_c: op.target(c), dims }, workgroups);
  });
  return y;
}

for (const size of [1, 63, 65, 257]) {
  Deno.test(`Operation binds gradients with their modes and absent inputs, ${size} numbers`, async () => {
    const input = (seed: number) => ({ shape: [size], data: randomArray(seed, size) });
    const inputs = { a: input(1), b: input(2), c: input(3) };
    await checkGradients(inputs, (plan, { a, b, c }) => {
      const y = multiplyAdd(plan, [a, b, c]);
      return [y, multiplyAdd(plan, [y, a, undefined], "nothing", "again")];
    });
  });
}

Deno.test("Operation writes no gradient for which nobody asks, and leaves out what would write no other", async () => {
  const gpu = await testGpu();
  const make = (label: string, seed: number, requiresGradient: boolean) =>
    createTensor(gpu, label, [65], { data: randomArray(seed, 65), requiresGradient });
  const a = make("a", 1, false), b = make("b", 2, true), c = make("c", 3, false);
  const seed = make("seed", 4, false);
  const plan = new Plan(gpu, "unasked");
  const y = plan.keep(multiplyAdd(plan, [a, b, c]));
  plan.differentiate([{ tensor: y, gradient: seed }]);
  assertEquals([plan.gradientOf(a), plan.gradientOf(c)], [undefined, undefined]);
  const gradient = plan.keep(plan.gradientOf(b)!);
  const program = await plan.build();
  assertEquals(program.dispatches.map(({ label }) => label), [
    "product.forward",
    "product.backward",
  ]);
  program.run();
  const [dB, valuesA, dY] = await readTensors(gpu, gradient, a, seed);
  assertEquals(dB, valuesA.map((value, i) => value * dY[i]));
  program.destroy();
});

Deno.test("Operation.run() labels a dispatch by its entry point, by another part, or by the operation alone", async () => {
  const plan = new Plan(await testGpu(), "labels");
  const x = createTensor(plan.gpu, "x", [64]);
  const op = new Operation(plan, "multiplyAdd", "product", kernel);
  const y = op.output([64], "rows", [x]);
  for (const part of [undefined, "repeated", ""]) {
    op.run("forward", { a: x, b: x, c: undefined, y, dims: { size: 64 } }, [1], { part });
  }
  plan.scoped("scope", () => {
    const op = new Operation(plan, "multiplyAdd", "", kernel);
    const y = op.output([64], "rows", [x], "y");
    assertEquals([y.label, op.path], ["scope.y", "scope"]);
    op.run("forward", { a: x, b: x, c: undefined, y, dims: { size: 64 } }, [1]);
  });
  const program = await plan.build();
  const labels = program.dispatches.map(({ label }) => label);
  assertEquals(labels, ["product.forward", "product.repeated", "product", "scope.forward"]);
  program.destroy();
});

Deno.test("Operation refuses a gradient whose kernel cannot say how it is written", async () => {
  const plan = new Plan(await testGpu(), "wrong");
  const x = createTensor(plan.gpu, "x", [64], { requiresGradient: true });
  const silent = defineKernel(
    "wgsl/silent.wgsl",
    "@group(0) @binding(0) var<storage, read_write> d_x: array<f32>;",
  );
  const op = new Operation(plan, "silent", "s", silent);
  assertThrows(
    () => op.run("backward", { d_x: op.target(x) }, [1]),
    Error,
    'Cannot record silent "s": wgsl/silent.wgsl has no mode_x, which says how d_x is written',
  );
});

/** Two operations, the first of which forgets something; then the backward pass. */
async function chain(forgotten: Forgotten, inference = false): Promise<void> {
  const gpu = await testGpu();
  const make = (label: string, requiresGradient: boolean) =>
    createTensor(gpu, label, [64], { data: randomArray(1, 64), requiresGradient });
  const plan = new Plan(gpu, "chain", { inference });
  const a = make("a", forgotten === "backward"), b = make("b", forgotten !== "backward");
  const y = multiplyAdd(plan, [a, b, undefined], forgotten);
  const z = multiplyAdd(plan, [y, make("other", false), undefined], "nothing", "next");
  if (z.requiresGradient) plan.differentiate([{ tensor: z, gradient: make("seed", false) }]);
}

Deno.test("an operation that forgets to name an input fails where its output is read", async () => {
  const error = await chain("name b").then(() => undefined, (error: Error) => error);
  assertEquals(
    error?.message,
    'Cannot record multiplyAdd "next": it reads "product", which multiplyAdd "product" made of "b" and which ' +
      "forgets its gradient; name the input where the output is made, or call the output a constant",
  );
});

Deno.test("an operation that records no backward pass fails where its output is read", async () => {
  const error = await chain("backward").then(() => undefined, (error: Error) => error);
  assertEquals(
    error?.message,
    'Cannot record multiplyAdd "next": it reads "product", which requires a gradient, and multiplyAdd "product" ' +
      "does not say how it is differentiated; call its backward()",
  );
});

Deno.test("an operation whose backward pass never asks for an input's gradient fails", async () => {
  const error = await chain("ask for b").then(() => undefined, (error: Error) => error);
  assertEquals(
    error?.message,
    'Cannot differentiate multiplyAdd "product": its backward pass never asks for the gradient of "b"',
  );
});

Deno.test("a plan for inference keeps no tape and asks nobody for gradients", async () => {
  for (const forgotten of ["name b", "backward", "nothing"] as const) await chain(forgotten, true);
});

Deno.test("Operation.expectFrozen() refuses inputs that require gradients, but in a plan for inference", async () => {
  const gpu = await testGpu();
  const x = createTensor(gpu, "x", [64], { requiresGradient: true });
  const check = (inference: boolean) => () =>
    new Operation(new Plan(gpu, "p", { inference }), "lookup", "a", kernel).expectFrozen({ x });
  check(true)();
  assertThrows(
    check(false),
    Error,
    'Cannot differentiate lookup "a": it is for inference only, and x requires a gradient',
  );
});

Deno.test("Operation.constant() lets others read what is not differentiable on purpose", async () => {
  const gpu = await testGpu();
  const x = createTensor(gpu, "x", [64], { data: randomArray(2, 64), requiresGradient: true });
  const plan = new Plan(gpu, "constant");
  const op = new Operation(plan, "measure", "measure", kernel);
  const measure = op.constant([64]);
  const dims = { size: 64 };
  op.run("forward", { a: x, b: x, c: undefined, y: measure, dims }, [1]);
  const y = plan.keep(multiplyAdd(plan, [measure, measure, undefined], "nothing", "reads"));
  assertEquals(y.requiresGradient, false);
  const program = await plan.build();
  program.run();
  const [values, result] = [await readTensor(gpu, x), await readTensor(gpu, y)];
  assertEquals(result, values.map((value) => Math.fround(Math.fround(value * value) ** 2)));
  program.destroy();
});
