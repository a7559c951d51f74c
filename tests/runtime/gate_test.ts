import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { linear } from "../../src/ops/linear.ts";
import { subtract } from "../../src/ops/subtract.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, type Tensor, writeTensor } from "../../src/runtime/tensor.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

const shape = [2, 65, 5];

/** Values and gradients of `c·(x − a)` and, behind a gate or in the open or not at all, of `d·(W x + b)`. */
async function run(
  gated: "gate" | "plain" | "absent",
  { flag = 1, first = false, segment = false }: {
    flag?: number;
    first?: boolean;
    segment?: boolean;
  } = {},
): Promise<Record<"product" | "dX" | "dWeight", number[]>> {
  const gpu = await testGpu();
  const make = (label: string, shape: number[], seed: number, requiresGradient = false): Tensor => {
    const layout = shape.length === 3 ? "blocks" : "rows";
    const data = randomArray(seed, shape.reduce((a, b) => a * b, 1));
    return createTensor(gpu, label, shape, { layout, requiresGradient, data });
  };
  const x = make("x", shape, 1, true);
  const weight = make("weight", [4, 5], 2, true);
  const flags = createTensor(gpu, "flags", [3], { data: Float32Array.of(0, flag, 0) });
  const plan = new Plan(gpu, "gates");
  const dWeight = createTensor(gpu, "dWeight", [4, 5]);
  plan.fill(dWeight, 0);
  plan.writeGradientTo(weight, dWeight);
  const product = createTensor(gpu, "product", [2, 65, 4], { layout: "blocks" });
  const seeds: { tensor: Tensor; gradient: Tensor }[] = [];
  const gatedPart = () => {
    if (gated === "absent") return;
    const multiply = () => linear(plan, "product", x, { weight });
    const behind = () => gated === "gate" ? plan.gated(flags, 1, multiply) : multiply();
    const y = plan.keep(segment ? plan.segment(behind, (y) => [y]) : behind());
    seeds.push({ tensor: y, gradient: make("d", [2, 65, 4], 3) });
    return y;
  };
  const before = first ? gatedPart() : undefined;
  const difference = subtract(plan, "difference", x, make("a", shape, 4));
  seeds.push({ tensor: difference, gradient: make("c", shape, 5) });
  const made = before ?? gatedPart();
  plan.differentiate(seeds);
  const dX = plan.keep(plan.gradientOf(x)!);
  const program = await plan.build();
  if (made) writeTensor(gpu, made, new Float32Array(product.shape[0] * 65 * 4).fill(-7));
  program.run();
  const [p, dx, dw] = await readTensors(gpu, made ?? product, dX, dWeight);
  program.destroy();
  return { product: [...p], dX: [...dx], dWeight: [...dw] };
}

for (const first of [true, false]) {
  for (const segment of [true, false]) {
    const where = `${first ? "before" : "after"} another part${segment ? ", in a segment" : ""}`;
    Deno.test(`Plan.gated() runs ${where} where its flag is not 0, and passes gradients`, async () => {
      assertEquals(await run("gate", { first, segment }), await run("plain", { first, segment }));
    });

    Deno.test(`Plan.gated() writes and adds nothing ${where} where its flag is 0`, async () => {
      const closed = await run("gate", { first, segment, flag: 0 });
      const absent = await run("absent");
      assertEquals(new Set(closed.product), new Set([-7]));
      assertEquals(closed.dX, absent.dX);
      assertEquals(closed.dWeight, absent.dWeight);
      assertNotEquals((await run("plain")).dX, absent.dX);
    });
  }
}

Deno.test("Plan.gated() re-lays weights before the gate, for those who read them after a closed one", async () => {
  const gpu = await testGpu();
  const x = createTensor(gpu, "x", shape, { layout: "blocks", data: randomArray(1, 650) });
  const weight = createTensor(gpu, "weight", [4, 5], { data: randomArray(2, 20) });
  const flags = createTensor(gpu, "flags", [1]);
  const multiply = async (gated: boolean) => {
    const plan = new Plan(gpu, "gates");
    if (gated) plan.gated(flags, 0, () => linear(plan, "gated", x, { weight }));
    const y = plan.keep(linear(plan, "product", x, { weight }));
    const program = await plan.build();
    program.run();
    const [values] = await readTensors(gpu, y);
    program.destroy();
    return values;
  };
  assertEquals(await multiply(true), await multiply(false));
});

Deno.test("Plan.gated() refuses a gate behind a gate", async () => {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "gates");
  const flags = createTensor(gpu, "flags", [1]);
  assertThrows(
    () => plan.scoped("inner", () => plan.gated(flags, 0, () => plan.gated(flags, 0, () => {}))),
    Error,
    'Cannot record "inner.gate": it is behind another gate',
  );
});
