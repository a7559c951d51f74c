/**
 * Right-hand sides of differential equations whose solutions are known, as recorded operations.
 *
 * @module
 */
import { defineKernel } from "../../src/runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../../src/runtime/plan.ts";
import type { Tensor } from "../../src/runtime/tensor.ts";
import type { OdeTime } from "../../src/trajectory/ode.ts";

const kernel = defineKernel(
  "tests/support/ode_fields.wgsl",
  `
struct Dims { size: u32, fraction: f32, direction: f32, accumulate: u32, points: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> clock: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_x: array<f32>;

fn s() -> f32 { return clock[1] + dims.fraction * clock[0]; }

// dx/ds = x·(2 − s − x/10)
@compute @workgroup_size(64)
fn growth(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { y[i] = x[i] * (2.0 - s() - 0.1 * x[i]); }
}

@compute @workgroup_size(64)
fn growth_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i >= dims.size { return; }
  let gradient = d_y[i] * (2.0 - s() - 0.2 * x[i]);
  d_x[i] = select(gradient, gradient + d_x[i], dims.accumulate == 1);
}

// dx/ds = v, dv/ds = 4 (1 − x²) v − x          x (1, points, 2) in blocks
@compute @workgroup_size(64)
fn oscillators(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= dims.size / 2 { return; }
  let i = id.x / 64 * 128 + id.x % 64;
  let place = x[i];
  let speed = x[i + 64];
  y[i] = speed;
  y[i + 64] = 4.0 * (1.0 - place * place) * speed - place;
}

@compute @workgroup_size(64)
fn oscillators_backward(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= dims.size / 2 { return; }
  let i = id.x / 64 * 128 + id.x % 64;
  let place = x[i];
  let speed = x[i + 64];
  let d_place = d_y[i + 64] * (-8.0 * place * speed - 1.0);
  let d_speed = d_y[i] + d_y[i + 64] * 4.0 * (1.0 - place * place);
  d_x[i] = select(d_place, d_place + d_x[i], dims.accumulate == 1);
  d_x[i + 64] = select(d_speed, d_speed + d_x[i + 64], dims.accumulate == 1);
}

// times of points, moved: t ± 2 s          x, y (scenes, points, 1) in blocks
@compute @workgroup_size(64)
fn moved_times(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { y[i] = x[i] + dims.direction * 2.0 * s(); }
}

// d(h, s) += (fraction, 1)·ds, ds = ± 2 Σ over the points of dt; x like the times, d_x the clock's
@compute @workgroup_size(1)
fn moved_times_backward() {
  var sum = 0.0;
  for (var i = 0u; i < dims.size; i++) { if i % 64 < dims.points { sum += d_y[i]; } }
  d_x[0] += dims.fraction * dims.direction * 2.0 * sum;
  d_x[1] += dims.direction * 2.0 * sum;
}
`,
);

function record(
  plan: Plan,
  entry: string,
  x: Tensor,
  { clock, fraction }: OdeTime,
): Tensor {
  const y = plan.activation(entry, x.shape, x.layout, [x]);
  const dims = { size: x.size, fraction, direction: 1, accumulate: 0, points: 64 };
  const workgroups = linearWorkgroups(x.size);
  const timed: Record<string, Tensor> = entry === "oscillators" ? {} : { clock }; // which know no time
  plan.dispatch({ label: entry, kernel, entry, bindings: { ...timed, x, y, dims }, workgroups });
  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(x);
    if (!sink) return;
    plan.dispatch({
      label: `${entry}.backward`,
      kernel,
      entry: `${entry}_backward`,
      bindings: {
        ...timed,
        x,
        d_y: dY,
        d_x: sink.gradient,
        dims: { ...dims, accumulate: sink.accumulate },
      },
      workgroups,
    });
  });
  return y;
}

/** `dx/ds = x·(2 − s − x/10)`, any shape and layout. */
export function growth(plan: Plan, x: Tensor, time: OdeTime): Tensor {
  return record(plan, "growth", x, time);
}

/** The solution of {@link growth} at s: in `w = 1/x` the equation is linear, `dw/ds = 1/10 − (2 − s) w`. */
export function growthSolution(x: number, s: number): number {
  const pieces = 2000; // of Simpson's rule
  const factor = (r: number) => Math.exp(2 * r - r * r / 2);
  let sum = factor(0) + factor(s);
  for (let i = 1; i < pieces; i++) sum += (i % 2 === 1 ? 4 : 2) * factor(s * i / pieces);
  return factor(s) / (1 / x + 0.1 * sum * s / (3 * pieces));
}

/** `dx/ds = v, dv/ds = 4 (1 − x²) v − x` of oscillators `(1, points, 2)` in blocks. */
export function oscillators(plan: Plan, x: Tensor, time: OdeTime): Tensor {
  return record(plan, "oscillators", x, time);
}

/** Times of points `(scenes, points, 1)` in blocks, at most 64 a scene, moved by `±2s`; differentiable in s. */
export function movedTimes(
  plan: Plan,
  times: Tensor,
  { clock, fraction }: OdeTime,
  direction: number,
): Tensor {
  const y = plan.activation("times", times.shape, times.layout, [clock]);
  const [, points] = times.shape;
  const dims = { size: times.size, fraction, direction, accumulate: 0, points };
  plan.dispatch({
    label: "times",
    kernel,
    entry: "moved_times",
    bindings: { clock, x: times, y, dims },
    workgroups: linearWorkgroups(times.size),
  });
  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(clock, { partial: true });
    if (!sink) return;
    plan.dispatch({
      label: "times.backward",
      kernel,
      entry: "moved_times_backward",
      bindings: { d_y: dY, d_x: sink.gradient, dims },
      workgroups: [1],
    });
  });
  return y;
}
