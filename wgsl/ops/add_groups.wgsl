// uses common/gradients.wgsl, common/points.wgsl
// y[p] = x[p] + term[p / (points / groups)]
// x, y (scenes, points, channels)  term (scenes, groups, channels), all in blocks

struct Dims { scenes: u32, points: u32, channels: u32, groups: u32, mode_term: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> term: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_term: array<f32>;

// Place of a channel of a scene's point, among `points` a scene.
fn place(scene: u32, point: u32, points: u32, c: u32) -> u32 {
  return channel(scene * blocks_of(points) * 64 + point, dims.channels, c);
}

// one workgroup a block and channel
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let blocks = blocks_of(dims.points);
  let scene = group.x / blocks;
  let point = group.x % blocks * 64 + lane;
  if point >= dims.points { return; }
  let i = place(scene, point, dims.points, group.y);
  y[i] = x[i] + term[place(scene, point / (dims.points / dims.groups), dims.groups, group.y)];
}

// d_term = sum of d_y over the group; one invocation a scene, channel and group, neighbours in the group
@compute @workgroup_size(64)
fn backward_term(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.scenes * dims.channels * dims.groups { return; }
  let group = i % dims.groups;
  let c = i / dims.groups % dims.channels;
  let scene = i / (dims.groups * dims.channels);
  let per_group = dims.points / dims.groups;
  var sum = 0.0;
  for (var k = 0u; k < per_group; k++) {
    sum += d_y[place(scene, group * per_group + k, dims.points, c)];
  }
  let at = place(scene, group, dims.groups, c);
  d_term[at] = accumulated(dims.mode_term, d_term[at], sum);
}
