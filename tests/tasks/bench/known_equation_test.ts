import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { convergence, tolerances } from "../../../tasks/bench/known_equation.ts";
import { testGpu } from "../../support/gpu.ts";

Deno.test("convergence() finds the solvers' orders, with time a part of the state", async () => {
  const found = await convergence(await testGpu());
  assertEquals(found.map(({ solver }) => solver), ["euler", "midpoint", "rk4"]);
  [1, 2, 4].forEach((order, i) => assertAlmostEquals(found[i].order, order, 0.2));
});

Deno.test("tolerances() finds dopri5's error under each of its tolerances", async () => {
  const found = await tolerances(await testGpu());
  for (const { ratio } of found) assertLess(ratio, 1);
  found.slice(1).forEach(({ rtol, evaluations }, i) => {
    assertLess(rtol, found[i].rtol);
    assertLess(found[i].evaluations, evaluations);
  });
});
