// uses common/gradients.wgsl, common/points.wgsl, common/ray_maps.wgsl, common/sum_rows.wgsl
// depth          = mean (y - t)², y = norm(depth_d), t = norm(-inverse depth); norm(x) = (x - median)/mean|x - median| over a
//                  scene's rays, the median being the lower middle element
// depth blending = Σ M (ẑ - z b)² / (ΣM + 1e-8) / samples, ẑ = z where |z - D| <= depth_blending_thickness, else 0; D goes
//                  linearly from 0 at a scene's largest inverse depth to `far` at its smallest, or is absolute_depth
// order          = mean (depth_d - stop(depth_s))² over static rays, each scene's first
// Differentiable in depth_d of the maps and in b.
// maps (scenes, rays, 16)   inverse_depth, absolute_depth, moving M (scenes, rays)   z (scenes, rays, samples)
// blending b (scenes, points, 1) in blocks

struct Dims {
  rows: u32, // workgroups of points, of all scenes
  scene_rows: u32, // of a scene
  scenes: u32,
  rays: u32, // of a scene
  static_rays: u32, // of a scene
  samples: u32, // of a ray
  scene_stride: u32, // numbers from one scene's blending to the next
  far: f32,
  depth_blending_thickness: f32,
  has_absolute_depth: u32, // it is D
  mode_maps: u32,
  mode_blending: u32,
}

// What a scene's rays have in common. A spread is mean|x - median|.
struct Statistics {
  median_ray: u32, // the ray that is the median of depth_d
  median: f32, // of depth_d
  spread: f32,
  target_median: f32, // of -inverse depth
  target_spread: f32,
  nearest: f32, // -inverse depth, smallest and largest
  farthest: f32,
  moving: f32, // ΣM
  sign_sum: f32, // Σ sign(depth_d - median)
  error_sum: f32, // Σ (y - t)
  error_product: f32, // Σ (y - t)·y
  depth: f32, // Σ (y - t)²
  order: f32, // Σ (depth_d - depth_s)²
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> maps: array<f32>;
@group(0) @binding(2) var<storage, read> inverse_depth: array<f32>;
@group(0) @binding(3) var<storage, read> moving: array<f32>;
@group(0) @binding(4) var<storage, read> z: array<f32>;
@group(0) @binding(5) var<storage, read> blending: array<f32>;
@group(0) @binding(6) var<storage, read_write> statistics: array<Statistics>;
@group(0) @binding(7) var<storage, read_write> partials: array<f32>;
@group(0) @binding(8) var<storage, read_write> terms: array<f32>;
@group(0) @binding(9) var<storage, read> d_terms: array<f32>;
@group(0) @binding(10) var<storage, read_write> d_maps: array<f32>;
@group(0) @binding(11) var<storage, read_write> d_blending: array<f32>;
@group(0) @binding(12) var<storage, read> absolute_depth: array<f32>;

const lanes = 256u;
const columns = 4u;

fn depth_dynamic(ray: u32) -> f32 { return maps[ray * ray_map_channels + map_depth_dynamic]; }
fn depth_static(ray: u32) -> f32 { return maps[ray * ray_map_channels + map_depth_static]; }

// (x - median)/spread; 0 where all rays are alike.
fn norm(x: f32, median: f32, spread: f32) -> f32 { return (x - median) * inverse(spread); }
fn inverse(spread: f32) -> f32 { return select(0.0, 1.0 / max(spread, 1e-30), spread > 0.0); }

fn ray_share() -> f32 { return 1.0 / f32(dims.scenes * dims.rays); }
fn static_share() -> f32 { return 1.0 / f32(max(dims.scenes * dims.static_rays, 1)); }

var<workgroup> median_ray: u32;
var<workgroup> target_ray: u32;
var<workgroup> nearest_ray: u32;
var<workgroup> farthest_ray: u32;

// One workgroup a scene. A ray's rank is how many come before it, by value and then by number: the rank of the median, the
// smallest and the largest is known.
@compute @workgroup_size(lanes)
fn measure(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  let first = group.x * dims.rays;
  let middle = (dims.rays - 1) / 2;
  for (var i = lane; i < dims.rays; i += lanes) {
    let depth = depth_dynamic(first + i);
    let goal = -inverse_depth[first + i];
    var rank = 0u;
    var target_rank = 0u;
    for (var j = 0u; j < dims.rays; j++) {
      let other = depth_dynamic(first + j);
      let other_goal = -inverse_depth[first + j];
      rank += select(0u, 1u, other < depth || (other == depth && j < i));
      target_rank += select(0u, 1u, other_goal < goal || (other_goal == goal && j < i));
    }
    if rank == middle { median_ray = first + i; }
    if target_rank == middle { target_ray = first + i; }
    if target_rank == 0 { nearest_ray = first + i; }
    if target_rank == dims.rays - 1 { farthest_ray = first + i; }
  }
  workgroupBarrier();
  var s: Statistics;
  s.median_ray = median_ray;
  s.median = depth_dynamic(median_ray);
  s.target_median = -inverse_depth[target_ray];
  s.nearest = -inverse_depth[nearest_ray];
  s.farthest = -inverse_depth[farthest_ray];

  var sums = vec4f();
  for (var ray = first + lane; ray < first + dims.rays; ray += lanes) {
    let offset = depth_dynamic(ray) - s.median;
    sums += vec4f(abs(offset), abs(-inverse_depth[ray] - s.target_median), moving[ray], sign(offset));
  }
  sum_four(lane, sums);
  s.spread = column_sums[0] / f32(dims.rays);
  s.target_spread = column_sums[1] / f32(dims.rays);
  s.moving = column_sums[2];
  s.sign_sum = column_sums[3];

  sums = vec4f();
  for (var ray = first + lane; ray < first + dims.rays; ray += lanes) {
    let y = norm(depth_dynamic(ray), s.median, s.spread);
    let error = y - norm(-inverse_depth[ray], s.target_median, s.target_spread);
    let order = depth_dynamic(ray) - depth_static(ray);
    let is_static = ray - first < dims.static_rays;
    sums += vec4f(error, error * y, error * error, select(0.0, order * order, is_static));
  }
  sum_four(lane, sums);
  s.error_sum = column_sums[0];
  s.error_product = column_sums[1];
  s.depth = column_sums[2];
  s.order = column_sums[3];
  if lane == 0 { statistics[group.x] = s; }
}

fn sum_four(lane: u32, sums: vec4f) {
  for (var column = 0u; column < columns; column++) {
    lane_values[column * lanes + lane] = sums[column];
  }
  sum_lanes(lane);
}

// A point of a scene in its workgroup's order, its ray, and z b - ẑ.
struct Point { inside: bool, k: u32, blending: u32, ray: u32, z: f32, error: f32 }

fn point_of(row: u32, lane: u32) -> Point {
  var p: Point;
  let scene = row / dims.scene_rows;
  let point = row % dims.scene_rows * lanes + lane;
  p.inside = row < dims.rows && point < dims.rays * dims.samples;
  if !p.inside { return p; }
  p.k = scene * dims.rays * dims.samples + point;
  p.blending = scene * dims.scene_stride + point;
  p.ray = p.k / dims.samples;
  p.z = z[p.k];
  let s = statistics[scene];
  let along = (-inverse_depth[p.ray] - s.nearest) * inverse(s.farthest - s.nearest);
  var depth = dims.far * along;
  if dims.has_absolute_depth == 1 { depth = absolute_depth[p.ray]; }
  let wanted = select(0.0, p.z, abs(p.z - depth) <= dims.depth_blending_thickness);
  p.error = p.z * blending[p.blending] - wanted;
  return p;
}

// One over ΣM of all scenes and the samples.
fn moving_share() -> f32 {
  var rays = 0.0;
  for (var scene = 0u; scene < dims.scenes; scene++) { rays += statistics[scene].moving; }
  return 1.0 / ((rays + 1e-8) * f32(dims.samples));
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group_index(group, groups);
  let p = point_of(row, lane);
  var sum = 0.0;
  if p.inside { sum = moving[p.ray] * p.error * p.error; }
  lane_values[lane] = sum;
  write_row(lane, row);
}

@compute @workgroup_size(lanes)
fn finish(@builtin(local_invocation_index) lane: u32) {
  sum_rows(lane);
  if lane > 0 { return; }
  var depth = 0.0;
  var order = 0.0;
  for (var scene = 0u; scene < dims.scenes; scene++) {
    depth += statistics[scene].depth;
    order += statistics[scene].order;
  }
  terms[0] = depth * ray_share();
  terms[1] = column_sums[0] * moving_share();
  terms[2] = order * static_share();
}

// With g = 2 (y - t)·share·d_term, m the median and s the spread: dx = g/s - (Σ g y)/s · sign(x - m)/rays, and the median's
// own ray also has -(Σ g)/s + (Σ g y)/s · Σ sign(x - m)/rays.
@compute @workgroup_size(lanes)
fn backward_rays(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let ray = group_index(group, groups) * lanes + lane;
  if ray >= dims.scenes * dims.rays { return; }
  let s = statistics[ray / dims.rays];
  let depth = depth_dynamic(ray);
  let error = norm(depth, s.median, s.spread) - norm(-inverse_depth[ray], s.target_median, s.target_spread);
  let d_spread = s.error_product / f32(dims.rays);
  var gradient = error - d_spread * sign(depth - s.median);
  if ray == s.median_ray { gradient += d_spread * s.sign_sum - s.error_sum; }
  gradient *= 2.0 * ray_share() * d_terms[0] * inverse(s.spread);
  if ray % dims.rays < dims.static_rays {
    gradient += 2.0 * static_share() * d_terms[2] * (depth - depth_static(ray));
  }
  let i = ray * ray_map_channels + map_depth_dynamic;
  d_maps[i] = accumulated(dims.mode_maps, d_maps[i], gradient);
}

@compute @workgroup_size(lanes)
fn backward_blending(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let p = point_of(group_index(group, groups), lane);
  if !p.inside { return; }
  let gradient = 2.0 * moving_share() * d_terms[1] * moving[p.ray] * p.error * p.z;
  d_blending[p.blending] = accumulated(dims.mode_blending, d_blending[p.blending], gradient);
}
