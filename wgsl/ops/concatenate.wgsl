// uses common/gradients.wgsl, common/points.wgsl
// whole[:, :, first..first+count] = part          part (scenes, points, count)  whole (scenes, points, channels), in blocks

struct Dims { channels: u32, first: u32, count: u32, mode_part: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> part: array<f32>;
@group(0) @binding(2) var<storage, read_write> whole: array<f32>;
@group(0) @binding(3) var<storage, read> d_whole: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_part: array<f32>;

// one workgroup a block and channel of the part
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.x * 64 + lane;
  whole[channel(at, dims.channels, dims.first + group.y)] = part[channel(at, dims.count, group.y)];
}

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.x * 64 + lane;
  let i = channel(at, dims.count, group.y);
  d_part[i] = accumulated(
    dims.mode_part,
    d_part[i],
    d_whole[channel(at, dims.channels, dims.first + group.y)],
  );
}
