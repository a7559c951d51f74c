import { assertEquals } from "@std/assert";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import type { Scene } from "../../src/data/scene.ts";
import { Plan } from "../../src/runtime/plan.ts";
import { readTensors } from "../../src/runtime/readback.ts";
import { createStep, writeStep } from "../../src/runtime/step.ts";
import { createTensor } from "../../src/runtime/tensor.ts";
import { createRayBatch, type RayBatch } from "../../src/training/ray_batch.ts";
import { sampleRays } from "../../src/training/ray_sampler.ts";
import { createSceneMemory } from "../../src/training/scene_memory.ts";
import { testGpu } from "../support/gpu.ts";

const [frames, height, width] = [3, 5, 7];
const pixels = height * width;

/** A scene each of whose numbers tells where it stands; in frame f, pixels from `still[f]` on move. */
function numberedScene(name: string, still: readonly number[]): Scene {
  const count = frames * pixels;
  const numbered = (channels: number, offset: number) =>
    Float32Array.from({ length: count * channels }, (_, i) => i + offset);
  const valid = (rest: number) => Uint8Array.from({ length: count }, (_, i) => +(i % 3 === rest));
  const moving = Uint8Array.from(
    { length: count },
    (_, i) => +(i % pixels >= still[Math.floor(i / pixels)]),
  );
  return {
    name,
    directory: "",
    frames,
    width,
    height,
    images: ndarray(Uint8Array.from(numbered(3, 0), (i) => i % 251), [frames, height, width, 3]),
    inverseDepth: ndarray(numbered(1, 1000), [frames, height, width]),
    moving: ndarray(moving, [frames, height, width]),
    flowForward: ndarray(numbered(2, 2000), [frames, height, width, 2]),
    flowForwardValid: ndarray(valid(0), [frames, height, width]),
    flowBackward: ndarray(numbered(2, 3000), [frames, height, width, 2]),
    flowBackwardValid: ndarray(valid(1), [frames, height, width]),
    cameras: [],
    bounds: ndarray(new Float32Array(2 * frames), [frames, 2]),
    multiview: [],
  };
}

/** Draws the rays of one step; the batch's numbers, and the pixel number of each ray by scene. */
async function draw(
  scenes: readonly Scene[],
  drawn: readonly number[],
  { rays, staticRays, step }: { rays: number; staticRays: number; step: number },
) {
  const gpu = await testGpu();
  const memories = scenes.map((scene) => createSceneMemory(gpu, scene));
  const batch = createRayBatch(gpu, scenes.length, rays);
  const uniform = createStep(gpu);
  writeStep(gpu, uniform, { seed: 7, step, learningRate: 0 });
  const choices = createTensor(gpu, "choices", [scenes.length, 2], {
    data: Uint32Array.from(drawn.flatMap((frame, s) => [frame, memories[s].still[frame]])),
  });
  const plan = new Plan(gpu, "rays");
  sampleRays(plan, memories, batch, uniform, choices, staticRays);
  (await plan.build()).run();
  const names = [
    "pixels",
    "colors",
    "inverseDepth",
    "moving",
    "flowBackward",
    "flowForward",
  ] as const;
  const read = await readTensors(gpu, ...names.map((name) => batch[name]));
  const numbers = Object.fromEntries(names.map((name, i) => [name, read[i]])) as Record<
    Exclude<keyof RayBatch, "scenes" | "rays" | "all">,
    Float32Array
  >;
  const places = scenes.map((_, s) =>
    Array.from({ length: rays }, (_, ray) => {
      const i = 2 * (s * rays + ray);
      return numbers.pixels[i] + width * numbers.pixels[i + 1];
    })
  );
  return { numbers, places };
}

Deno.test("sampleRays() gives each ray what its own scene's frame says of its pixel", async () => {
  const scenes = [numberedScene("a", [20, 20, 20]), numberedScene("b", [9, 30, 17])];
  const drawn = [1, 2];
  const { numbers, places } = await draw(scenes, drawn, { rays: 13, staticRays: 6, step: 3 });
  places.flat().forEach((pixel, ray) => {
    const scene = scenes[Math.floor(ray / 13)];
    const i = drawn[Math.floor(ray / 13)] * pixels + pixel;
    const of = (
      values: Float32Array,
      count: number,
    ) => [...values.slice(ray * count, (ray + 1) * count)];
    const flow = (
      values: Float32Array,
      valid: Uint8Array,
    ) => [values[2 * i], values[2 * i + 1], valid[i]];
    const colors = scene.images.data.slice(3 * i, 3 * i + 3);
    assertEquals(of(numbers.colors, 3), [...Float32Array.from(colors, (value) => value / 255)]);
    assertEquals(of(numbers.inverseDepth, 1), [scene.inverseDepth.data[i]]);
    assertEquals(of(numbers.moving, 1), [scene.moving.data[i]]);
    assertEquals(
      of(numbers.flowBackward, 3),
      flow(scene.flowBackward.data, scene.flowBackwardValid.data),
    );
    assertEquals(
      of(numbers.flowForward, 3),
      flow(scene.flowForward.data, scene.flowForwardValid.data),
    );
  });
});

Deno.test("sampleRays() draws still pixels first, then moving ones, none twice while there are enough", async () => {
  const still = 21;
  const scene = numberedScene("a", [still, still, still]);
  const { places: [first] } = await draw([scene], [0], { rays: 35, staticRays: 21, step: 0 });
  assertEquals(
    first.slice(0, 21).toSorted((a, b) => a - b),
    Array.from({ length: 21 }, (_, i) => i),
  );
  assertEquals(
    first.slice(21).toSorted((a, b) => a - b),
    Array.from({ length: 14 }, (_, i) => still + i),
  );
  const { places: [again] } = await draw([scene], [0], { rays: 35, staticRays: 21, step: 0 });
  const { places: [later] } = await draw([scene], [0], { rays: 35, staticRays: 21, step: 1 });
  assertEquals(again, first);
  assertEquals(later.every((pixel, ray) => pixel === first[ray]), false);
});

Deno.test("sampleRays() repeats a region that has too few pixels, and does without one that is empty", async () => {
  const few = numberedScene("few", [32, pixels, 0]); // three moving pixels, none, nothing but
  const take = (frame: number) => draw([few], [frame], { rays: 12, staticRays: 6, step: 5 });
  const counts = (of: number[]) =>
    [...new Set(of)].map((pixel) => of.filter((p) => p === pixel).length);
  assertEquals(counts((await take(0)).places[0].slice(6)), [2, 2, 2]);
  for (const [frame, kind] of [[1, 0], [2, 1]]) {
    const { numbers, places: [of] } = await take(frame);
    assertEquals([...numbers.moving], Array(12).fill(kind));
    assertEquals(new Set(of.slice(0, 6)).size, 6);
    assertEquals(new Set(of.slice(6)).size, 6);
  }
});
