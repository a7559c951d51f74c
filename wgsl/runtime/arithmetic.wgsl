// uses common/gradients.wgsl, common/points.wgsl
// fill: y = value          copy: y = x, or y += x          x, y (size), any layout

struct Dims { size: u32, mode_y: u32, value: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn fill(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = dims.value; }
}

@compute @workgroup_size(64)
fn copy(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = accumulated(dims.mode_y, y[i], x[i]); }
}
