// y[scene, 0, c] = mean of channel c over a scene (from moments.wgsl)          y (scenes, 1, channels) in blocks

struct Dims { scene: u32, channels: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> moments: array<vec2f>; // (channels) of (mean, variance)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
  if id.x < dims.channels { y[(dims.scene * dims.channels + id.x) * 64] = moments[id.x].x; }
}
