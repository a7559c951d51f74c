// uses common/gradients.wgsl, common/points.wgsl, common/ray_maps.wgsl, common/sum_rows.wgsl
// mask           = mean b over the points of static rays + mean|dynamicness - moving| over rays
// mask of warped = mean b⁻ + mean b⁺ over the points of static rays, each scene's first
// sparsity       = -(Σ w_d log(w_d + 1e-19) + Σ b log(b + 1e-19)) / (scenes · rays)
// and, to be logged, the mean dynamicness of moving rays and of the others.
// b, b⁻, b⁺ (scenes, points, 1) in blocks   w_d (scenes, rays, samples)   maps (scenes, rays, 16)   moving (scenes, rays)

struct Dims {
  rows: u32, // blocks of 64 points, of all scenes
  blocks: u32, // of a scene
  points: u32, // of a scene
  samples: u32, // of a ray
  rays: u32, // of all scenes
  static_points: u32, // of a scene
  ray_share: f32, // one over the rays
  static_share: f32, // one over the points of static rays
  mode_blending: u32,
  mode_blending_before: u32,
  mode_blending_after: u32,
  mode_weights: u32,
  mode_maps: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> blending: array<f32>;
@group(0) @binding(2) var<storage, read> blending_before: array<f32>;
@group(0) @binding(3) var<storage, read> blending_after: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> maps: array<f32>;
@group(0) @binding(6) var<storage, read> moving: array<f32>;
@group(0) @binding(7) var<storage, read_write> partials: array<f32>;
@group(0) @binding(8) var<storage, read_write> terms: array<f32>;
@group(0) @binding(9) var<storage, read> d_terms: array<f32>;
@group(0) @binding(10) var<storage, read_write> d_blending: array<f32>;
@group(0) @binding(11) var<storage, read_write> d_blending_before: array<f32>;
@group(0) @binding(12) var<storage, read_write> d_blending_after: array<f32>;
@group(0) @binding(13) var<storage, read_write> d_weights: array<f32>;
@group(0) @binding(14) var<storage, read_write> d_maps: array<f32>;
@group(0) @binding(15) var<storage, read_write> measures: array<f32>;

const lanes = 64u; // one block of points
const columns = 6u; // mask, mask of warped, sparsity, Σ dynamicness of moving rays, of the others, Σ moving

const least = 1e-19; // keeps the logarithm finite
fn entropy(x: f32) -> f32 { return -x * log(x + least); }
fn d_entropy(x: f32) -> f32 { return -log(x + least) - x / (x + least); }

@compute @workgroup_size(lanes)
fn forward(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group_index(group, groups);
  let point = row % dims.blocks * lanes + lane;
  var sums: array<f32, columns>;
  if row < dims.rows && point < dims.points {
    let i = row * lanes + lane;
    let k = row / dims.blocks * dims.points + point;
    let b = blending[i];
    if point < dims.static_points {
      sums[0] = b * dims.static_share;
      sums[1] = (blending_before[i] + blending_after[i]) * dims.static_share;
    }
    sums[2] = (entropy(weights[k]) + entropy(b)) * dims.ray_share;
    if k % dims.samples == 0 { // once a ray
      let ray = k / dims.samples;
      let m = moving[ray];
      let dynamicness = maps[ray * ray_map_channels + map_dynamicness];
      sums[0] += abs(dynamicness - m) * dims.ray_share;
      sums[3] = dynamicness * m;
      sums[4] = dynamicness * (1.0 - m);
      sums[5] = m;
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
  if lane > 0 { return; }
  let moving_rays = column_sums[5];
  terms[0] = column_sums[0];
  terms[1] = column_sums[1];
  terms[2] = column_sums[2];
  measures[0] = column_sums[3] / max(moving_rays, 1.0);
  measures[1] = column_sums[4] / max(f32(dims.rays) - moving_rays, 1.0);
}

@compute @workgroup_size(lanes)
fn backward_points(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group_index(group, groups);
  let point = row % dims.blocks * lanes + lane;
  if row >= dims.rows || point >= dims.points { return; }
  let i = row * lanes + lane;
  let k = row / dims.blocks * dims.points + point;
  let static_share = select(0.0, dims.static_share, point < dims.static_points);
  let d_sparsity = d_terms[2] * dims.ray_share;
  let d_b = d_terms[0] * static_share + d_sparsity * d_entropy(blending[i]);
  let d_warped = d_terms[1] * static_share;
  let d_w = d_sparsity * d_entropy(weights[k]);
  if dims.mode_blending != unasked { d_blending[i] = accumulated(dims.mode_blending, d_blending[i], d_b); }
  if dims.mode_blending_before != unasked {
    d_blending_before[i] = accumulated(dims.mode_blending_before, d_blending_before[i], d_warped);
  }
  if dims.mode_blending_after != unasked {
    d_blending_after[i] = accumulated(dims.mode_blending_after, d_blending_after[i], d_warped);
  }
  if dims.mode_weights != unasked { d_weights[k] = accumulated(dims.mode_weights, d_weights[k], d_w); }
}

@compute @workgroup_size(lanes)
fn backward_rays(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.rays { return; }
  let i = ray * ray_map_channels + map_dynamicness;
  let gradient = d_terms[0] * dims.ray_share * sign(maps[i] - moving[ray]);
  d_maps[i] = accumulated(dims.mode_maps, d_maps[i], gradient);
}
