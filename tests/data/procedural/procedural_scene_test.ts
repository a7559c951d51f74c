import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import {
  ensureProceduralScene,
  generateProceduralScene,
  ProceduralScene,
  proceduralScenes,
} from "../../../src/data/procedural/mod.ts";
import type { Camera } from "../../../src/data/scene/camera.ts";
import { loadMultiviewImage, loadScene, type Scene } from "../../../src/data/scene/scene.ts";
import { names, temporaryFolder } from "../temporary_folder.ts";

/** A scene generated, loaded, and three held-out views of it by `[camera, time]`. */
interface Loaded {
  truth: ProceduralScene;
  scene: Scene;
  views: { camera: number; time: number; image: NdArray<Uint8Array> }[];
}

const generated = new Map<string, Promise<Loaded>>();

/** Each scene once, at 128×72, trained at 64×36. */
function load(name: string): Promise<Loaded> {
  let loading = generated.get(name);
  if (!loading) generated.set(name, loading = generateAndLoad(name));
  return loading;
}

async function generateAndLoad(name: string): Promise<Loaded> {
  await using folder = await temporaryFolder();
  const options = { width: 128, height: 72 }, directory = join(folder.path, name);
  await generateProceduralScene(name, directory, options);
  const scene = await loadScene(directory);
  const views = [[0, 0], [7, 7], [2, 9]].map(async ([camera, time]) => ({
    camera,
    time,
    image: await loadMultiviewImage(scene, time, camera),
  }));
  return { truth: new ProceduralScene(name, options), scene, views: await Promise.all(views) };
}

/** Calls back with frame, x, y and flat index for each pixel that has the neighbour. */
function forEachPixel(
  scene: Scene,
  neighbour: 1 | -1,
  visit: (frame: number, x: number, y: number, i: number) => void,
): void {
  const { frames, width, height } = scene;
  for (let frame = 0; frame < frames; frame++) {
    if (frame + neighbour < 0 || frame + neighbour >= frames) continue;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) visit(frame, x, y, (frame * height + y) * width + x);
    }
  }
}

/** The point of depth z (along the axis) at a pixel, in the world of the cameras. */
function unproject(camera: Camera, x: number, y: number, z: number): number[] {
  const { cameraToWorld: m, focalPixels: f, width, height } = camera;
  const p = [(x - width / 2) / f * z, -(y - height / 2) / f * z, -z];
  return [0, 4, 8].map((r) => m[r] * p[0] + m[r + 1] * p[1] + m[r + 2] * p[2] + m[r + 3]);
}

function project(camera: Camera, point: number[]): [x: number, y: number] {
  const { cameraToWorld: m, focalPixels: f, width, height } = camera;
  const d = [point[0] - m[3], point[1] - m[7], point[2] - m[11]];
  const [u, v, w] = [0, 1, 2].map((c) => m[c] * d[0] + m[4 + c] * d[1] + m[8 + c] * d[2]);
  return [width / 2 + f * u / -w, height / 2 - f * v / -w];
}

/** Mean position of the pixels that are not 0, each counted by its value up to 1. */
function middle(map: NdArray<Float32Array>): { x: number; y: number } {
  const width = map.shape[1];
  let x = 0, y = 0, sum = 0;
  map.data.forEach((value, i) => {
    const share = Math.min(value, 1);
    x += share * (i % width);
    y += share * Math.floor(i / width);
    sum += share;
  });
  return { x: x / sum, y: y / sum };
}

/** The loader's units over metres: near bounds are 0.95 of the nearest depth. */
function unitsPerMetre({ scene }: Loaded): number {
  const frameSize = scene.width * scene.height;
  const nearest = 1 / Math.max(...scene.inverseDepth.data.subarray(0, frameSize));
  return scene.bounds.data[0] / (0.95 * nearest);
}

for (const name of proceduralScenes()) {
  Deno.test(`${name}: where nothing moves, flow is what depth and poses say`, async () => {
    const all = await load(name), { scene } = all, scale = unitsPerMetre(all);
    for (const [neighbour, flow] of [[1, scene.flowForward], [-1, scene.flowBackward]] as const) {
      let compared = 0, worst = 0, sum = 0;
      forEachPixel(scene, neighbour, (frame, x, y, i) => {
        if (scene.moving.data[i]) return;
        const z = scale / scene.inverseDepth.data[i];
        const point = unproject(scene.cameras[frame], x, y, z);
        const [u, v] = project(scene.cameras[frame + neighbour], point);
        const [du, dv] = flow.data.subarray(2 * i, 2 * i + 2);
        worst = Math.max(worst, Math.hypot(u - x - du, v - y - dv));
        sum += Math.hypot(du, dv);
        compared++;
      });
      assert(worst < 0.01, `${worst} pixels off`);
      assert(compared > 0.55 * 11 * scene.width * scene.height);
      assert(sum / compared > 0.25, `the background moves ${sum / compared} pixels: no parallax`);
    }
  });

  Deno.test(`${name}: flow leads to the same colors where it is valid`, async () => {
    const { scene } = await load(name), { width, height } = scene;
    for (
      const [neighbour, flow, valid] of [
        [1, scene.flowForward, scene.flowForwardValid],
        [-1, scene.flowBackward, scene.flowBackwardValid],
      ] as const
    ) {
      let warped = 0, unmoved = 0, count = 0, pixels = 0;
      forEachPixel(scene, neighbour, (frame, x, y, i) => {
        pixels++;
        if (!valid.data[i]) return;
        count++;
        const u = x + flow.data[2 * i], v = y + flow.data[2 * i + 1];
        const x0 = Math.min(Math.floor(u), width - 2), y0 = Math.min(Math.floor(v), height - 2);
        for (let channel = 0; channel < 3; channel++) {
          const at = (px: number, py: number) =>
            scene.images.data[(((frame + neighbour) * height + py) * width + px) * 3 + channel];
          const [a, b] = [u - x0, v - y0];
          const there = (1 - b) * ((1 - a) * at(x0, y0) + a * at(x0 + 1, y0)) +
            b * ((1 - a) * at(x0, y0 + 1) + a * at(x0 + 1, y0 + 1));
          const here = scene.images.data[3 * i + channel];
          warped += (here - there) ** 2;
          unmoved += (here - at(x, y)) ** 2;
        }
      });
      const psnr = (squares: number) => 10 * Math.log10(255 ** 2 / (squares / (3 * count)));
      assert(count > 0.75 * pixels, `valid in ${count / pixels}`);
      assert(psnr(warped) > psnr(unmoved) + 7, `${psnr(warped)} dB, unmoved ${psnr(unmoved)} dB`);
    }
  });

  Deno.test(`${name}: masks cover what moves, and little more`, async () => {
    const { scene, truth } = await load(name);
    let inside = 0, marked = 0, frames = 0;
    for (let frame = 0; frame < scene.frames; frame++) {
      const movers = truth.moverMap(frame, frame).data;
      const seen = new Set(movers);
      truth.movers.forEach((mover, k) => assert(seen.has(k + 1), `${mover} not in frame ${frame}`));
      movers.forEach((mover, i) => {
        const mask = scene.moving.data[frame * movers.length + i];
        marked += mask;
        if (mover) inside++;
        if (mover) assertEquals(mask, 1);
      });
      frames++;
    }
    const share = inside / (frames * scene.width * scene.height);
    assert(share > 0.15 && share < 0.33, `${share} of the picture moves`);
    assert(marked < 1.5 * inside, `${marked / inside} times what moves is marked`);
  });

  Deno.test(`${name}: pictures and depth agree to a tenth of a pixel`, async () => {
    const { truth } = await load(name);
    // The middle of what moves, in the picture (two pixels for one of training) and in the map.
    let offX = 0, offY = 0;
    for (let frame = 0; frame < truth.frames; frame++) {
      const painted = middle(truth.paint(frame, frame).moving);
      const mapped = middle(truth.moverMap(frame, frame));
      offX += ((painted.x - 0.5) / 2 - mapped.x) / truth.frames;
      offY += ((painted.y - 0.5) / 2 - mapped.y) / truth.frames;
    }
    assert(Math.abs(offX) < 0.1 && Math.abs(offY) < 0.1, `off by ${offX}, ${offY}`);
  });

  Deno.test(`${name}: everything lies behind the near plane of the loader's space`, async () => {
    const all = await load(name), { scene, truth } = all, scale = unitsPerMetre(all);
    let nearest = Infinity, farthest = 0;
    for (let i = 0; i < scene.frames; i++) {
      for (const time of [0, i, 11]) {
        for (const depth of truth.depthMap(i, time).data) {
          nearest = Math.min(nearest, depth * scale);
          farthest = Math.max(farthest, depth * scale);
        }
      }
      const offset = Math.hypot(...[3, 7, 11].map((k) => scene.cameras[i].cameraToWorld[k]));
      assert(offset > 0.02 && offset < 0.5, `camera ${i} stands ${offset} from the middle`);
    }
    assert(nearest > 1.05 && nearest < 1.5, `nearest is ${nearest}`);
    assert(farthest > 6 && farthest < 40, `farthest is ${farthest}`);
  });

  Deno.test(`${name}: frame i is the held-out view of camera i at time i`, async () => {
    const { scene, views } = await load(name);
    assertEquals(scene.multiview.length, 144);
    const { length } = views[0].image.data;
    const difference = (frame: number, view: number) =>
      views[view].image.data.reduce(
        (sum, value, i) => sum + Math.abs(value - scene.images.data[frame * length + i]),
        0,
      ) / length;
    for (const [frame, view] of [[0, 0], [7, 1]]) {
      // Frames are shrunk by Lanczos, views by the mean: alike, not equal.
      assert(difference(frame, view) < 6, `${difference(frame, view)}`);
      assert(difference(frame, view) < difference(frame, 2) / 3, `${difference(frame, 2)}`);
    }
  });

  Deno.test(`${name}: movers go along smooth, bent paths, and their tracks stay on them`, async () => {
    const { truth } = await load(name);
    for (const mover of truth.movers) {
      let bend = 0;
      for (let t = 0; t < 11; t++) {
        const [a, b] = [truth.moverPath(mover, t), truth.moverPath(mover, t + 1)];
        const middle = truth.moverPath(mover, t + 0.5);
        const step = Math.hypot(...a.map((value, k) => b[k] - value));
        assert(step > 0.02 && step < 0.3, `${mover} goes ${step} m from ${t}`);
        bend += Math.hypot(...a.map((value, k) => (value + b[k]) / 2 - middle[k]));
        const carried = truth.moverTrack(mover, a, t, t + 1);
        carried.forEach((value, k) => assertAlmostEquals(value, b[k], 1e-9));
      }
      assert(bend > 0.05, `${mover} goes straight`);
    }
    assertThrows(() => truth.moverPath("kite", 0), RangeError, 'Cannot find mover "kite"');
  });
}

Deno.test("ProceduralScene.pixelTrack() follows what a pixel shows and comes back, and there is none where nothing moves", () => {
  const truth = new ProceduralScene("balloon1", { width: 96, height: 54, factor: 1 });
  const [camera, time] = [4, 6];
  const movers = truth.moverMap(camera, time);
  let followed = 0, back = 0;
  for (let y = 1; y < 54; y += 5) {
    for (let x = 1; x < 96; x += 5) {
      const path = truth.pixelTrack(camera, time, [x, y], [time, time + 1]);
      assertEquals(path !== undefined, movers.get(y, x) > 0);
      if (!path) continue;
      followed++;
      path[0].forEach((value, axis) => assertAlmostEquals(value, [x, y][axis], 1e-9));
      assert(Math.hypot(path[1][0] - x, path[1][1] - y) > 1, `(${x}, ${y}) stands still`);
      const [again] = truth.pixelTrack(camera, time + 1, path[1], [time]) ?? [];
      if (again && Math.hypot(again[0] - x, again[1] - y) < 1e-6) back++; // it is not hidden then
    }
  }
  assert(followed > 40 && back > 0.7 * followed, `${back} of ${followed}`);
});

Deno.test("generateProceduralScene() gives the same files twice", async () => {
  await using folder = await temporaryFolder();
  const [a, b] = ["a", "b"].map((name) => join(folder.path, name));
  for (const path of [a, b]) {
    await generateProceduralScene("balloon1", path, { width: 32, height: 18 });
  }
  for (const path of ["images/004.png", "flow/004_bwd.npz", "disp/004.npy", "poses_bounds.npy"]) {
    assertEquals(await Deno.readFile(join(a, path)), await Deno.readFile(join(b, path)));
  }
});

Deno.test("ensureProceduralScene() makes a scene once, and again for other options", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "balloon2"), small = { width: 32, height: 18 };
  assertEquals(await ensureProceduralScene("balloon2", path, small), true);
  assertEquals(await ensureProceduralScene("balloon2", path, small), false);
  assertEquals(await ensureProceduralScene("balloon2", path, { width: 36, height: 18 }), true);
  assertEquals(await names(folder.path), ["balloon2"]);
});

Deno.test("ProceduralScene() names the scenes that there are", () => {
  assertThrows(
    () => new ProceduralScene("balloon9"),
    RangeError,
    "there is balloon1, balloon2, umbrella, skating",
  );
});
