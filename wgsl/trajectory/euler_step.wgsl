// uses common/activations.wgsl, common/gradients.wgsl, common/points.wgsl
// y = p + step·tanh(u)          p, u, y (scenes, points, 3) in blocks

struct Dims { size: u32, step: f32, mode_u: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> u: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_u: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  y[i] = p[i] + dims.step * squash(u[i]);
}

// du = step·(1 − tanh²u)·dy
@compute @workgroup_size(64)
fn backward_velocity(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  let v = squash(u[i]);
  d_u[i] = accumulated(dims.mode_u, d_u[i], dims.step * (1.0 - v * v) * d_y[i]);
}
