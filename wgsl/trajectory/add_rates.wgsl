// uses common/gradients.wgsl, common/points.wgsl
// y = y₀ + h·Σ cⱼ kⱼ          y₀, kⱼ, y (size), any layout; h = clock[0]: a stage of a Runge-Kutta step

struct Dims {
  size: u32,
  mode_k: u32,
  c0: f32,
  c1: f32,
  c2: f32,
  c3: f32,
  c4: f32,
  c5: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> clock: array<f32>; // h, s
@group(0) @binding(2) var<storage, read> start: array<f32>;
@group(0) @binding(3) var<storage, read> k0: array<f32>;
@group(0) @binding(4) var<storage, read> k1: array<f32>;
@group(0) @binding(5) var<storage, read> k2: array<f32>;
@group(0) @binding(6) var<storage, read> k3: array<f32>;
@group(0) @binding(7) var<storage, read> k4: array<f32>;
@group(0) @binding(8) var<storage, read> k5: array<f32>;
@group(0) @binding(9) var<storage, read_write> y: array<f32>;
@group(0) @binding(10) var<storage, read> d_y: array<f32>;
@group(0) @binding(11) var<storage, read_write> d_k: array<f32>;

// The first five terms; a term that is absent has factor 0 and is not read.
fn five(i: u32) -> f32 {
  var sum = dims.c0 * k0[i];
  if dims.c1 != 0 { sum += dims.c1 * k1[i]; }
  if dims.c2 != 0 { sum += dims.c2 * k2[i]; }
  if dims.c3 != 0 { sum += dims.c3 * k3[i]; }
  if dims.c4 != 0 { sum += dims.c4 * k4[i]; }
  return sum;
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = start[i] + clock[0] * five(i); }
}

// y = h·Σ cⱼ kⱼ
@compute @workgroup_size(64)
fn forward_increment(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  var sum = five(i);
  if dims.c5 != 0 { sum += dims.c5 * k5[i]; }
  y[i] = clock[0] * sum;
}

// dkⱼ = h·cⱼ·dy, cⱼ in c0
@compute @workgroup_size(64)
fn backward_rate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  d_k[i] = accumulated(dims.mode_k, d_k[i], clock[0] * dims.c0 * d_y[i]);
}
