import { assert, assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import type { Scene } from "../../src/data/scene/scene.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createStep, writeStep } from "../../src/runtime/step.ts";
import { createTensor, writeTensor } from "../../src/runtime/tensor.ts";
import { createRayBatch } from "../../src/training/ray_batch.ts";
import { sampleRays } from "../../src/training/ray_sampler.ts";
import { createSceneMemory } from "../../src/training/scene_memory.ts";
import { randomArray, testGpu } from "../support/gpu.ts";

const [frames, width, height] = [3, 13, 7];
const pixels = width * height;
const depthNdc = randomArray(5, frames * pixels, 0, 1);

/** A scene of random numbers in which the first `moving[frame]` pixels of a frame move. */
function randomScene(name: string, moving: number[]): Scene {
  const count = frames * pixels;
  const floats = (seed: number, each: number) =>
    ndarray(randomArray(seed, count * each), [frames, height, width, each]);
  const bytes = (from: Float32Array) => Uint8Array.from(from, (value) => value * 255);
  return {
    name,
    frames,
    width,
    height,
    images: ndarray(bytes(randomArray(1, count * 3, 0, 1)), [frames, height, width, 3]),
    inverseDepth: ndarray(randomArray(2, count), [frames, height, width]),
    moving: ndarray(
      Uint8Array.from(
        { length: count },
        (_, i) => i % pixels < moving[Math.floor(i / pixels)] ? 1 : 0,
      ),
      [frames, height, width],
    ),
    flowForward: floats(3, 2),
    flowBackward: floats(4, 2),
    flowForwardValid: ndarray(new Uint8Array(count).fill(1), [frames, height, width]),
    flowBackwardValid: ndarray(new Uint8Array(count), [frames, height, width]),
  } as unknown as Scene;
}

async function draw(moving: number[], frame: number, rays: number, staticRays: number) {
  const gpu = await testGpu();
  const scenes = ["a", "b"].map((name) =>
    createSceneMemory(gpu, randomScene(name, moving), depthNdc)
  );
  const batch = createRayBatch(gpu, 2, rays);
  const step = createStep(gpu);
  const still = scenes[0].still[frame];
  const choices = createTensor(gpu, "choices", [2, 2], {
    data: Uint32Array.of(frame, still, frame, still),
  });
  const plan = new Plan(gpu, "sample");
  sampleRays(plan, scenes, batch, step, choices, staticRays);
  const program = await plan.build();
  const run = async (index: number) => {
    writeStep(gpu, step, { seed: 7, step: index, learningRate: 0 });
    writeTensor(gpu, batch.all, new Float32Array(batch.all.size).fill(NaN));
    program.run();
    const { pixels, colors, inverseDepth, moving, flowBackward, flowForward, absoluteDepth } =
      batch;
    return await readTensors(
      gpu,
      pixels,
      colors,
      inverseDepth,
      moving,
      flowBackward,
      flowForward,
      absoluteDepth,
    );
  };
  return { scene: scenes[0].scene, run };
}

/** Pixel numbers of one scene's rays. */
function pixelNumbers(places: Float32Array, scene: number, rays: number): number[] {
  return Array.from({ length: rays }, (_, r) => {
    const i = 2 * (scene * rays + r);
    return places[i + 1] * width + places[i];
  });
}

Deno.test("sampleRays() draws still rays first, no pixel twice, and what the frame says of each", async () => {
  const [rays, staticRays, frame] = [40, 25, 1];
  const { scene, run } = await draw([5, 30, 60], frame, rays, staticRays);
  const [places, colors, depth, moving, backward, forward, absolute] = await run(3);
  const at = pixelNumbers(places, 1, rays);
  for (const part of [at.slice(0, staticRays), at.slice(staticRays)]) {
    assertEquals(new Set(part).size, part.length);
  }
  at.forEach((pixel, r) => {
    const i = frame * pixels + pixel, ray = rays + r; // of the second scene
    assertEquals(moving[ray], r < staticRays ? 0 : 1);
    assertEquals(moving[ray], scene.moving.data[i]);
    assertEquals(depth[ray], scene.inverseDepth.data[i]);
    assertEquals(absolute[ray], depthNdc[i]);
    for (const c of [0, 1, 2]) {
      assertEquals(colors[3 * ray + c], Math.fround(scene.images.data[3 * i + c] / 255));
    }
    for (const c of [0, 1]) {
      assertEquals(backward[3 * ray + c], scene.flowBackward.data[2 * i + c]);
      assertEquals(forward[3 * ray + c], scene.flowForward.data[2 * i + c]);
    }
    assertEquals([backward[3 * ray + 2], forward[3 * ray + 2]], [0, 1]);
  });
});

Deno.test("sampleRays() draws other rays for another step and another scene, and the same again for the same", async () => {
  const { run } = await draw([30, 30, 30], 0, 32, 16);
  const [first, again, later] = [(await run(1))[0], (await run(1))[0], (await run(2))[0]];
  assertEquals(again, first);
  const differ = (a: number[], b: number[]) => a.some((value, i) => value !== b[i]);
  assert(differ(pixelNumbers(first, 0, 32), pixelNumbers(later, 0, 32)));
  assert(differ(pixelNumbers(first, 0, 32), pixelNumbers(first, 1, 32)));
});

Deno.test("sampleRays() reaches every pixel of a region", async () => {
  const { run } = await draw([30, 30, 30], 2, pixels, pixels - 30);
  const [places] = await run(5);
  assertEquals(new Set(pixelNumbers(places, 0, pixels)).size, pixels);
});

Deno.test("sampleRays() repeats the pixels of a region with fewer than its rays", async () => {
  const { run } = await draw([4, 4, 4], 0, 32, 16);
  const [places, , , moving] = await run(1);
  const at = pixelNumbers(places, 0, 32).slice(16);
  assertEquals(new Set(at).size, 4);
  assert(moving.subarray(16, 32).every((value) => value === 1));
});

Deno.test("sampleRays() takes all rays from the other region where one is empty", async () => {
  const still = await draw([0, 0, 0], 0, 32, 16);
  assert((await still.run(1))[3].every((value) => value === 0));
  const moving = await draw([pixels, pixels, pixels], 0, 32, 16);
  assert((await moving.run(1))[3].every((value) => value === 1));
});
