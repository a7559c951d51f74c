import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Scene } from "../../src/data/scene/scene.ts";
import { balloon, type OdeTrajectory, type Recipe } from "../../src/recipes/recipe.ts";
import { readTensor } from "../../src/runtime/readback.ts";
import { destroyEncodedScenes } from "../../src/nets/encoded_scenes.ts";
import { encodeScenes } from "../../src/training/encode_scenes.ts";
import {
  type StepReport,
  Trainer,
  type TrainerState,
  TrainingError,
} from "../../src/training/trainer.ts";
import { testGpu } from "../support/gpu.ts";
import { randomScene } from "../support/scenes.ts";

const recipe: Recipe = {
  ...balloon("small"),
  model: { hidden: 16, globalCode: 8, globalHidden: 16, videoWidth: 4, imageWidth: 4 },
  encoderWidth: 12,
  encoderHeight: 16,
  rays: 16,
  samples: 8,
  staticSteps: 4,
  dynamicSteps: 4,
};

async function train(
  options: { recipe?: Recipe; scenes?: Scene[]; state?: TrainerState; stopAfter?: number } = {},
) {
  const scenes = options.scenes ?? [randomScene("a", 1), randomScene("b", 11)];
  const trainer = await Trainer.create(await testGpu(), options.recipe ?? recipe, scenes, {
    state: options.state,
  });
  const reports: StepReport[] = [];
  const stop = new AbortController();
  const outcome = await trainer.run({
    signal: stop.signal,
    reportEvery: 1,
    onReport: (report) => {
      reports.push(report);
      if (reports.length === options.stopAfter) stop.abort();
    },
  });
  const state = await trainer.state();
  trainer.destroy();
  return { outcome, reports, state };
}

Deno.test("Trainer gives the same parameters twice, and others for another seed", async () => {
  const [first, second] = [await train(), await train()];
  assertEquals(second.state, first.state);
  assertEquals(
    second.reports.map(({ losses }) => losses),
    first.reports.map(({ losses }) => losses),
  );
  const other = await train({ recipe: { ...recipe, seed: 1 } });
  const name = "mlp_dynamic.lin_out.weight";
  assert(other.state.tensors.get(name)!.data[0] !== first.state.tensors.get(name)!.data[0]);
});

const endToEnd: Recipe = { ...recipe, trainEncoders: true };

for (const [what, each] of [["fields", recipe], ["fields and encoders", endToEnd]] as const) {
  for (const stopAfter of [2, 4, 6]) {
    Deno.test(`Trainer of ${what} stopped after ${stopAfter} of 8 steps goes on to the same parameters`, async () => {
      const whole = await train({ recipe: each });
      const part = await train({ recipe: each, stopAfter });
      assertEquals(part.outcome, "aborted");
      const rest = await train({ recipe: each, state: part.state });
      assertEquals(rest.outcome, "done");
      assertEquals(rest.state, whole.state);
      assertEquals(
        [...part.reports, ...rest.reports].map(({ losses }) => losses),
        whole.reports.map(({ losses }) => losses),
      );
    });
  }
}

/** Names of the parameters that differ, in the order of the checkpoint. */
function moved(a: TrainerState, b: TrainerState): string[] {
  return [...a.tensors].filter(([name, { data }]) =>
    data.some((value, i) => value !== b.tensors.get(name)!.data[i])
  ).map(([name]) => name);
}

/** Names of the parameters of a group that the network uses: the official state_dict has more. */
function used(state: TrainerState, ...prefixes: string[]): string[] {
  const unused = /temporal_linear(_fuse)?\.[12]|mlp_static\.weight_linear/;
  return [...state.tensors.keys()].filter((name) =>
    prefixes.some((prefix) => name.startsWith(prefix)) && !unused.test(name)
  );
}

for (
  const { what, recipe: each, staticStage, dynamicStage } of [
    {
      what: "the field",
      recipe,
      staticStage: ["mlp_static."],
      dynamicStage: ["mlp_dynamic."],
    },
    {
      what: "the field and the encoder", // running statistics included
      recipe: endToEnd,
      staticStage: ["mlp_static.", "encoder2d."],
      dynamicStage: ["mlp_dynamic.", "encoder.model."],
    },
  ]
) {
  Deno.test(`Trainer moves only ${what} of the stage, and every parameter that the stage uses`, async () => {
    const start = await train({ recipe: { ...each, staticSteps: 0, dynamicSteps: 0 } });
    const { state: afterStatic } = await train({ recipe: each, stopAfter: 4 });
    assertEquals(moved(start.state, afterStatic), used(start.state, ...staticStage));
    const end = await train({ recipe: each });
    assertEquals(moved(afterStatic, end.state), used(start.state, ...dynamicStage));
  });
}

Deno.test("Trainer gives encoders the same training whether activations are kept or recorded again", async () => {
  const states = [];
  for (const recompute of [false, true]) {
    states.push((await train({ recipe: { ...endToEnd, recompute } })).state);
  }
  assertEquals(states[1].tensors, states[0].tensors);
});

Deno.test("Trainer.encode() gives the features of the encoders as they are trained", async () => {
  const scenes = [randomScene("a", 1), randomScene("b", 11)];
  const gpu = await testGpu();
  const trainer = await Trainer.create(gpu, endToEnd, scenes);
  const before = await readTensor(gpu, (await trainer.encode()).videoMaps[0][0]);
  await trainer.run();
  const after = await readTensor(gpu, (await trainer.encode()).videoMaps[0][0]);
  const fresh = await encodeScenes(trainer.model, scenes, endToEnd);
  assertEquals(after, await readTensor(gpu, fresh.videoMaps[0][0]));
  assert(after.some((value, i) => value !== before[i]));
  destroyEncodedScenes(trainer.model, fresh);
  trainer.destroy();
});

Deno.test("Trainer.create() refuses a loss weight that a script misspelt", async () => {
  const lossWeights = { smothTime: 1 } as Recipe["lossWeights"];
  const gpu = await testGpu(), before = gpu.allocatedBytes;
  await assertRejects(
    () => Trainer.create(gpu, { ...recipe, lossWeights }, [randomScene("a", 1)]),
    TypeError,
    'Unknown loss term "smothTime", did you mean "smoothTime"? in "lossWeights"',
  );
  assertEquals(gpu.allocatedBytes, before);
});

Deno.test("Trainer trains one scene, and one whose frames see nothing move", async () => {
  const still = randomScene("still", 21);
  still.moving.data.fill(0);
  const { outcome, reports } = await train({ scenes: [still] });
  assertEquals(outcome, "done");
  assert(reports.every(({ losses }) => Object.values(losses).every(Number.isFinite)));
});

Deno.test("Trainer names step and term of a loss that is not finite and keeps the parameters", async () => {
  const broken = randomScene("broken", 31);
  broken.inverseDepth.data.fill(NaN);
  const scenes = [randomScene("a", 1), broken];
  const cases = [[0.03, "static", "depthAnchor"], [0, "dynamic", "depth"]] as const;
  for (const [staticDepthAnchor, stage, term] of cases) {
    const one = { ...recipe, staticDepthAnchor };
    const trainer = await Trainer.create(await testGpu(), one, scenes);
    const error = await assertRejects(() => trainer.run({ reportEvery: 2 }), TrainingError);
    assertEquals([error.stage, error.step, error.term], [stage, 0, term]);
    const { tensors } = await trainer.state();
    for (const [name, { data }] of tensors) assert(data.every(Number.isFinite), name);
    trainer.destroy();
  }
});

const ode: OdeTrajectory = {
  kind: "ode",
  solver: "dopri5",
  rtol: 1e-2,
  atol: 1e-3,
  maxSteps: 2,
  stepSize: 0.5,
  gradient: "backprop",
};

for (
  const [solver, gradient] of [
    ["dopri5", "backprop"],
    ["midpoint", "backprop"],
    ["dopri5", "adjoint"],
    ["euler", "adjoint"],
  ] as const
) {
  Deno.test(`Trainer moves points by ${solver} and ${gradient} the same whether activations are kept or made again`, async () => {
    const trajectory = { ...ode, solver, gradient, maxSteps: 3 }; // back it takes more attempts
    const gains = { positionGain: 1, flowGain: 1 };
    const each = { ...recipe, ...gains, staticSteps: 0, dynamicSteps: 2, trajectory };
    const { outcome, reports } = await train({ recipe: each });
    assertEquals(outcome, "done");
    const again = await train({ recipe: { ...each, recompute: true } });
    assertEquals(again.reports[0].losses, reports[0].losses); // later ones sum gradients in another order
    assertAlmostEquals(again.reports[0].gradientNorm, reports[0].gradientNorm, 1e-4);
    assertAlmostEquals(again.reports[1].losses.total, reports[1].losses.total, 1e-4);
  });
}

Deno.test("Trainer ends where trajectories take more steps than allowed, and keeps the parameters", async () => {
  const trajectory = { ...ode, rtol: 1e-6, atol: 1e-7, maxSteps: 1 };
  const scenes = [randomScene("a", 1), randomScene("b", 11)];
  const trainer = await Trainer.create(await testGpu(), { ...recipe, trajectory }, scenes);
  const error = await assertRejects(() => trainer.run({ reportEvery: 2 }), TrainingError);
  assertEquals([error.stage, error.step], ["dynamic", 0]);
  assertMatch(error.message, /trajectories not solved is 6 in step 0 .* more --ode-max-steps/);
  const { tensors } = await trainer.state();
  for (const [name, { data }] of tensors) assert(data.every(Number.isFinite), name);
  trainer.destroy();
});

Deno.test("Trainer refuses rays that the scenes cannot share", async () => {
  const scenes = [randomScene("a", 1), randomScene("b", 2)];
  const gpu = await testGpu();
  const odd = { ...recipe, rays: 15 };
  await assertRejects(() => Trainer.create(gpu, odd, scenes), Error, "share 15 rays among 2");
  await assertRejects(() => Trainer.create(gpu, recipe, []), Error, "no scene");
});
