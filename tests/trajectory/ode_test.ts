import { assertAlmostEquals } from "@std/assert";
import { type FixedSolver, solveFixed } from "../../src/trajectory/ode.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensor } from "../../src/runtime/readback.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { checkGradients, randomArray, testGpu } from "../support/gpu.ts";
import { growth, growthSolution } from "../support/ode_fields.ts";

const span = 2;

/** Root mean square error of a solver at the end of the span, with `steps` steps. */
async function errorOf(solver: FixedSolver, steps: number): Promise<number> {
  const gpu = await testGpu();
  const plan = new Plan(gpu, "convergence");
  const values = randomArray(3, 65, 0.5, 1.5);
  const start = createTensor(gpu, "start", [65], { data: values });
  const clock = createTensor(gpu, "span", [2], { data: Float32Array.of(span, 0) });
  const [end] = solveFixed(plan, [start], ([x], time) => [growth(plan, x, time)], {
    solver,
    span: clock,
    stepSize: 1 / steps,
  });
  plan.keep(end);
  const program = await plan.build();
  program.run();
  const found = await readTensor(gpu, end);
  program.destroy();
  const squares = found.map((x, i) => (x - growthSolution(values[i], span)) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
}

for (
  const [solver, order, steps] of [["euler", 1, 64], ["midpoint", 2, 16], ["rk4", 4, 6]] as const
) {
  Deno.test(`solveFixed() converges with order ${order} by ${solver}`, async () => {
    const [coarse, fine] = [await errorOf(solver, steps), await errorOf(solver, 2 * steps)];
    assertAlmostEquals(Math.log2(coarse / fine), order, 0.2);
  });

  Deno.test(`solveFixed() has the gradient of its steps by ${solver}`, async () => {
    const gpu = await testGpu();
    const clock = createTensor(gpu, "span", [2], { data: Float32Array.of(span, 0) });
    await checkGradients(
      { start: { shape: [65], data: randomArray(3, 65, 0.5, 1.5) } },
      (plan, { start }) =>
        solveFixed(plan, [start], ([x], time) => [growth(plan, x, time)], {
          solver,
          span: clock,
          stepSize: 0.4, // the third step is half as long
        }),
    );
  });
}
