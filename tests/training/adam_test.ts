import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ParameterGroup } from "../../src/nets/parameters.ts";
import { full } from "../../src/recipes/recipe.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensor } from "../../src/runtime/readback.ts";
import { createStep, writeStep } from "../../src/runtime/step.ts";
import { destroyTensor, writeTensor } from "../../src/runtime/tensor.ts";
import { Adam, type AdamOptions } from "../../src/training/adam.ts";
import { learningRate } from "../../src/training/schedule.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

const zero = { kind: "constant", value: 0 } as const;

/** Groups of the named shapes, and steps of a recorded Adam with given gradients. */
async function optimizer(shapes: Record<string, number[]>[], options?: AdamOptions) {
  const gpu = await testGpu();
  const groups = shapes.map((named, i) => {
    const specs = Object.entries(named).map(([name, shape]) => ({ name, shape, initial: zero }));
    return new ParameterGroup(gpu, `group ${i}`, specs, true);
  });
  for (const group of groups) group.initialize(0);
  const adam = new Adam(gpu, groups, options);
  const step = createStep(gpu);
  const plan = new Plan(gpu, "adam");
  adam.record(plan, step);
  const program = await plan.build();
  return {
    groups,
    adam,
    async step(index: number, rate: number, gradients: Record<string, Float32Array>) {
      for (const group of groups) {
        for (const { name } of group.specs) {
          writeTensor(gpu, group.gradientOf(name), gradients[name]);
        }
      }
      writeStep(gpu, step, { seed: 0, step: index, learningRate: rate });
      program.run();
      return (await readTensor(gpu, adam.norm))[0];
    },
    async values() {
      const maps = await Promise.all(groups.map((group) => group.read()));
      return Object.fromEntries(maps.flatMap((map) => [...map]));
    },
    destroy() {
      program.destroy();
      adam.destroy();
      destroyTensor(gpu, step);
      for (const group of groups) group.destroy();
    },
  };
}

function normOf(gradient: ArrayLike<number>): number {
  return Math.sqrt(Array.from(gradient).reduce((sum, g) => sum + g * g, 0));
}

/** PyTorch's Adam in float64. */
function reference(gradients: number[][], rates: number[], maxNorm = Infinity): number[] {
  const n = gradients[0].length;
  const p = Array(n).fill(0), m = Array(n).fill(0), v = Array(n).fill(0);
  gradients.forEach((gradient, t) => {
    const clip = Math.min(1, maxNorm / (normOf(gradient) + 1e-6));
    gradient.forEach((raw, i) => {
      const g = raw * clip;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const deviation = Math.sqrt(v[i]) / Math.sqrt(1 - 0.999 ** (t + 1)) + 1e-8;
      p[i] -= rates[t] / (1 - 0.9 ** (t + 1)) * m[i] / deviation;
    });
  });
  return p;
}

Deno.test("golden train_step: Adam() and the clipped norm", async () => {
  const golden = await loadCase("train_step");
  const { groups, step, values, destroy } = await optimizer([{ a: [64], b: [8, 16] }], {
    maxNorm: 10,
  });
  const input = (name: string) => golden.input(`adam/${name}`).data;
  groups[0].write(new Map([["a", input("a")], ["b", input("b")]]));
  const actual: Record<string, number | Float32Array> = {};
  for (const i of [1, 2, 3]) {
    const rate = learningRate(Math.max(i - 2, 0), full); // the released loop sets the rate after its step
    actual[`adam/step${i}/norm`] = await step(i - 1, rate, {
      a: input(`grad${i}_a`),
      b: input(`grad${i}_b`),
    });
    const { a, b } = await values();
    Object.assign(actual, { [`adam/step${i}/a`]: a, [`adam/step${i}/b`]: b });
  }
  destroy();
  expectClose(golden, actual);
});

for (const [sizeA, sizeB] of [[1, 1], [63, 65], [257, 270_001]]) {
  for (const maxNorm of [undefined, 0.5]) {
    const name = `Adam() steps two groups of ${sizeA} and ${sizeB} numbers` +
      (maxNorm ? ` and clips their common norm to ${maxNorm}` : " without clipping");
    Deno.test(name, async () => {
      const { step, values, destroy } = await optimizer([{ a: [sizeA] }, { b: [sizeB] }], {
        maxNorm,
      });
      const gradients = [0.25, 4, 1e-3].map((scale, i) =>
        randomArray(i, sizeA + sizeB, -scale, scale)
      );
      const rates = [1e-2, 5e-3, 1e-3];
      for (const [i, gradient] of gradients.entries()) {
        const norm = await step(i, rates[i], {
          a: gradient.slice(0, sizeA),
          b: gradient.slice(sizeA),
        });
        const wanted = normOf(gradient);
        assertAlmostEquals(norm, wanted, 1e-6 * wanted);
      }
      const { a, b } = await values();
      destroy();
      const wanted = reference(gradients.map((g) => [...g]), rates, maxNorm);
      [...a, ...b].forEach((value, i) => assertAlmostEquals(value, wanted[i], 2e-7, `at ${i}`));
    });
  }
}

Deno.test("Adam() leaves out a step whose norm is over skipNorm, moments and all", async () => {
  const { step, values, adam, destroy } = await optimizer([{ a: [65], b: [3] }], {
    maxNorm: 1,
    skipNorm: 100,
  });
  const state = async () => ({ ...await values(), ...Object.fromEntries(await adam.read()) });
  const a = randomArray(1, 65);
  await step(0, 1e-2, { a, b: randomArray(2, 3) });
  const before = await state();
  assertAlmostEquals(await step(1, 1e-2, { a, b: Float32Array.of(0, 101, 0) }), 101, 0.2);
  assertEquals(await state(), before);
  assert(await step(2, 1e-2, { a, b: Float32Array.of(0, 98, 0) }) < 100);
  const after = await values();
  destroy();
  assert(after.b[1] < before.b[1], `${after.b[1]} after a step that is within`);
});

for (const bad of [NaN, Infinity]) {
  Deno.test(`Adam() tells a gradient of ${bad} and leaves the parameters alone`, async () => {
    const { step, values, adam, destroy } = await optimizer([{ a: [65], b: [3] }], { maxNorm: 1 });
    const a = randomArray(1, 65);
    await step(0, 1e-2, { a, b: randomArray(2, 3) });
    const before = { ...await values(), ...Object.fromEntries(await adam.read()) };
    const norm = await step(1, 1e-2, { a, b: Float32Array.of(1, bad, 1) });
    const after = { ...await values(), ...Object.fromEntries(await adam.read()) };
    destroy();
    assert(!Number.isFinite(norm), `norm is ${norm}`);
    assertEquals(after, before);
  });
}

Deno.test("Adam.write() restores what Adam.read() gave, and names what is missing", async () => {
  const shapes: Record<string, number[]>[] = [{ a: [5] }, { b: [2, 65] }];
  const gradients = [0, 1].map((i) => ({ a: randomArray(i, 5), b: randomArray(7 + i, 130) }));
  const whole = await optimizer(shapes);
  await whole.step(0, 1e-2, gradients[0]);
  const moments = await whole.adam.read();
  const halfway = await whole.values();
  await whole.step(1, 1e-2, gradients[1]);

  const resumed = await optimizer(shapes);
  for (const group of resumed.groups) group.write(new Map(Object.entries(halfway)));
  resumed.adam.write(moments);
  await resumed.step(1, 1e-2, gradients[1]);
  assertEquals(await resumed.values(), await whole.values());

  moments.delete("b.exp_avg_sq");
  assertThrows(() => resumed.adam.write(moments), Error, "b.exp_avg_sq (2, 65) is missing");
  whole.destroy();
  resumed.destroy();
});

Deno.test("Adam() refuses a frozen group", async () => {
  const specs = [{ name: "a", shape: [3], initial: zero }];
  const group = new ParameterGroup(await testGpu(), "mlp_static", specs, false);
  assertThrows(() => new Adam(group.gpu, [group]), Error, `Cannot train "mlp_static"`);
  group.destroy();
});
