import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { depthLosses } from "../../src/losses/depth.ts";
import { randomArray } from "../support/gpu.ts";
import { checkLoss, runOnce } from "./support.ts";

const scenes = 2;
const options = { staticRays: 0, depthBlendingThickness: 0.1 };

function inputs(rays: number, samples: number) {
  const depth = randomArray(4, scenes * rays, 0.2, 5);
  return {
    maps: { shape: [scenes, rays, 16], data: apart(rays) },
    blending: {
      shape: [scenes, rays * samples, 1],
      layout: "blocks" as const,
      data: randomArray(2, scenes * rays * samples, 0.1, 0.9),
    },
    z: {
      shape: [scenes, rays, samples],
      data: randomArray(3, scenes * rays * samples, 0, 1),
      differentiable: false,
    },
    inverseDepth: { shape: [scenes, rays], data: depth, differentiable: false },
    moving: {
      shape: [scenes, rays],
      data: randomArray(5, scenes * rays).map((x) => x > 0 ? 1 : 0),
      differentiable: false,
    },
  };
}

/** Maps whose dynamic depths are shuffled, no two closer than 0.05: a small step changes no rank. */
function apart(rays: number): Float32Array<ArrayBuffer> {
  const maps = randomArray(1, scenes * rays * 16, 0, 1);
  for (let scene = 0; scene < scenes; scene++) {
    for (let ray = 0; ray < rays; ray++) {
      const shuffled = (ray * 7 + scene) % rays;
      maps[(scene * rays + ray) * 16 + 13] = 0.05 * shuffled + 0.02 * Math.sin(shuffled);
    }
  }
  return maps;
}

for (const [rays, samples] of [[1, 1], [2, 5], [10, 16], [65, 5], [257, 3]]) {
  Deno.test(`depthLosses() has the gradient of its formula for ${rays} rays of ${samples} samples`, async () => {
    // no static rays: the order term holds depth_s still, which a difference does not
    await checkLoss(
      inputs(rays, samples),
      (plan, x) => depthLosses(plan, "depth", x, { ...options, forGoldens: { far: 0.75 } }),
      { step: 5e-3 },
    );
  });
}

Deno.test("depthLosses() have the gradient of depth blending about absolute depths", async () => {
  const [rays, samples] = [65, 5];
  const absolute = randomArray(6, scenes * rays, 0, 1);
  const x = {
    ...inputs(rays, samples),
    absoluteDepth: { shape: [scenes, rays], data: absolute, differentiable: false },
  };
  await checkLoss(x, (plan, x) => depthLosses(plan, "depth", x, options), { step: 5e-3 });
  let [sum, moving] = [0, 0];
  x.moving.data.forEach((moves, ray) => {
    if (!moves) return;
    moving++;
    for (let i = ray * samples; i < (ray + 1) * samples; i++) {
      const z = x.z.data[i];
      const wanted = Math.abs(z - absolute[ray]) <= 0.1 ? z : 0;
      sum += (z * x.blending.data[i] - wanted) ** 2;
    }
  });
  const { outputs: [terms] } = await runOnce(
    x,
    (plan, x) => [depthLosses(plan, "depth", x, options)],
  );
  assertAlmostEquals(terms[1], sum / (moving * samples), 1e-5);
});

Deno.test("depthLosses() order static rays by the dynamic depth alone", async () => {
  const [rays, staticRays] = [9, 4];
  const x = inputs(rays, 5);
  const gradient = async (staticRays: number) =>
    (await runOnce(x, (plan, x) => [depthLosses(plan, "depth", x, { ...options, staticRays })]))
      .gradients.maps;
  const without = await gradient(0);
  (await gradient(staticRays)).forEach((g, i) => {
    const ray = Math.floor(i / 16), channel = i % 16;
    const difference = x.maps.data[ray * 16 + 13] - x.maps.data[ray * 16 + 8];
    const wanted = channel === 13 && ray % rays < staticRays
      ? 2 * difference / (scenes * staticRays)
      : 0;
    assertAlmostEquals(g - without[i], wanted, 1e-6, `ray ${ray}, channel ${channel}`);
  });
});

Deno.test("depthLosses() are the means that the table tells", async () => {
  const [rays, samples, staticRays, far] = [10, 16, 4, 0.75];
  const x = inputs(rays, samples);
  const sums = [0, 0, 0];
  let moving = 0;
  const norm = (values: number[]) => {
    const median = values.toSorted((a, b) => a - b)[Math.floor((rays - 1) / 2)];
    const spread = values.reduce((sum, v) => sum + Math.abs(v - median), 0) / rays;
    return values.map((v) => (v - median) / spread);
  };
  for (let scene = 0; scene < scenes; scene++) {
    const ofRays = <T>(f: (ray: number) => T) =>
      Array.from({ length: rays }, (_, ray) => f(scene * rays + ray));
    const map = (channel: number) => ofRays((ray) => x.maps.data[ray * 16 + channel]);
    const inverse = ofRays((ray) => x.inverseDepth.data[ray]);
    const target = norm(inverse.map((v) => -v));
    norm(map(13)).forEach((y, i) => sums[0] += (y - target[i]) ** 2 / (scenes * rays));
    const least = Math.min(...inverse), most = Math.max(...inverse);
    ofRays((ray) => {
      if (!x.moving.data[ray]) return;
      moving++;
      const depth = far * (most - x.inverseDepth.data[ray]) / (most - least);
      for (let i = ray * samples; i < (ray + 1) * samples; i++) {
        const z = x.z.data[i];
        const wanted = Math.abs(z - depth) <= options.depthBlendingThickness ? z : 0;
        sums[1] += (z * x.blending.data[i] - wanted) ** 2;
      }
    });
    for (let i = 0; i < staticRays; i++) {
      sums[2] += (map(13)[i] - map(8)[i]) ** 2 / (scenes * staticRays);
    }
  }
  sums[1] /= moving * samples;
  const { outputs: [terms] } = await runOnce(
    x,
    (plan, x) => [depthLosses(plan, "depth", x, { ...options, staticRays, forGoldens: { far } })],
  );
  sums.forEach((wanted, i) => assertAlmostEquals(terms[i], wanted, 3e-6 * wanted, `term ${i}`));
});

Deno.test("depthLosses() stay finite where all rays are alike and nothing moves", async () => {
  const x = inputs(6, 5);
  for (let i = 13; i < x.maps.data.length; i += 16) x.maps.data[i] = 0;
  x.inverseDepth.data.fill(1);
  x.moving.data.fill(0);
  const { outputs: [terms], gradients } = await runOnce(
    x,
    (plan, x) => [depthLosses(plan, "depth", x, options)],
  );
  assertEquals([...terms], [0, 0, 0]);
  for (const gradient of Object.values(gradients)) assert(gradient.every((g) => g === 0));
});

Deno.test("depthLosses() gives the median's gradient to one of equal depths", async () => {
  const x = inputs(5, 3);
  for (let i = 0; i < 10; i++) {
    x.maps.data[i * 16 + 13] = [0.9, 0.5, 0.2, 0.5, 0.5][i % 5];
    x.inverseDepth.data[i] = [1, 2, 9, 2, 2][i % 5];
  }
  const { gradients: { maps } } = await runOnce(
    x,
    (plan, x) => [depthLosses(plan, "depth", x, options)],
  );
  const [g0, g1, g2, g3, g4] = [0, 1, 2, 3, 4].map((ray) => maps[ray * 16 + 13]);
  assertEquals(g1, g4);
  assert(Math.abs(g3 - g1) > 0.01, `the median's ray has ${g3}, its equals ${g1}`);
  assertAlmostEquals(g0 + g1 + g2 + g3 + g4, 0, 1e-5); // norm does not see a common offset
});
