// uses common/points.wgsl, common/random.wgsl, common/step.wgsl
// y[i] = scale · the random number at place i of a stream of this step: uniform in [0, 1), or normal

struct Dims { size: u32, stream: u32, scale: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn uniform_numbers(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = dims.scale * random_uniform(step.seed, step.step, dims.stream, i); }
}

@compute @workgroup_size(64)
fn normal_numbers(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = dims.scale * random_normal(step.seed, step.step, dims.stream, i); }
}
