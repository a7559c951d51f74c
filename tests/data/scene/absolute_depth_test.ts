import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ProceduralScene } from "../../../src/data/procedural/procedural_scene.ts";
import { absoluteDepthNdc, inverseDepthLine } from "../../../src/data/scene/absolute_depth.ts";
import type { Scene } from "../../../src/data/scene/scene.ts";
import { pixelRay } from "../../../src/data/scene/pixel_ray.ts";
import { syntheticScene } from "../../../tasks/bench/scene.ts";

/** A procedural scene whose inverse depth is `gain[frame]·(1/depth) + shift[frame]`, as an estimator's may be. */
function estimated(gain: (frame: number) => number, shift: (frame: number) => number): Scene {
  const scene = syntheticScene("balloon1", 96, 54);
  const size = scene.width * scene.height;
  scene.inverseDepth.data.forEach((value, i) => {
    const frame = Math.floor(i / size);
    scene.inverseDepth.data[i] = gain(frame) * value + shift(frame);
  });
  return scene;
}

/** Metres of a unit of the scene's cameras. */
function metresPerUnit(scene: Scene, world: ProceduralScene): number {
  const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Math.hypot(...[0, 1, 2].map((k) => a[k] - b[k]));
  const place = ({ cameraToWorld: m }: Scene["cameras"][number]) => [m[3], m[7], m[11]];
  const [first, last] = [0, 5];
  return distance(world.cameras[first].origin, world.cameras[last].origin) /
    distance(place(scene.cameras[first]), place(scene.cameras[last]));
}

Deno.test("inverseDepthLine() finds scale and shift of each frame from its flow", () => {
  const gain = (frame: number) => 40 + 3 * frame, shift = (frame: number) => 7 - frame;
  const scene = estimated(gain, shift);
  const world = new ProceduralScene("balloon1", { width: 96, height: 54, factor: 1 });
  const units = metresPerUnit(scene, world);
  for (const frame of [0, 4, 11]) {
    const { slope, offset } = inverseDepthLine(scene, frame);
    assertAlmostEquals(slope * gain(frame), units, 1e-3 * units);
    assertAlmostEquals(slope * shift(frame) + offset, 0, 1e-3);
  }
});

Deno.test("absoluteDepthNdc() is where the point that a pixel sees lies on its ray", () => {
  const scene = estimated(() => 5, () => -2);
  const world = new ProceduralScene("balloon1", { width: 96, height: 54, factor: 1 });
  const units = metresPerUnit(scene, world);
  const { data, shape } = absoluteDepthNdc(scene);
  assertEquals(shape, [12, 54, 96]);
  for (const frame of [0, 7]) {
    const metres = world.depthMap(frame, frame);
    for (const [x, y] of [[0, 0], [48, 27], [95, 53], [30, 40]]) {
      const { originWorld, directionWorld } = pixelRay(scene.cameras[frame], x, y);
      const z = originWorld[2] + directionWorld[2] * metres.get(y, x) / units;
      assertAlmostEquals(data[(frame * 54 + y) * 96 + x], 1 + 1 / z, 1e-3, `pixel ${x}, ${y}`);
    }
  }
});

Deno.test("inverseDepthLine() takes the bounds where there is no parallax", () => {
  const scene = estimated(() => 3, () => 1);
  scene.flowForwardValid.data.fill(0);
  scene.flowBackwardValid.data.fill(0);
  const size = scene.width * scene.height;
  const { slope, offset } = inverseDepthLine(scene, 2);
  const sorted = scene.inverseDepth.data.slice(2 * size, 3 * size).sort();
  const at = (percent: number) => slope * sorted[Math.round((size - 1) * percent / 100)] + offset;
  assertAlmostEquals(at(95), 1 / scene.bounds.get(2, 0), 1e-5);
  assertAlmostEquals(at(5), 1 / scene.bounds.get(2, 1), 1e-5);
});

Deno.test("inverseDepthLine() is drawn to the bounds by flow that does not fit", () => {
  const scene = estimated(() => 1, () => 0);
  const told = inverseDepthLine(scene, 3).slope;
  scene.flowForward.data.forEach((value, i) => {
    scene.flowForward.data[i] = value + 2 * Math.sin(7 * i);
  });
  scene.flowBackward.data.forEach((value, i) => {
    scene.flowBackward.data[i] = value + 2 * Math.sin(5 * i);
  });
  const { slope } = inverseDepthLine(scene, 3);
  scene.flowForwardValid.data.fill(0);
  scene.flowBackwardValid.data.fill(0);
  const ofBounds = inverseDepthLine(scene, 3).slope;
  assert(Math.abs(slope - ofBounds) < 0.003 * ofBounds, `${slope} near ${ofBounds}`);
  assert(Math.abs(told - ofBounds) > 0.015 * ofBounds, `${told} by flow, ${ofBounds} by bounds`);
});

Deno.test("absoluteDepthNdc() stays in 0…1 where a frame has no depth at all", () => {
  const scene = estimated(() => 0, () => 1);
  const { data } = absoluteDepthNdc(scene);
  assert(data.every((t) => t >= 0 && t <= 1));
  const [near, far] = [scene.bounds.get(0, 0), scene.bounds.get(0, 1)];
  assert(data[0] > 0.3 && data[0] < 1, `${data[0]} between ${near} and ${far}`);
});
