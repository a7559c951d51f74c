// uses common/gradients.wgsl, common/points.wgsl, common/sum_lanes.wgsl
// ‖error/(atol + rtol max(|y₀|, |y₁|))‖ <= 1: decisions of an adaptive solver, after torchdiffeq: error norms, step lengths,
// acceptance, the solution at the end.
// A state has parts (points, a code, …); norms are root mean squares over groups of parts, and the largest group counts.

struct Dims {
  size: u32,
  // in a norm: its place, and the first number that counts
  norm: u32,
  first: u32,
  count: f32, // how many numbers the norm's group has
  // padding of blocks of 64 points, left out of norms: numbers in a block, blocks of a scene, points of a scene
  block_size: u32,
  blocks: u32,
  points: u32,
  rtol: f32,
  atol: f32,
  mode_0: u32,
  mode_1: u32,
  mode_increment: u32,
}

struct Groups {
  norms: u32,
  // bits: sums that join the group of the one before them, and sums that are 0
  joined: u32,
  absent: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> groups: Groups;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4f>; // (norms, 64)
@group(0) @binding(3) var<storage, read> sums: array<vec4f>; // the same
@group(0) @binding(4) var<storage, read> y0: array<f32>;
@group(0) @binding(5) var<storage, read> y1: array<f32>;
@group(0) @binding(6) var<storage, read> f0: array<f32>;
@group(0) @binding(7) var<storage, read> f1: array<f32>;
@group(0) @binding(8) var<storage, read> increment: array<f32>; // error, or y in the middle of the step less y0
@group(0) @binding(9) var<storage, read> span: array<f32>;
@group(0) @binding(10) var<storage, read> trial: array<f32>; // h, s, norm of f0
@group(0) @binding(11) var<storage, read> before: Control;
@group(0) @binding(12) var<storage, read_write> next_trial: array<f32>;
@group(0) @binding(13) var<storage, read_write> next: Control;
@group(0) @binding(14) var<storage, read_write> y: array<f32>;
@group(0) @binding(15) var<storage, read_write> f: array<f32>;
@group(0) @binding(16) var<storage, read> d_next: array<f32>; // of y or f
@group(0) @binding(17) var<storage, read> d_end: array<f32>;
@group(0) @binding(18) var<storage, read_write> d_0: array<f32>; // of y₀ or f₀
@group(0) @binding(19) var<storage, read_write> d_1: array<f32>;
@group(0) @binding(20) var<storage, read_write> d_increment: array<f32>;

// What an attempt at a step starts from, and what came of the one before it. See `controls` in dopri5.ts.
struct Control {
  h: f32,
  s: f32,
  // 1 until the end is reached
  open: f32,
  end: f32,
  accepted: f32,
  // the end lay in the step, at position·length
  reached: f32,
  position: f32,
  length: f32,
  evaluations: f32,
  rejected: f32,
}

const lanes = 64u;
const columns = 2u;

var<workgroup> norm_sums: array<vec3f, 32>; // two sums, and the divisor

// A group of 64 lanes' share of a sum over a part, and the mean's divisor.
fn sum_part(lane: u32, group: u32, sum: vec2f) {
  lane_values[lane] = sum.x;
  lane_values[lanes + lane] = sum.y;
  sum_lanes(lane);
  if lane == 0 { partials[dims.norm * 64 + group] = vec4f(column_sums[0], column_sums[1], dims.count, 0.0); }
}

fn is_padding(i: u32) -> bool {
  return i / dims.block_size % dims.blocks * 64 + i % 64 >= dims.points;
}

// Σ (y₀/scale)² and Σ (f₀/scale)², scale = atol + rtol |y₀|
@compute @workgroup_size(64)
fn norm_start(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var sum = vec2f();
  for (var i = dims.first + group.x * 64 + lane; i < dims.size; i += 4096) {
    if is_padding(i) { continue; }
    let ratio = vec2f(y0[i], f0[i]) / (dims.atol + dims.rtol * abs(y0[i]));
    sum += ratio * ratio;
  }
  sum_part(lane, group.x, sum);
}

// The same of a part that never changes.
@compute @workgroup_size(64)
fn norm_constant(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var sum = vec2f();
  for (var i = dims.first + group.x * 64 + lane; i < dims.size; i += 4096) {
    if is_padding(i) { continue; }
    let ratio = y0[i] / (dims.atol + dims.rtol * abs(y0[i]));
    sum.x += ratio * ratio;
  }
  sum_part(lane, group.x, sum);
}

// Σ ((f₁ − f₀)/scale)²
@compute @workgroup_size(64)
fn norm_change(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var sum = vec2f();
  for (var i = dims.first + group.x * 64 + lane; i < dims.size; i += 4096) {
    if is_padding(i) { continue; }
    let ratio = (f1[i] - f0[i]) / (dims.atol + dims.rtol * abs(y0[i]));
    sum.x += ratio * ratio;
  }
  sum_part(lane, group.x, sum);
}

// Σ (error/(atol + rtol max(|y₀|, |y₁|)))²
@compute @workgroup_size(64)
fn norm_error(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var sum = vec2f();
  for (var i = dims.first + group.x * 64 + lane; i < dims.size; i += 4096) {
    if is_padding(i) { continue; }
    let ratio = increment[i] / (dims.atol + dims.rtol * max(abs(y0[i]), abs(y1[i])));
    sum.x += ratio * ratio;
  }
  sum_part(lane, group.x, sum);
}

// The largest mean squares of any group, of the first sums and of the second.
fn largest_means(lane: u32) -> vec2f {
  if lane < groups.norms {
    var sum = vec3f();
    if (groups.absent >> lane & 1) == 0 {
      for (var i = 0u; i < 64; i++) { sum = vec3f(sum.xy + sums[lane * 64 + i].xy, sums[lane * 64 + i].z); }
    }
    norm_sums[lane] = sum;
  }
  workgroupBarrier();
  var largest = vec2f();
  var sum = vec3f();
  for (var norm = 0u; norm < groups.norms; norm++) {
    let joins = (groups.joined >> norm & 1) == 1;
    let here = norm_sums[norm];
    sum = select(here, vec3f(sum.xy + here.xy, max(sum.z, here.z)), joins);
    largest = max(largest, sum.xy / max(sum.z, 1.0)); // squares: a whole group's mean is above its parts'
  }
  return largest;
}

// h₀ = ‖y₀‖/(100 ‖f₀‖): how far to try for the second derivative (Hairer, Nørsett, Wanner I, II.4)
@compute @workgroup_size(64)
fn trial_length(@builtin(local_invocation_index) lane: u32) {
  let d = sqrt(largest_means(lane)); // of y₀, of f₀
  if lane != 0 { return; }
  var h = 1e-6;
  if d.x >= 1e-5 && d.y >= 1e-5 { h = 0.01 * d.x / d.y; }
  next_trial[0] = select(-h, h, span[0] > 0);
  next_trial[1] = span[1];
  next_trial[2] = d.y;
}

// The first step: h₁⁵ max(‖f₀‖, ‖f₁ − f₀‖/h₀) = 1/100, at most 100 h₀.
@compute @workgroup_size(64)
fn first_length(@builtin(local_invocation_index) lane: u32) {
  let change = sqrt(largest_means(lane).x);
  if lane != 0 { return; }
  let h0 = abs(trial[0]);
  let d1 = trial[2];
  let d2 = change / h0;
  var h1 = max(1e-6, h0 * 1e-3);
  if max(d1, d2) > 1e-15 { h1 = pow(0.01 / max(d1, d2), 0.2); }
  next = Control();
  next.h = sign(span[0]) * min(100.0 * h0, h1);
  next.s = span[1];
  next.open = 1.0;
  next.end = span[1] + span[0];
  next.evaluations = 2.0;
}

// Accepts the attempt where the error is within the tolerances, and chooses the next step's length.
@compute @workgroup_size(64)
fn decide(@builtin(local_invocation_index) lane: u32) {
  let error = largest_means(lane).x;
  if lane != 0 { return; }
  var control = before;
  control.accepted = 0.0;
  control.reached = 0.0;
  if before.open != 0 {
    control.length = before.h;
    control.evaluations += 6.0;
    var shrink = 0.1;
    if error > 0 { shrink = clamp(pow(error, 0.1) / 0.9, 0.1, select(5.0, 1.0, error < 1)); }
    control.h = before.h / shrink;
    if error <= 1 {
      control.accepted = 1.0;
      control.s = before.s + before.h;
      if (control.s - before.end) * before.h >= 0 {
        control.reached = 1.0;
        control.open = 0.0;
        control.position = (before.end - before.s) / before.h;
      }
    } else { control.rejected += 1.0; }
  }
  next = control;
}

// Weights of y₁ − y₀, of the middle's increment, of h f₀ and of h f₁ in the solution at the end: a quartic through
// y₀, y in the middle, y₁, with the slopes f₀ and f₁.
fn quartic() -> vec4f {
  let x = before.position;
  return x * vec4f(
    ((-8.0 * x + 14.0) * x - 5.0) * x,
    ((16.0 * x - 32.0) * x + 16.0) * x,
    before.length * (((-2.0 * x + 5.0) * x - 4.0) * x + 1.0),
    before.length * (((2.0 * x - 3.0) * x + 1.0) * x),
  );
}

// Where the next attempt starts: `before` is here what came of this one.
@compute @workgroup_size(64)
fn advance(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = linear_index(id, workgroups);
  if i >= dims.size { return; }
  let accepted = before.accepted != 0;
  y[i] = select(y0[i], y1[i], accepted);
  f[i] = select(f0[i], f1[i], accepted);
}

@compute @workgroup_size(64)
fn finish(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = linear_index(id, workgroups);
  if i >= dims.size || before.reached == 0 { return; }
  y[i] = y0[i] + dot(quartic(), vec4f(y1[i] - y0[i], increment[i], f0[i], f1[i]));
}

@compute @workgroup_size(1)
fn count_unsolved() { y[0] += before.open; }

// Of an attempt that was accepted the next starts at 1, of one that was not at 0; after one that reached the end is none.
fn backward_ends(i: u32, end_0: f32, end_1: f32) {
  var gradient = vec2f();
  if before.reached != 0 { gradient = d_end[i] * vec2f(end_0, end_1); }
  else if before.accepted != 0 { gradient.y = d_next[i]; }
  else { gradient.x = d_next[i]; }
  if dims.mode_0 != unasked { d_0[i] = accumulated(dims.mode_0, d_0[i], gradient.x); }
  if dims.mode_1 != unasked { d_1[i] = accumulated(dims.mode_1, d_1[i], gradient.y); }
}

@compute @workgroup_size(64)
fn backward_state(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = linear_index(id, workgroups);
  if i >= dims.size { return; }
  let weights = quartic();
  backward_ends(i, 1.0 - weights.x, weights.x);
  let gradient = select(0.0, weights.y * d_end[i], before.reached != 0);
  if dims.mode_increment != unasked {
    d_increment[i] = accumulated(dims.mode_increment, d_increment[i], gradient);
  }
}

@compute @workgroup_size(64)
fn backward_rates(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = linear_index(id, workgroups);
  if i >= dims.size { return; }
  let weights = quartic();
  backward_ends(i, weights.z, weights.w);
}
