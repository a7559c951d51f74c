// uses common/activations.wgsl, common/gradients.wgsl, common/points.wgsl
// y = max(x, 0)          y = 1/(1 + e^-x)          y = tanh x          x, y (size), any layout
// The derivatives follow from the result: dx = dy·[y > 0], dx = dy·y·(1 - y), dx = dy·(1 - y²).

struct Dims { size: u32, mode_x: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> result: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_x: array<f32>;

@compute @workgroup_size(64)
fn relu_forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = max(x[i], 0.0); }
}

@compute @workgroup_size(64)
fn relu_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { write(i, select(0.0, d_y[i], result[i] > 0.0)); }
}

@compute @workgroup_size(64)
fn sigmoid_forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = sigmoid(x[i]); }
}

@compute @workgroup_size(64)
fn sigmoid_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { write(i, d_y[i] * result[i] * (1.0 - result[i])); }
}

@compute @workgroup_size(64)
fn tanh_forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = squash(x[i]); }
}

@compute @workgroup_size(64)
fn tanh_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { write(i, d_y[i] * (1.0 - result[i] * result[i])); }
}

fn write(i: u32, gradient: f32) { d_x[i] = accumulated(dims.mode_x, d_x[i], gradient); }
