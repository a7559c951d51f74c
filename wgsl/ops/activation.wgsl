// y = max(x, 0)          y = 1/(1 + e^-x)          y = tanh x          x, y (size), any layout
// The derivatives follow from the result: dx = dy·[y > 0], dx = dy·y·(1 - y), dx = dy·(1 - y²).

struct Dims { size: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> result: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_x: array<f32>;

@compute @workgroup_size(64)
fn relu_forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { y[i] = max(x[i], 0.0); }
}

@compute @workgroup_size(64)
fn relu_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { write(i, select(0.0, d_y[i], result[i] > 0.0)); }
}

// Beyond ±88 the exponential leaves float32.
@compute @workgroup_size(64)
fn sigmoid_forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { y[i] = 1.0 / (1.0 + exp(-clamp(x[i], -87.0, 87.0))); }
}

@compute @workgroup_size(64)
fn sigmoid_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { write(i, d_y[i] * result[i] * (1.0 - result[i])); }
}

// It overflows on some drivers; in float32 it is 1 beyond 10.
@compute @workgroup_size(64)
fn tanh_forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { y[i] = tanh(clamp(x[i], -10.0, 10.0)); }
}

@compute @workgroup_size(64)
fn tanh_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { write(i, d_y[i] * (1.0 - result[i] * result[i])); }
}

fn write(i: u32, gradient: f32) {
  d_x[i] = select(gradient, gradient + d_x[i], dims.accumulate == 1);
}
