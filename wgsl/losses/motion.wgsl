// uses common/gradients.wgsl, common/points.wgsl, common/sum_rows.wgsl
// slow        = mean|f_b| + mean|f_f|
// cycle       = mean|f_f + f_fb| + mean|f_b + f_bf|
// static flow = mean f_b² + mean f_f² over the points of static rays, each scene's first
// Scene flow f_b, f_f to the frame before and after; f_bf: forward flow at p⁻; f_fb: backward flow at p⁺; all
// (scenes, points, 3) in blocks, NDC units per frame.

struct Dims {
  rows: u32, // blocks of 64 points, of all scenes
  blocks: u32, // of a scene
  points: u32, // of a scene
  static_points: u32, // of a scene
  share: f32, // one over how many numbers a mean goes over
  static_share: f32,
  mode_flow: u32,
  mode_returned: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> f_b: array<f32>;
@group(0) @binding(2) var<storage, read> f_f: array<f32>;
@group(0) @binding(3) var<storage, read> f_bf: array<f32>;
@group(0) @binding(4) var<storage, read> f_fb: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;
@group(0) @binding(6) var<storage, read_write> terms: array<f32>;
@group(0) @binding(7) var<storage, read> d_terms: array<f32>;
@group(0) @binding(8) var<storage, read> flow: array<f32>; // one direction: f_f and f_fb, or f_b and f_bf
@group(0) @binding(9) var<storage, read> returned: array<f32>;
@group(0) @binding(10) var<storage, read_write> d_flow: array<f32>;
@group(0) @binding(11) var<storage, read_write> d_returned: array<f32>;

const lanes = 64u; // one block of points
const columns = 3u; // slow, cycle, static flow

@compute @workgroup_size(lanes)
fn forward(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group_index(group, groups);
  let point = row % dims.blocks * lanes + lane;
  var sums = vec3f();
  if row < dims.rows && point < dims.points {
    for (var c = 0u; c < 3; c++) {
      let i = channel(row * lanes + lane, 3, c);
      let b = f_b[i];
      let f = f_f[i];
      sums.x += abs(b) + abs(f);
      sums.y += abs(f + f_fb[i]) + abs(b + f_bf[i]);
      sums.z += select(0.0, b * b + f * f, point < dims.static_points);
    }
  }
  for (var column = 0u; column < columns; column++) {
    lane_values[column * lanes + lane] = sums[column];
  }
  write_row(lane, row);
}

@compute @workgroup_size(lanes)
fn finish(@builtin(local_invocation_index) lane: u32) {
  sum_rows(lane);
  if lane < columns {
    terms[lane] = column_sums[lane] * select(dims.share, dims.static_share, lane == 2);
  }
}

// d_returned = sign(flow + returned)·share·d_cycle
// d_flow = d_returned + sign(flow)·share·d_slow + 2·flow·static_share·d_static
@compute @workgroup_size(lanes)
fn backward(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group_index(group, groups);
  let point = row % dims.blocks * lanes + lane;
  if row >= dims.rows || point >= dims.points { return; }
  let d_slow = d_terms[0] * dims.share;
  let d_cycle = d_terms[1] * dims.share;
  let d_static = select(0.0, 2.0 * d_terms[2] * dims.static_share, point < dims.static_points);
  for (var c = 0u; c < 3; c++) {
    let i = channel(row * lanes + lane, 3, c);
    let x = flow[i];
    let cycle = d_cycle * sign(x + returned[i]);
    let gradient = cycle + d_slow * sign(x) + d_static * x;
    if dims.mode_flow != unasked { d_flow[i] = accumulated(dims.mode_flow, d_flow[i], gradient); }
    if dims.mode_returned != unasked { d_returned[i] = accumulated(dims.mode_returned, d_returned[i], cycle); }
  }
}
