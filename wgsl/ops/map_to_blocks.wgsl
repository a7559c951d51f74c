// uses common/points.wgsl
// y = x in another layout: (pixels, channels) in C order, or in blocks of 64 pixels, [pixels/64][channels][64]

struct Dims { pixels: u32, channels: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// one workgroup a block and channel
@compute @workgroup_size(64)
fn rows_to_blocks(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = group.x * 64 + lane;
  if pixel >= dims.pixels { return; }
  y[channel(pixel, dims.channels, group.y)] = x[pixel * dims.channels + group.y];
}

@compute @workgroup_size(64)
fn blocks_to_rows(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = group.x * 64 + lane;
  if pixel >= dims.pixels { return; }
  y[pixel * dims.channels + group.y] = x[channel(pixel, dims.channels, group.y)];
}
