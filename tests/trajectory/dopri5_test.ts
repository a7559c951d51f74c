import { assertAlmostEquals, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { type AdaptiveOptions, controls, solveAdaptive } from "../../src/trajectory/dopri5.ts";
import { type OdeState, type OdeTime, solveFixed } from "../../src/trajectory/ode.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { growth, growthSolution, oscillators } from "../support/ode_fields.ts";

type Tolerances = Pick<AdaptiveOptions, "rtol" | "atol" | "maxSteps">;

async function spanOf(length: number): Promise<Tensor> {
  return createTensor(await testGpu(), "span", [2], { data: Float32Array.of(length, 0) });
}

/** The solution of `field` at the end, and the solver's last control tensor. */
async function solve(
  field: typeof growth,
  start: Tensor,
  span: Tensor,
  tolerances: Tolerances,
): Promise<{ end: Float32Array; control: Float32Array }> {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "solve");
  const { state, control } = solveAdaptive(
    plan,
    [start],
    ([x], time) => [field(plan, x, time)],
    { span, ...tolerances },
  );
  plan.keep(control);
  const [end] = state.map((part) => plan.keep(part));
  const program = await plan.build();
  program.run();
  const [values, last] = await readTensors(gpu, end, control);
  program.destroy();
  return { end: values, control: last };
}

for (const rtol of [0.01, 0.0001]) {
  Deno.test(`golden ode: solveAdaptive() takes the oscillators' steps at tolerance ${rtol}`, async () => {
    const gpu = await testGpu();
    const golden = await loadCase("ode");
    const { data } = golden.input("ode/oscillators");
    const start = createTensor(gpu, "start", [1, 3, 2], { layout: "blocks", data });
    const tolerances = { rtol, atol: rtol / 10, maxSteps: 60 };
    const { end, control } = await solve(oscillators, start, await spanOf(5), tolerances);
    assertEquals(control[controls.open], 0);
    const key = `oscillators/${rtol}`;
    expectClose(golden, {
      [`${key}/y`]: end,
      [`${key}/nfe`]: control[controls.evaluations],
      [`${key}/rejected`]: control[controls.rejected],
    });
  });
}

for (const rtol of [1e-2, 1e-3, 1e-4]) {
  Deno.test(`solveAdaptive() keeps its error under the tolerance ${rtol}`, async () => {
    const gpu = await testGpu();
    const values = randomArray(3, 65, 0.5, 1.5);
    const start = createTensor(gpu, "start", [65], { data: values });
    const tolerances = { rtol, atol: rtol / 10, maxSteps: 12 };
    const { end } = await solve(growth, start, await spanOf(2), tolerances);
    const ratios = end.map((x, i) => {
      const wanted = growthSolution(values[i], 2);
      return (x - wanted) / (rtol / 10 + rtol * Math.abs(wanted));
    });
    const squares = ratios.reduce((sum, ratio) => sum + ratio * ratio, 0);
    assertLessOrEqual(Math.sqrt(squares / ratios.length), 1);
  });
}

Deno.test("solveAdaptive() and solveFixed() go back over a span of negative length", async () => {
  const gpu = await testGpu();
  const values = randomArray(3, 65, 0.5, 1.5);
  const data = values.map((x) => growthSolution(x, 2));
  const end = createTensor(gpu, "end", [65], { data });
  const span = createTensor(gpu, "back", [2], { data: Float32Array.of(-2, 2) });
  const plan = new Plan(gpu, "back");
  const rates = ([x]: OdeState, time: OdeTime) => [growth(plan, x, time)];
  const tolerances = { span, rtol: 1e-5, atol: 1e-5, maxSteps: 24 };
  const starts = [
    ...solveAdaptive(plan, [end], rates, tolerances).state,
    ...solveFixed(plan, [end], rates, { solver: "rk4", span, stepSize: 1 / 32 }),
  ].map((start) => plan.keep(start));
  const program = await plan.build();
  program.run();
  for (const found of await readTensors(gpu, ...starts)) {
    found.forEach((x, i) => assertAlmostEquals(x, values[i], 1e-3));
  }
  program.destroy();
});

Deno.test("solveAdaptive() leaves its control open and its solution NaN where the attempts do not suffice", async () => {
  const gpu = await testGpu();
  const start = createTensor(gpu, "start", [65], { data: randomArray(3, 65, 0.5, 1.5) });
  const tolerances = { rtol: 1e-4, atol: 1e-5, maxSteps: 2 };
  const { end, control } = await solve(growth, start, await spanOf(2), tolerances);
  assertEquals(control[controls.open], 1);
  assertEquals(new Set(end), new Set([NaN]));
});

for (const size of [1, 63, 65, 257]) {
  Deno.test(`solveAdaptive() has the gradient of its accepted steps for ${size} numbers`, async () => {
    const span = await spanOf(2);
    await checkGradients(
      { start: { shape: [size], data: randomArray(3, size, 0.5, 1.5) } },
      (plan, { start }) =>
        solveAdaptive(plan, [start], ([x], time) => [growth(plan, x, time)], {
          span,
          rtol: 1e-4,
          atol: 1e-5,
          maxSteps: 10,
        }).state,
    );
  });
}

Deno.test("solveAdaptive() passes gradients by attempts that are rejected or not made, in run after run", async () => {
  const gpu = await testGpu();
  const { data } = (await loadCase("ode")).input("ode/oscillators");
  const options = { layout: "blocks" as const, data };
  const start = createTensor(gpu, "start", [1, 3, 2], { ...options, requiresGradient: true });
  const seed = createTensor(gpu, "seed", [1, 3, 2], { ...options, data: randomArray(5, 6) });
  const span = await spanOf(2);
  const rates = (plan: Plan) => ([x]: OdeState, time: OdeTime) => [oscillators(plan, x, time)];
  const gradients = async (solve: (plan: Plan) => { end: Tensor; control?: Tensor }) => {
    const plan = new Plan(gpu, "gradients");
    const { end, control } = solve(plan);
    plan.keep(end);
    if (control) plan.keep(control);
    plan.differentiate([{ tensor: end, gradient: seed }]);
    const gradient = plan.keep(plan.gradientOf(start)!);
    const program = await plan.build();
    program.run();
    program.run();
    const [values, controlled] = await readTensors(gpu, gradient, control ?? gradient);
    program.destroy();
    return { values, controlled };
  };
  const adaptive = await gradients((plan) => {
    const tolerances = { span, rtol: 1e-4, atol: 1e-5, maxSteps: 40 };
    const { state: [end], control } = solveAdaptive(plan, [start], rates(plan), tolerances);
    return { end, control };
  });
  const fixed = await gradients((plan) => {
    const [end] = solveFixed(plan, [start], rates(plan), {
      solver: "rk4",
      span,
      stepSize: 1 / 64,
    });
    return { end };
  });
  assertGreater(adaptive.controlled[controls.rejected], 0);
  assertEquals(adaptive.controlled[controls.open], 0);
  adaptive.values.forEach((value, i) => assertAlmostEquals(value, fixed.values[i], 2e-3));
});
