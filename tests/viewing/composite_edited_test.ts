import { assert, assertEquals, assertRejects } from "@std/assert";
import { compositeBoth, rayMapChannels, rayMaps } from "../../src/rendering/composite.ts";
import { compositeEdited } from "../../src/viewing/composite_edited.ts";
import type { Plan } from "../../src/runtime/plan.ts";
import type { Tensor } from "../../src/runtime/tensor.ts";
import { type CheckedInput, randomArray } from "../support/gpu.ts";
import { runRecorded, type Values } from "../support/recorded.ts";

const [rays, samples] = [13, 5];
const points = rays * samples;

/** Two scenes' rays from z = −1, a static field and two foregrounds on them, all at random; no region. */
function randomInputs(): Record<string, CheckedInput> {
  const blocks = (data: Float32Array, channels: number): CheckedInput => {
    return { shape: [2, points, channels], layout: "blocks", data, differentiable: false };
  };
  const rows = (data: Float32Array, ...shape: number[]) => {
    return { shape, data, differentiable: false };
  };
  const origins = randomArray(8, 4 * rays, -0.3, 0.3);
  const slopes = randomArray(9, 4 * rays, -0.5, 0.5);
  const depth = (i: number) => (i % samples + 0.5) / samples;
  const place = (i: number) => {
    const ray = Math.floor(i / samples);
    const across = (c: number) => origins[2 * ray + c] + depth(i) * slopes[2 * ray + c];
    return [across(0), across(1), -1 + 2 * depth(i)];
  };
  const all = Array.from({ length: 2 * points }, (_, i) => i);
  const directions = Array.from(
    { length: 2 * rays },
    (_, ray) => [slopes[2 * ray], slopes[2 * ray + 1], 2],
  );
  return {
    rawStatic: blocks(randomArray(1, 8 * points, -3, 3), 4),
    raw: blocks(randomArray(2, 8 * points, -3, 3), 4),
    blending: blocks(randomArray(3, 2 * points, 0, 1), 1),
    otherRaw: blocks(randomArray(4, 8 * points, -3, 3), 4),
    otherBlending: blocks(randomArray(5, 2 * points, 0, 1), 1),
    points: blocks(Float32Array.from(all.flatMap(place)), 3),
    z: rows(Float32Array.from(all, depth), 2, rays, samples),
    directions: rows(Float32Array.from(directions.flat()), 2, rays, 3),
    regions: rows(new Float32Array(2 * 2 * 8), 2, 2, 8),
  };
}

type Tensors = Record<string, Tensor>;
const first = ({ raw, blending, points }: Tensors) => ({ raw, blending, points });
const second = ({ otherRaw, otherBlending, points, otherPoints = points }: Tensors) => {
  return { raw: otherRaw, blending: otherBlending, points: otherPoints };
};

/** The maps and weights with some of the foregrounds. */
async function edited(
  inputs: Record<string, CheckedInput>,
  ...foregrounds: ((tensors: Tensors) => ReturnType<typeof first>)[]
): Promise<Values> {
  const { outputs } = await runRecorded(inputs, (plan: Plan, tensors) => {
    const { rawStatic, points, z, directions, regions } = tensors;
    return {
      ...compositeEdited(plan, "edited", {
        ...{ rawStatic, points, z, directions, regions },
        foregrounds: foregrounds.map((of) => of(tensors)),
      }),
    };
  });
  return outputs;
}

/** The same of the plain composite. */
async function plain(inputs: Record<string, CheckedInput>): Promise<Values> {
  const { outputs } = await runRecorded(inputs, (plan, tensors) => {
    const { rawStatic, raw, blending, z, directions } = tensors;
    return {
      ...compositeBoth(plan, "both", { rawStatic, rawDynamic: raw, blending, z, directions }),
    };
  });
  return outputs;
}

function assertClose(actual: Float32Array, expected: Float32Array, within = 1e-5): void {
  const off = Math.max(...actual.map((value, i) => Math.abs(value - expected[i])));
  assert(off < within, `off by ${off}`);
}

/** Channels of all rays. */
const channels = (maps: Float32Array, first: number, count: number) =>
  maps.filter((_, i) => i % rayMapChannels >= first && i % rayMapChannels < first + count);

Deno.test("compositeEdited() of one foreground is compositeBoth()", async () => {
  const inputs = randomInputs();
  const [actual, expected] = [await edited(inputs, first), await plain(inputs)];
  assertClose(actual.maps, expected.maps);
  assertClose(actual.weights, expected.weights);
});

Deno.test("compositeEdited() is the plain composite where a second foreground's blending is 0", async () => {
  const inputs = randomInputs();
  inputs.otherBlending.data.fill(0);
  const [actual, expected] = [await edited(inputs, first, second), await plain(inputs)];
  assertClose(actual.maps, expected.maps);
  assertClose(actual.weights, expected.weights);
});

Deno.test("compositeEdited() of no foreground is the static field alone", async () => {
  const inputs = randomInputs();
  const { maps } = await edited(inputs);
  const expected = (await plain(inputs)).maps;
  for (const at of [rayMaps.colorFull, rayMaps.colorStatic]) {
    assertClose(channels(maps, at, 5), channels(expected, rayMaps.colorStatic, 5));
  }
  assertEquals(channels(maps, rayMaps.colorDynamic, 6), new Float32Array(12 * rays));
});

Deno.test("compositeEdited() has the product form with a factor for each field, in any order", async () => {
  const inputs = randomInputs();
  const { maps } = await edited(inputs, first, second);
  const value = (name: string, point: number, channel = 0) =>
    inputs[name].data[point * inputs[name].shape[2] + channel];
  const color = (raw: string, point: number, c: number) =>
    1 / (1 + Math.exp(-value(raw, point, c)));
  for (let ray = 0; ray < 2 * rays; ray++) {
    let transmittance = 1;
    const wanted = { color: [0, 0, 0], acc: 0, dynamicness: 0 };
    const direction = Math.hypot(...inputs.directions.data.subarray(3 * ray, 3 * ray + 3));
    for (let n = 0; n < samples; n++) {
      const i = ray * samples + n;
      const delta = direction * (n === samples - 1 ? 1e10 : 1 / samples);
      const alpha = (raw: string) => 1 - Math.exp(-Math.max(0, value(raw, i, 3)) * delta);
      const [b1, b2] = [value("blending", i), value("otherBlending", i)];
      const moving = 1 - (1 - b1) * (1 - b2);
      const shares: [string, number][] = [
        ["rawStatic", alpha("rawStatic") * (1 - moving)],
        ["raw", alpha("raw") * moving * b1 / (b1 + b2)],
        ["otherRaw", alpha("otherRaw") * moving * b2 / (b1 + b2)],
      ];
      for (const [raw, share] of shares) {
        wanted.acc += transmittance * share;
        wanted.dynamicness += transmittance * share * moving;
        wanted.color.forEach((_, c) => wanted.color[c] += transmittance * share * color(raw, i, c));
      }
      transmittance *= shares.reduce((product, [, share]) => product * (1 - share), 1) + 1e-10;
    }
    const at = ray * rayMapChannels;
    assertClose(maps.slice(at, at + 3), Float32Array.from(wanted.color));
    assertClose(maps.slice(at + 4, at + 5), Float32Array.of(wanted.acc));
    assertClose(maps.slice(at + 15, at + 16), Float32Array.of(wanted.dynamicness));
  }
  const { maps: swapped } = await edited(inputs, second, first);
  for (const [at, count] of [[rayMaps.colorFull, 5], [rayMaps.dynamicness, 1]]) {
    assertClose(channels(swapped, at, count), channels(maps, at, count));
  }
});

Deno.test("compositeEdited() sees nothing of a foreground that its cameras never saw", async () => {
  const inputs = randomInputs();
  const { shape, layout, data } = inputs.points;
  const outside = data.map((value, i) => i % 3 === 2 ? -2 : value);
  inputs.otherPoints = { shape, layout, data: outside, differentiable: false };
  assertClose((await edited(inputs, first, second)).maps, (await plain(inputs)).maps);
});

Deno.test("compositeEdited() takes the blending of the last region that a point is in", async () => {
  const inputs = randomInputs();
  // x of the world over the NDC's extent, of a point of NDC p, is p_x · 2/(1 − p_z)
  const world = (i: number) => 2 / (1 - inputs.points.data[3 * i + 2]) * inputs.points.data[3 * i];
  const box = (from: number, to: number, b: number) => [from, -99, -99, b, to, 99, 0, 1];
  const regions = [...box(0, 99, 0), ...box(0.2, 99, 1)];
  inputs.regions.data = Float32Array.from([...regions, ...regions]);
  const actual = await edited(inputs, first);
  inputs.regions.data = new Float32Array(32);
  inputs.blending.data = inputs.blending.data.map((b, i) =>
    world(i) < 0 ? b : world(i) < 0.2 ? 0 : 1
  );
  assertClose(actual.maps, (await edited(inputs, first)).maps);
});

Deno.test("compositeEdited() names the tensor that does not fit", async () => {
  const inputs = randomInputs();
  inputs.otherBlending.shape = [2, points + 1, 1];
  inputs.otherBlending.data = new Float32Array(2 * points + 2);
  await assertRejects(
    () => edited(inputs, first, second),
    Error,
    'Cannot record compositeEdited "edited": blending is (2, 66, 1) in blocks, wanted (2, 65, 1)',
  );
});

Deno.test("compositeEdited() refuses to be differentiated", async () => {
  const inputs = randomInputs();
  const raw = { ...inputs.raw, differentiable: true };
  const error = await assertRejects(() => edited({ ...inputs, raw }, second, first), Error);
  assertEquals(
    error.message,
    'Cannot differentiate compositeEdited "edited": it is for inference only, and raw requires a gradient; ' +
      "use frozen parameters and inputs",
  );
});
