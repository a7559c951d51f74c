// y = a - b          a, b, y (size), any layout

struct Dims { size: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_b: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { y[i] = a[i] - b[i]; }
}

@compute @workgroup_size(64)
fn backward_subtrahend(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i < dims.size { d_b[i] = select(0.0, d_b[i], dims.accumulate == 1) - d_y[i]; }
}
