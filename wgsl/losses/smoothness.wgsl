// uses common/gradients.wgsl, common/ndc.wgsl, common/points.wgsl, common/sum_rows.wgsl
// in time       = mean|(x⁺ - x) + (x⁻ - x)|                              over the first 90 % of a ray's samples
// in space      = mean|Δₙ(x - x⁺)| + mean|Δₙ(x - x⁻)|, Δₙ = next - this   over the first 95 %
// at neighbours = the first at p⁻ (between p⁻⁻ and p) and at p⁺ (between p and p⁺⁺)
// x = world(p), with z_ndc of p at most smoothness_far; points p (scenes, points, 3) in blocks, NDC.

struct Dims {
  rows: u32, // blocks of 64 points, of all scenes
  blocks: u32, // of a scene
  points: u32, // of a scene
  samples: u32, // of a ray
  time_samples: u32, // compared in time
  space_samples: u32, // compared in space
  time_share: f32, // one over how many numbers a mean goes over
  space_share: f32,
  smoothness_far: f32, // NDC; beyond it lies everything in one plane: world coordinates grow as 1/(1 - z)
  time_term: u32, // backward: the term that this triple's smoothness in time adds to
  in_space: u32, // backward: whether the triple counts in space too
  mode_before: u32,
  mode_center: u32,
  mode_after: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> cameras: array<Camera>;
@group(0) @binding(2) var<storage, read> before2: array<f32>; // p⁻⁻
@group(0) @binding(3) var<storage, read> before: array<f32>; // p⁻, or the first of a triple
@group(0) @binding(4) var<storage, read> center: array<f32>; // p, or the second
@group(0) @binding(5) var<storage, read> after: array<f32>; // p⁺, or the third
@group(0) @binding(6) var<storage, read> after2: array<f32>; // p⁺⁺
@group(0) @binding(7) var<storage, read_write> partials: array<f32>;
@group(0) @binding(8) var<storage, read_write> terms: array<f32>;
@group(0) @binding(9) var<storage, read> d_terms: array<f32>;
@group(0) @binding(10) var<storage, read_write> d_before: array<f32>;
@group(0) @binding(11) var<storage, read_write> d_center: array<f32>;
@group(0) @binding(12) var<storage, read_write> d_after: array<f32>;

const lanes = 64u; // one block of points
const columns = 3u; // in time, in space, at neighbours

// Where the x of a scene's point lies; y and z follow at a distance of 64.
fn place(scene: u32, point: u32) -> u32 {
  return channel(scene * dims.blocks * lanes + point, 3, 0);
}
fn at_before2(i: u32) -> vec3f { return vec3f(before2[i], before2[i + lanes], before2[i + 2 * lanes]); }
fn at_before(i: u32) -> vec3f { return vec3f(before[i], before[i + lanes], before[i + 2 * lanes]); }
fn at_center(i: u32) -> vec3f { return vec3f(center[i], center[i + lanes], center[i + 2 * lanes]); }
fn at_after(i: u32) -> vec3f { return vec3f(after[i], after[i + lanes], after[i + 2 * lanes]); }
fn at_after2(i: u32) -> vec3f { return vec3f(after2[i], after2[i + lanes], after2[i + 2 * lanes]); }

fn sum_abs(v: vec3f) -> f32 { return dot(abs(v), vec3f(1.0)); }

// (x, y) keep their place, as the clamp of ndc_to_world does it
fn nearer(p: vec3f) -> vec3f { return vec3f(p.xy, min(p.z, dims.smoothness_far)); }
fn world(p: vec3f, extent: vec2f) -> vec3f { return ndc_to_world(nearer(p), extent); }
fn world_gradient(p: vec3f, extent: vec2f, d_world: vec3f) -> vec3f {
  return ndc_to_world_gradient(nearer(p), extent, d_world) * vec3f(1.0, 1.0, select(0.0, 1.0, p.z <= dims.smoothness_far));
}

// World displacements of a point to its places one frame before and after.
struct Displacements { before: vec3f, after: vec3f }

fn displacements(i: u32, extent: vec2f) -> Displacements {
  let x = world(at_center(i), extent);
  return Displacements(
    x - world(at_before(i), extent),
    x - world(at_after(i), extent),
  );
}

@compute @workgroup_size(lanes)
fn forward(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group_index(group, groups);
  let scene = row / dims.blocks;
  let point = row % dims.blocks * lanes + lane;
  let n = point % dims.samples;
  var sums = vec3f();
  if row < dims.rows && point < dims.points {
    let extent = ndc_extent(cameras[scene * 3 + slot_current]);
    let i = place(scene, point);
    let here = displacements(i, extent);
    if n < dims.time_samples {
      let to_before2 = world(at_before(i), extent) - world(at_before2(i), extent);
      let to_after2 = world(at_after(i), extent) - world(at_after2(i), extent);
      sums.x = sum_abs(here.after + here.before);
      sums.z = sum_abs(to_before2 - here.before) + sum_abs(to_after2 - here.after);
    }
    if n + 1 < dims.space_samples {
      let next = displacements(place(scene, point + 1), extent);
      sums.y = sum_abs(next.before - here.before) + sum_abs(next.after - here.after);
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
    terms[lane] = column_sums[lane] * select(dims.time_share, dims.space_share, lane == 1);
  }
}

// The gradients of one triple of neighbours in time: those of its smoothness in time, and in space where it counts.
@compute @workgroup_size(lanes)
fn backward(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let row = group_index(group, groups);
  let scene = row / dims.blocks;
  let point = row % dims.blocks * lanes + lane;
  let n = point % dims.samples;
  if row >= dims.rows || point >= dims.points { return; }
  let extent = ndc_extent(cameras[scene * 3 + slot_current]);
  let i = place(scene, point);
  let here = displacements(i, extent);
  var d_here = Displacements(); // with respect to x - x⁻ and x - x⁺
  if n < dims.time_samples {
    let d_sum = d_terms[dims.time_term] * dims.time_share * sign(here.before + here.after);
    d_here = Displacements(d_sum, d_sum);
  }
  if dims.in_space == 1 {
    let d_difference = d_terms[1] * dims.space_share;
    if n + 1 < dims.space_samples {
      let next = displacements(place(scene, point + 1), extent);
      d_here.before -= d_difference * sign(next.before - here.before);
      d_here.after -= d_difference * sign(next.after - here.after);
    }
    if n > 0 && n < dims.space_samples {
      let previous = displacements(place(scene, point - 1), extent);
      d_here.before += d_difference * sign(here.before - previous.before);
      d_here.after += d_difference * sign(here.after - previous.after);
    }
  }
  if dims.mode_before != unasked {
    let gradient = world_gradient(at_before(i), extent, -d_here.before);
    for (var c = 0u; c < 3; c++) {
      let k = i + c * lanes;
      d_before[k] = accumulated(dims.mode_before, d_before[k], gradient[c]);
    }
  }
  if dims.mode_center != unasked {
    let gradient = world_gradient(at_center(i), extent, d_here.before + d_here.after);
    for (var c = 0u; c < 3; c++) {
      let k = i + c * lanes;
      d_center[k] = accumulated(dims.mode_center, d_center[k], gradient[c]);
    }
  }
  if dims.mode_after != unasked {
    let gradient = world_gradient(at_after(i), extent, -d_here.after);
    for (var c = 0u; c < 3; c++) {
      let k = i + c * lanes;
      d_after[k] = accumulated(dims.mode_after, d_after[k], gradient[c]);
    }
  }
}
