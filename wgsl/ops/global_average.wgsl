// uses common/gradients.wgsl, common/points.wgsl
// y[scene, 0, c] = mean of channel c over a scene (from channel_moments.wgsl)          y (scenes, 1, channels) in blocks
// d_x[c, p] = d_y[scene, 0, c]/(the scene's pixels)                            d_x (1, pixels, channels) in blocks

struct Dims { scene: u32, channels: u32, blocks: u32, share: f32 }

override mode_x: u32 = 0;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> moments: array<vec2f>; // (channels) of (mean, variance)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> d_y: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_x: array<vec4f>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
  if id.x < dims.channels { y[channel(dims.scene * 64, dims.channels, id.x)] = moments[id.x].x; }
}

// A workgroup takes four blocks of one channel.
@compute @workgroup_size(64)
fn backward_input(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let quad = group.y * 64 + lane;
  if quad >= dims.blocks * 16 { return; }
  let i = quad_of(quad, dims.channels, group.x);
  let gradient = dims.share * d_y[channel(dims.scene * 64, dims.channels, group.x)];
  d_x[i] = accumulated4(mode_x, d_x[i], vec4f(gradient));
}
