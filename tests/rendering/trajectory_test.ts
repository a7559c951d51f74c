import { assertAlmostEquals } from "@std/assert";
import { trunk, trunkCodes, velocityHead } from "../../src/nets/dynamic_field.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import type { OdeTrajectory } from "../../src/recipes/recipe.ts";
import { positionalEncoding } from "../../src/ops/positional_encoding.ts";
import { pointFrequencies } from "../../src/rendering/evaluate.ts";
import { controls } from "../../src/rendering/dopri5.ts";
import type { OdeTime } from "../../src/rendering/ode.ts";
import { discreteTrajectory, odeTrajectory, timesAt } from "../../src/rendering/trajectory.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import { fieldSizesOfGoldens } from "../support/field_sizes.ts";
import { expectClose, loadCase } from "../support/goldens.ts";
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

const solving = { kind: "ode", rtol: 1e-2, atol: 1e-3, maxSteps: 3, stepSize: 1 } as const;
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

for (const [size, name, options] of solvers) {
  Deno.test(`golden ode: odeTrajectory() and its gradients by ${name}, ${size}`, async () => {
    const gpu = await testGpu();
    const golden = await loadCase("ode");
    const tag = `ode_${size}`;
    const hidden = { small: 64, full: 256 }[size]!;
    const sizes = { ...fieldSizesOfGoldens[size], hidden, globalCode: hidden };
    const group = goldenParameters(gpu, golden, tag, dynamicFieldSpecs(sizes));
    const blocks = { layout: "blocks", requiresGradient: true } as const;
    const points = goldenTensor(gpu, golden, `${tag}/xyz`, blocks);
    const code = goldenTensor(gpu, golden, `${tag}/global`, { ...blocks, shape: [2, 1, hidden] });
    const frames = golden.config.n_frames as number;
    const frameOfPoints = golden.input(`${tag}/frame`).data;
    const timesOfPoints = createTensor(gpu, "times", [2, 24, 1], {
      layout: "blocks",
      data: frameOfPoints.map((frame) => 2 * frame / frames - 1),
    });
    const times = createTensor(gpu, "scenes", [2, 2], {
      data: Float32Array.of(0, 2 / frames, 0, 2 / frames),
    });
    const plan = new Plan(gpu, "ode");
    const codes = trunkCodes(plan, group, code);
    const velocityAt = (at: Tensor, perPoint: Tensor) => {
      const encoding = positionalEncoding(plan, "encoding", at, {
        frequencies: pointFrequencies,
        normalize: true,
        time: { perPoint },
      });
      return velocityHead(plan, group, trunk(plan, group, encoding, codes));
    };
    const first = velocityAt(points, timesOfPoints);
    const [before, after] = ([-1, 1] as const).map((direction) => {
      const velocity = (at: Tensor, time: OdeTime) =>
        velocityAt(at, movedTimes(plan, timesOfPoints, time, direction));
      const solved = odeTrajectory(plan, points, first, velocity, {
        times,
        code,
        direction,
        ...options,
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
    const [pMinus, pPlus, dPoints, dCode] = await readTensors(
      gpu,
      before.points,
      after.points,
      ...gradients,
    );
    const prefix = `${size}/spec/${name}`;
    if (before.control && after.control) {
      const [minus, plus] = await readTensors(gpu, before.control, after.control);
      for (const [key, control] of Object.entries({ p_minus: minus, p_plus: plus })) {
        expectClose(golden, {
          [`${prefix}/${key}_nfe`]: control[controls.evaluations],
          [`${prefix}/${key}_rejected`]: control[controls.rejected],
        });
      }
    }
    const parameters = Object.entries(await parameterGradients(group, `${prefix}/backprop`));
    expectClose(golden, {
      [`${prefix}/p_minus`]: pMinus,
      [`${prefix}/p_plus`]: pPlus,
      [`${prefix}/backprop/xyz`]: dPoints,
      [`${prefix}/backprop/glob`]: dCode,
      ...Object.fromEntries(parameters.filter(([key]) => golden.has(key))),
    });
    program.destroy();
  });
}

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
  for (const direction of [-1, 1] as const) {
    const plan = new Plan(gpu, "frames");
    const seen: Tensor[] = [];
    const velocity = (_: Tensor, time: OdeTime) => {
      const at = timesAt(plan, times, time, { offsetFrames, direction });
      seen.push(plan.keep(at));
      return head;
    };
    const options = { solver: "rk4", ...{ rtol: 1, atol: 1, maxSteps: 1, stepSize: 1 } } as const;
    const end = odeTrajectory(plan, points, head, velocity, { ...options, times, code, direction });
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
