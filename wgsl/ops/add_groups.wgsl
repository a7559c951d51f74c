// y[p] = x[p] + term[p / (points / groups)]
// x, y (scenes, points, channels)  term (scenes, groups, channels), all in blocks

struct Dims { scenes: u32, points: u32, channels: u32, groups: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> term: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_term: array<f32>;

fn blocks_of(points: u32) -> u32 { return (points + 63) / 64; }

fn place(scene: u32, point: u32, points: u32, channel: u32) -> u32 {
  return ((scene * blocks_of(points) + point / 64) * dims.channels + channel) * 64 + point % 64;
}

// one workgroup a block and channel
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let blocks = blocks_of(dims.points);
  let scene = group.x / blocks;
  let point = group.x % blocks * 64 + lane;
  if point >= dims.points { return; }
  let i = (group.x * dims.channels + group.y) * 64 + lane;
  let at = place(scene, point / (dims.points / dims.groups), dims.groups, group.y);
  y[i] = x[i] + term[at];
}

// d_term = sum of d_y over the group; one invocation a scene, channel and group, neighbours in the group
@compute @workgroup_size(64)
fn backward_term(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i >= dims.scenes * dims.channels * dims.groups { return; }
  let group = i % dims.groups;
  let channel = i / dims.groups % dims.channels;
  let scene = i / (dims.groups * dims.channels);
  let per_group = dims.points / dims.groups;
  var sum = 0.0;
  for (var k = 0u; k < per_group; k++) {
    sum += d_y[place(scene, group * per_group + k, dims.points, channel)];
  }
  let at = place(scene, group, dims.groups, channel);
  d_term[at] = select(sum, sum + d_term[at], dims.accumulate == 1);
}
