import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { smoothnessLosses } from "../../src/losses/smoothness.ts";
import { randomArray } from "../support/gpu.ts";
import { cameraRecords, checkLoss, runOnce } from "./support.ts";

const both = [[true, true], [true, true]];

function inputs(points: number, spread = 0.5) {
  const places = (seed: number) => ({
    shape: [2, points, 3],
    layout: "blocks" as const,
    data: randomArray(seed, 2 * points * 3, -spread, spread),
  });
  return {
    pointsBefore2: places(1),
    pointsBefore: places(2),
    points: places(3),
    pointsAfter: places(4),
    pointsAfter2: places(5),
    cameras: { shape: [2, 3, 16], data: cameraRecords(both), differentiable: false },
  };
}

/** Trajectories that bend the same way everywhere, by turns much and little from sample to sample: no |…| is near its kink. */
function zigzag(rays: number, samples: number) {
  const x = inputs(rays * samples, 0.005);
  const offsets = {
    pointsBefore2: 0.36,
    pointsBefore: 0.12,
    points: 0,
    pointsAfter: 0.08,
    pointsAfter2: 0.3,
  };
  for (const name of Object.keys(offsets) as (keyof typeof offsets)[]) {
    x[name].data.forEach((_, i, data) => {
      const odd = Math.floor(i / 3) % samples % 2;
      data[i] += 0.1 + offsets[name] * (odd ? 1 : 0.4);
    });
  }
  return x;
}

const everywhere = 0.999;

for (const [rays, samples, far] of [[1, 5], [7, 16], [13, 11], [65, 5], [9, 7, 0.3]]) {
  const smoothnessFar = far ?? everywhere;
  const name = `${rays} rays of ${samples} samples` + (far ? ` with places up to ${far}` : "");
  Deno.test(`smoothnessLosses() has the gradient of its formula for ${name}`, async () => {
    await checkLoss(
      zigzag(rays, samples),
      (plan, x) => smoothnessLosses(plan, "s", x, { samples, smoothnessFar }),
      { step: 2e-3 },
    );
  });
}

Deno.test("smoothnessLosses() are the means that the table tells", async () => {
  const [rays, samples] = [9, 11];
  const x = inputs(rays * samples);
  const world = (name: Exclude<keyof typeof x, "cameras">, scene: number, point: number) => {
    const [u, v, w] = x[name].data.subarray((scene * rays * samples + point) * 3);
    const z = 2 / (w - 1), focal = 28 + scene;
    return [-u * z * 32 / (2 * focal), -v * z * 18 / (2 * focal), z];
  };
  const sums = [0, 0, 0];
  for (let scene = 0; scene < 2; scene++) {
    for (let point = 0; point < rays * samples; point++) {
      const at = (name: Exclude<keyof typeof x, "cameras">, k = point) => world(name, scene, k);
      const curve = (a: number[], b: number[], c: number[]) =>
        b.reduce((sum, y, i) => sum + Math.abs(a[i] + c[i] - 2 * y), 0);
      if (point % samples < 9) { // 90 % of 11, rounded down
        sums[0] += curve(at("pointsBefore"), at("points"), at("pointsAfter"));
        sums[2] += curve(at("pointsBefore2"), at("pointsBefore"), at("points")) +
          curve(at("points"), at("pointsAfter"), at("pointsAfter2"));
      }
      if (point % samples < 9) { // 95 % of 11 are 10 samples: 9 differences
        for (const name of ["pointsBefore", "pointsAfter"] as const) {
          const here = at("points").map((y, i) => y - at(name)[i]);
          const next = at("points", point + 1).map((y, i) => y - at(name, point + 1)[i]);
          sums[1] += here.reduce((sum, y, i) => sum + Math.abs(next[i] - y), 0);
        }
      }
    }
  }
  const { outputs: [terms] } = await runOnce(
    x,
    (plan, x) => [smoothnessLosses(plan, "s", x, { samples, smoothnessFar: everywhere })],
  );
  const wanted = sums.map((sum) => sum / (2 * rays * 9 * 3));
  wanted.forEach((value, i) => assertAlmostEquals(terms[i], value, 1e-5 * value));
});

Deno.test("smoothnessLosses() gives points beyond NDC's range no gradient along z", async () => {
  const { cameras, ...places } = inputs(5);
  for (const { data } of Object.values(places)) {
    for (let i = 2; i < data.length; i += 3) data[i] += data[i] < 0 ? -1 : 1.5;
  }
  const { gradients } = await runOnce(
    { cameras, ...places },
    (plan, x) => [smoothnessLosses(plan, "s", x, { samples: 5, smoothnessFar: everywhere })],
  );
  for (const name of Object.keys(places) as (keyof typeof places)[]) {
    const along = gradients[name].filter((_, i) => i % 3 === 2);
    assertEquals([...along], Array(10).fill(0), name);
    assert(gradients[name].some((g) => g !== 0), name);
  }
});

Deno.test("smoothnessLosses() takes what is farther than `smoothnessFar` for as far", async () => {
  const { cameras, ...places } = inputs(12);
  const near = Object.fromEntries(
    Object.entries(places).map(([name, place]) => {
      const data = place.data.map((value, i) => i % 3 === 2 ? Math.min(value, 0.1) : value);
      return [name, { ...place, data }];
    }),
  ) as typeof places;
  const terms = (x: typeof places, smoothnessFar = everywhere) =>
    runOnce(
      { cameras, ...x },
      (plan, x) => [smoothnessLosses(plan, "s", x, { samples: 6, smoothnessFar })],
    ).then(({ outputs: [values] }) => values);
  assertEquals(await terms(places, 0.1), await terms(near));
  assert(new Set(await terms(places)).isDisjointFrom(new Set(await terms(near))));
});

Deno.test("smoothnessLosses() of one sample a ray is 0", async () => {
  const { outputs: [terms] } = await runOnce(
    inputs(3),
    (plan, x) => [smoothnessLosses(plan, "s", x, { samples: 1, smoothnessFar: everywhere })],
  );
  assertEquals([...terms], [0, 0, 0]);
});

Deno.test("smoothnessLosses() writes only the gradients that are asked for", async () => {
  const x = inputs(65);
  const { gradients } = await runOnce(
    { ...x, points: { ...x.points, differentiable: false } },
    (plan, x) => [smoothnessLosses(plan, "s", x, { samples: 13, smoothnessFar: everywhere })],
  );
  assertEquals(gradients.points, undefined);
  assert(gradients.pointsBefore.some((g) => g !== 0));
});
