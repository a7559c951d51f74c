import type { Camera } from "../../src/data/scene/camera.ts";
import { viewRecords } from "../../src/rendering/camera_records.ts";
import { defineKernel } from "../../src/runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../../src/runtime/plan.ts";
import type { Tensor } from "../../src/runtime/tensor.ts";
import { expectClose, type GoldenCase, loadCase } from "../support/goldens.ts";
import { type CheckedInput, checkGradients, randomArray } from "../support/gpu.ts";
import { runRecorded } from "../support/recorded.ts";

// The shared WGSL by itself: points (scenes, points, 3) to the world (…, 3) or to pixels (…, 2), all in rows.
const kernel = defineKernel(
  "tests/ops/ndc_test.ts",
  `// uses common/ndc.wgsl
struct Dims { points: u32, size: u32, slot: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> points: array<f32>;
@group(0) @binding(2) var<storage, read> cameras: array<Camera>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_points: array<f32>;

fn camera_of(i: u32) -> Camera { return cameras[i / dims.points * 3 + dims.slot]; }
fn point(i: u32) -> vec3f { return vec3f(points[3 * i], points[3 * i + 1], points[3 * i + 2]); }
fn store(i: u32, d: vec3f) { for (var c = 0u; c < 3; c++) { d_points[3 * i + c] += d[c]; } }

@compute @workgroup_size(64) fn world(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= dims.size { return; }
  let world = ndc_to_world(point(id.x), ndc_extent(camera_of(id.x)));
  for (var c = 0u; c < 3; c++) { y[3 * id.x + c] = world[c]; }
}
@compute @workgroup_size(64) fn world_backward(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= dims.size { return; }
  let d = vec3f(d_y[3 * id.x], d_y[3 * id.x + 1], d_y[3 * id.x + 2]);
  store(id.x, ndc_to_world_gradient(point(id.x), ndc_extent(camera_of(id.x)), d));
}
@compute @workgroup_size(64) fn pixel(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= dims.size { return; }
  let camera = camera_of(id.x);
  let pixel = ndc_to_pixel(point(id.x), ndc_extent(camera), camera);
  for (var c = 0u; c < 2; c++) { y[2 * id.x + c] = pixel[c]; }
}
@compute @workgroup_size(64) fn pixel_backward(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= dims.size { return; }
  let camera = camera_of(id.x);
  let d = vec2f(d_y[2 * id.x], d_y[2 * id.x + 1]);
  store(id.x, ndc_to_pixel_gradient(point(id.x), ndc_extent(camera), camera, d));
}`,
);

function convert(plan: Plan, to: "world" | "pixel", points: Tensor, cameras: Tensor): Tensor {
  const [scenes, count] = points.shape;
  const y = plan.activation(to, [scenes, count, to === "world" ? 3 : 2], "rows", [points]);
  const size = scenes * count;
  const dims = { points: count, size, slot: 1 };
  const workgroups = linearWorkgroups(size);
  plan.dispatch({
    label: to,
    kernel,
    entry: to,
    bindings: { points, cameras, y, dims },
    workgroups,
  });
  plan.backward([y], ([dY]) => {
    const { gradient } = plan.gradientSink(points, { partial: true })!;
    const bindings = { points, cameras, d_y: dY, d_points: gradient, dims };
    const entry = `${to}_backward`;
    plan.dispatch({ label: entry, kernel, entry, bindings, workgroups });
  });
  return y;
}

const camera: Camera = {
  cameraToWorld: Float32Array.of(0.98, 0.02, 0.2, 0.3, 0, 1, -0.1, -0.2, -0.2, 0.1, 0.97, 0.4),
  focalPixels: 25,
  width: 32,
  height: 18,
};

function inputs(points: number): Record<string, CheckedInput> {
  // z on both sides of its range, −1 … 0.999, and away from its ends
  const data = randomArray(points, 6 * points, -0.8, 0.8).map((value, i) => {
    if (i % 3 < 2) return value;
    return i % 2 ? value : (i % 4 ? -1.2 : 1.2) + 0.1 * value;
  });
  const records = [...viewRecords(camera), ...viewRecords({ ...camera, focalPixels: 40 })];
  return {
    points: { shape: [2, points, 3], data },
    cameras: { shape: [2, 3, 16], data: Float32Array.from(records), differentiable: false },
  };
}

for (const points of [1, 63, 257]) {
  Deno.test(`ndc_to_world_gradient() is that of ndc_to_world() for ${points} points`, async () => {
    const { points: places, cameras } = inputs(points);
    // where z is clamped to 0.999 the world is 1000 times as large: those points by themselves
    const near = places.data.map((value, i) => i % 3 === 2 ? Math.min(value, 0.8) : value);
    const record = (plan: Plan, { points, cameras }: Record<string, Tensor>) =>
      convert(plan, "world", points, cameras);
    const options = { step: 1e-3, absolute: 1e-6 };
    await checkGradients({ points: { ...places, data: near }, cameras }, record, options);
    const far = places.data.map((value, i) => i % 3 === 2 ? 1.1 : value);
    await checkGradients({ points: { ...places, data: far }, cameras }, record, options);
  });

  Deno.test(`ndc_to_pixel_gradient() is that of ndc_to_pixel() for ${points} points`, async () => {
    await checkGradients(
      inputs(points),
      (plan, { points, cameras }) => convert(plan, "pixel", points, cameras),
      { step: 1e-3, absolute: 1e-6 },
    );
  });
}

/** The golden scenes' cameras, in all slots. */
function goldenRecords(golden: GoldenCase): Float32Array {
  const poses = golden.input("rays/c2w").data, focals = golden.input("rays/focal").data;
  return Float32Array.from([0, 1].flatMap((scene) => [
    ...viewRecords({
      ...camera,
      cameraToWorld: poses.subarray(24 * scene, 24 * scene + 12),
      focalPixels: focals[scene],
    }),
  ]));
}

Deno.test("golden rays_ndc: ndc_to_world()", async () => {
  const golden = await loadCase("rays_ndc");
  const { outputs } = await runRecorded({
    pts: { shape: [2, 128, 3], data: golden.output("pts").data },
    odd: { shape: [2, 64, 3], data: golden.input("rays/ndc_points").data },
    cameras: { shape: [2, 3, 16], data: goldenRecords(golden) },
  }, (plan, { pts, odd, cameras }) => ({
    pts_world: convert(plan, "world", pts, cameras),
    odd_world: convert(plan, "world", odd, cameras),
  }));
  expectClose(golden, outputs);
});

Deno.test("golden feature_sampling: ndc_to_pixel()", async () => {
  const golden = await loadCase("feature_sampling");
  const poses = golden.input("feat/c2w").data, focals = golden.input("feat/focal").data;
  const xy = golden.input("feat/xyz_xy").data;
  const halves = ["a", "b"].map((half) => golden.input(`feat/xyz_${half}`).data);
  const points = Float32Array.from({ length: 2 * 20 * 3 }, (_, i) => {
    const [point, axis] = [Math.floor(i / 3), i % 3];
    const [scene, p] = [Math.floor(point / 20), point % 20];
    const z = halves[Math.floor(p / 10)][(scene * 10 + p % 10) * 3 + 2];
    return axis < 2 ? xy[2 * point + axis] : z;
  });
  for (const frames of ["01", "23", "30"]) {
    const records = [...frames].flatMap((frame, scene) => {
      const at = (4 * scene + Number(frame)) * 12;
      const cameraToWorld = poses.subarray(at, at + 12);
      return [...viewRecords({ ...camera, cameraToWorld, focalPixels: focals[scene] })];
    });
    const { outputs } = await runRecorded({
      points: { shape: [2, 20, 3], data: points },
      cameras: { shape: [2, 3, 16], data: Float32Array.from(records) },
    }, (plan, { points, cameras }) => ({
      [`frames${frames}/spec/uv_current`]: convert(plan, "pixel", points, cameras),
    }));
    expectClose(golden, outputs);
  }
});
