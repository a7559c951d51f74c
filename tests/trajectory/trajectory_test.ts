import { assertAlmostEquals, assertGreater, assertLess } from "@std/assert";
import { trunk, trunkCodes, velocityHead } from "../../src/nets/dynamic_field.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import { ParameterGroup, type Parameters } from "../../src/nets/parameters.ts";
import type { OdeTrajectory } from "../../src/recipes/recipe.ts";
import { positionalEncoding } from "../../src/ops/positional_encoding.ts";
import { pointFrequencies } from "../../src/rendering/evaluate_fields.ts";
import { controls } from "../../src/trajectory/dopri5.ts";
import type { OdeTime } from "../../src/trajectory/ode.ts";
import {
  discreteTrajectory,
  type OdeField,
  odeTrajectory,
  timesAt,
} from "../../src/trajectory/trajectory.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { fieldSizesOfGoldens } from "../support/field_sizes.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { randomArray, testGpu } from "../support/gpu.ts";
import { movedTimes } from "../support/ode_fields.ts";
import {
  differentiateWith,
  goldenParameters,
  goldenTensor,
  parameterGradients,
} from "../support/parameters.ts";

for (const size of ["small", "full"]) {
  Deno.test(`golden flow_discrete: discreteTrajectory() and its gradients, ${size}`, async () => {
    const gpu = await testGpu();
    const golden = await loadCase("flow_discrete");
    const { n_frames: count, steps } = golden.config as { n_frames: number; steps: number };
    const tag = `flow_${size}`;
    const sizes = fieldSizesOfGoldens[size];
    const group = goldenParameters(gpu, golden, tag, dynamicFieldSpecs(sizes));
    const blocks = { layout: "blocks", requiresGradient: true } as const;
    const points = goldenTensor(gpu, golden, `${tag}/xyz`, blocks);
    const code = goldenTensor(gpu, golden, `${tag}/global`, {
      ...blocks,
      shape: [2, 1, sizes.globalCode],
    });
    const times = golden.input(`${tag}/t`).data; // normalized, one a point
    const plan = new Plan(gpu, "flow");
    const codes = trunkCodes(plan, group, code);
    const velocity = (at: Tensor, offsetFrames: number) => {
      const perPoint = createTensor(gpu, "times", [2, 24, 1], {
        layout: "blocks",
        data: times.map((t) => t + offsetFrames * 2 / count),
      });
      const encoding = positionalEncoding(plan, "encoding", at, {
        frequencies: pointFrequencies,
        normalize: true,
        time: { perPoint },
      });
      return velocityHead(plan, group, trunk(plan, group, encoding, codes));
    };
    const first = velocity(points, 0);
    const [before, after] = ([-1, 1] as const).map((direction) =>
      plan.keep(
        discreteTrajectory(plan, points, first, velocity, { offsetFrames: 0, direction, steps }),
      )
    );
    const seed = (name: string) =>
      goldenTensor(gpu, golden, `ct/${size}/${name}`, { layout: "blocks" });
    differentiateWith(plan, [group], [
      { tensor: before, gradient: seed("p_minus") },
      { tensor: after, gradient: seed("p_plus") },
    ]);
    const gradients = [points, code].map((tensor) => plan.keep(plan.gradientOf(tensor)!));
    const program = await plan.build();
    program.run();
    const [pMinus, pPlus, dPoints, dCode] = await readTensors(gpu, before, after, ...gradients);
    const prefix = `${size}/spec`;
    const parameters = Object.entries(await parameterGradients(group, `${prefix}/grad`));
    expectClose(golden, {
      [`${prefix}/p_minus`]: pMinus,
      [`${prefix}/p_plus`]: pPlus,
      [`${prefix}/grad/xyz`]: dPoints,
      [`${prefix}/grad/glob`]: dCode,
      ...Object.fromEntries(parameters.filter(([key]) => golden.has(key))),
    });
    program.destroy();
  });
}

const solving = {
  kind: "ode",
  rtol: 1e-2,
  atol: 1e-3,
  maxSteps: 3,
  stepSize: 1,
  gradient: "backprop",
} as const;
/** Solvers of the golden case, by its names for them. */
const solvers: [string, string, OdeTrajectory][] = [
  ["small", "euler", { ...solving, solver: "euler" }],
  ["small", "euler_4", { ...solving, solver: "euler", stepSize: 1 / 4 }],
  ["small", "rk4", { ...solving, solver: "rk4" }],
  ["small", "rk4_4", { ...solving, solver: "rk4", stepSize: 1 / 4 }],
  ["small", "dopri5", { ...solving, solver: "dopri5" }],
  ["small", "dopri5_1e-4", { ...solving, solver: "dopri5", rtol: 1e-4, atol: 1e-5 }],
  ["full", "dopri5", { ...solving, solver: "dopri5" }],
];
const byAdjoint = ["euler_4", "rk4", "rk4_4", "dopri5"];
const each = solvers.flatMap(([size, name, options]) =>
  (["backprop", "adjoint"] as const)
    .filter((gradient) => gradient === "backprop" || byAdjoint.includes(name))
    .map((gradient) => [size, name, { ...options, gradient }] as const)
);

/** Both trajectories of the golden case, their controls, the gradients, and the plan's memory. */
async function solveGolden(golden: GoldenCase, size: string, options: OdeTrajectory) {
  const gpu = await testGpu();
  const tag = `ode_${size}`;
  const hidden = { small: 64, full: 256 }[size]!;
  const sizes = { ...fieldSizesOfGoldens[size], hidden, globalCode: hidden };
  const group = goldenParameters(gpu, golden, tag, dynamicFieldSpecs(sizes));
  const blocks = { layout: "blocks", requiresGradient: true } as const;
  const points = goldenTensor(gpu, golden, `${tag}/xyz`, blocks);
  const code = goldenTensor(gpu, golden, `${tag}/global`, { ...blocks, shape: [2, 1, hidden] });
  const frames = golden.config.n_frames as number;
  const timesOfPoints = createTensor(gpu, "times", [2, 24, 1], {
    layout: "blocks",
    data: golden.input(`${tag}/frame`).data.map((frame) => 2 * frame / frames - 1),
  });
  const times = createTensor(gpu, "scenes", [2, 2], {
    data: Float32Array.of(0, 2 / frames, 0, 2 / frames),
  });
  const plan = new Plan(gpu, "ode");
  const codes = trunkCodes(plan, group, code);
  const velocityAt = (
    at: Tensor,
    perPoint: Tensor,
    parameters: Parameters = group,
    shares: readonly Tensor[] = codes,
  ) => {
    const encoding = positionalEncoding(plan, "encoding", at, {
      frequencies: pointFrequencies,
      normalize: true,
      time: { perPoint },
    });
    return velocityHead(plan, parameters, trunk(plan, parameters, encoding, shares));
  };
  const first = velocityAt(points, timesOfPoints);
  const backward: Tensor[] = [];
  const [before, after] = ([-1, 1] as const).map((direction) => {
    const timesAt = (time: OdeTime) => movedTimes(plan, timesOfPoints, time, direction);
    const field: OdeField = {
      ...{ times, code, group, first },
      velocity: (at, time) => velocityAt(at, timesAt(time)),
      velocityOf: (group, code) => (at, time) =>
        velocityAt(at, timesAt(time), group, trunkCodes(plan, group, code)),
    };
    const solved = odeTrajectory(plan, points, field, direction, options, (control) => {
      backward.push(plan.keep(control));
    });
    for (const tensor of Object.values(solved)) if (tensor) plan.keep(tensor);
    return solved;
  });
  const seed = (name: string) =>
    goldenTensor(gpu, golden, `ct/ode/${size}/${name}`, { layout: "blocks" });
  differentiateWith(plan, [group], [
    { tensor: before.points, gradient: seed("p_minus") },
    { tensor: after.points, gradient: seed("p_plus") },
  ]);
  const gradients = [points, code].map((tensor) => plan.keep(plan.gradientOf(tensor)!));
  const program = await plan.build();
  program.run();
  const [pMinus, pPlus, xyz, glob, ...controlled] = await readTensors(
    gpu,
    ...[before.points, after.points, ...gradients],
    ...[before.control, after.control, ...backward].filter((control) => control !== undefined),
  );
  const parameters = await parameterGradients(group, "");
  const { bytes } = program;
  program.destroy();
  return {
    ...{ pMinus, pPlus, controlled, bytes },
    gradients: {
      ...{ xyz, glob },
      ...Object.fromEntries(Object.entries(parameters).map(([key, of]) => [key.slice(1), of])),
    } as Record<string, Float32Array>,
  };
}

for (const [size, name, options] of each) {
  Deno.test(`golden ode: odeTrajectory() and its gradients by ${name} and ${options.gradient}, ${size}`, async () => {
    const golden = await loadCase("ode");
    const { pMinus, pPlus, controlled, gradients } = await solveGolden(golden, size, options);
    const prefix = `${size}/spec/${name}`;
    const expected: [string, Float32Array | number][] = [
      [`${prefix}/p_minus`, pMinus],
      [`${prefix}/p_plus`, pPlus],
    ];
    for (const [key, values] of Object.entries(gradients)) {
      const path = `${prefix}/${options.gradient}/${key}`;
      if (golden.has(path)) expected.push([path, values]);
    }
    controlled.forEach((control, i) => {
      // both forward, then both backward: the last trajectory is differentiated first
      const key = `${prefix}/${["p_minus", "p_plus", "p_plus_adjoint", "p_minus_adjoint"][i]}`;
      expected.push([`${key}_nfe`, control[controls.evaluations]]);
      if (i < 2) expected.push([`${key}_rejected`, control[controls.rejected]]);
    });
    assertGreater(expected.length, 15);
    expectClose(golden, Object.fromEntries(expected));
  });
}

/** The largest relative difference of gradients, in norm. */
function difference(
  some: Record<string, Float32Array>,
  others: Record<string, Float32Array>,
): number {
  const norm = (of: Float32Array) => Math.sqrt(of.reduce((sum, x) => sum + x * x, 0));
  const each = Object.entries(some).map(([key, values]) =>
    norm(values.map((x, i) => x - others[key][i])) / norm(values)
  );
  return Math.max(...each);
}

Deno.test("odeTrajectory() has the same gradients by the adjoint method, whose memory does not grow with steps", async () => {
  const golden = await loadCase("ode");
  const solve = (gradient: OdeTrajectory["gradient"], steps: number) =>
    solveGolden(golden, "small", { ...solving, solver: "rk4", gradient, stepSize: 1 / steps });
  const [few, backprop] = [await solve("backprop", 4), await solve("backprop", 8)];
  const [fewByAdjoint, adjoint] = [await solve("adjoint", 4), await solve("adjoint", 8)];
  assertLess(difference(backprop.gradients, adjoint.gradients), 1e-3);
  assertGreater(backprop.bytes, 1.5 * few.bytes);
  assertLess(adjoint.bytes, 1.05 * fewByAdjoint.bytes);
});

Deno.test("odeTrajectory() takes each scene a frame on by its own count of frames", async () => {
  const gpu = await testGpu();
  const frames = [12, 20];
  const [offsetFrames, size] = [0.25, 2 * 65 * 3];
  const start = randomArray(1, size);
  const points = createTensor(gpu, "points", [2, 65, 3], { layout: "blocks", data: start });
  const heads = randomArray(2, size);
  const head = createTensor(gpu, "head", [2, 65, 3], { layout: "blocks", data: heads });
  const times = createTensor(gpu, "times", [2, 2], {
    data: Float32Array.of(0.5, 2 / frames[0], -0.5, 2 / frames[1]),
  });
  const code = createTensor(gpu, "code", [2, 1, 4], { layout: "blocks" });
  const group = new ParameterGroup(gpu, "none", [], false);
  for (const direction of [-1, 1] as const) {
    const plan = new Plan(gpu, "frames");
    const seen: Tensor[] = [];
    const velocity = (_: Tensor, time: OdeTime) => {
      const at = timesAt(plan, times, time, { offsetFrames, direction });
      seen.push(plan.keep(at));
      return head;
    };
    const options = { ...solving, solver: "rk4" } as const;
    const field = {
      ...{ times, code, group, first: head, velocity },
      velocityOf: () => velocity,
    };
    const end = odeTrajectory(plan, points, field, direction, options);
    plan.keep(end.points);
    const program = await plan.build();
    program.run();
    const [p, ...at] = await readTensors(gpu, end.points, ...seen);
    program.destroy();
    // the field's time moves by a frame of each scene, the point by v/F
    const shares = [1 / 3, 2 / 3, 1]; // of the way, where the 3/8 rule looks
    at.forEach((values, i) => {
      const offset = offsetFrames + direction * shares[i];
      expectNear(values, [
        0.5 + offset * 2 / frames[0],
        2 / frames[0],
        -0.5 + offset * 2 / frames[1],
        2 / frames[1],
      ]);
    });
    expectNear(
      p,
      start.map((value, i) =>
        value + direction * Math.tanh(heads[i]) / frames[Math.floor(i / (size / 2))]
      ),
    );
  }
});

function expectNear(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  for (let i = 0; i < wanted.length; i++) assertAlmostEquals(found[i], wanted[i], 1e-6);
}
