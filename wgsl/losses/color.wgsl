// uses common/camera.wgsl, common/gradients.wgsl, common/points.wgsl, common/ray_maps.wgsl, common/sum_lanes.wgsl
// term = mean (C - C*)²: of the full, the dynamic and the two warped composites, and of a field composited alone (static stage).
// A warped term is the mean over the scenes whose frame has that neighbour.
// maps (scenes, rays, 16)   maps_before, maps_after, single_maps (scenes, rays, 5)   colors C* (scenes, rays, 3)   terms (4)

struct Dims { scenes: u32, rays: u32, slot: u32, mode_maps: u32, mode_single_maps: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> maps: array<f32>;
@group(0) @binding(2) var<storage, read> maps_before: array<f32>;
@group(0) @binding(3) var<storage, read> maps_after: array<f32>;
@group(0) @binding(4) var<storage, read> single_maps: array<f32>;
@group(0) @binding(5) var<storage, read> colors: array<f32>;
@group(0) @binding(6) var<storage, read> cameras: array<Camera>;
@group(0) @binding(7) var<storage, read_write> terms: array<f32>;
@group(0) @binding(8) var<storage, read> d_terms: array<f32>;
@group(0) @binding(9) var<storage, read_write> d_maps: array<f32>;
@group(0) @binding(10) var<storage, read_write> d_single_maps: array<f32>;

const lanes = 64u;
const columns = 4u; // full, dynamic, warped before, warped after

fn truth(ray: u32) -> vec3f {
  return vec3f(colors[ray * 3], colors[ray * 3 + 1], colors[ray * 3 + 2]);
}
fn of_current(ray: u32, first: u32) -> vec3f {
  let i = ray * ray_map_channels + first;
  return vec3f(maps[i], maps[i + 1], maps[i + 2]);
}
fn of_before(ray: u32) -> vec3f {
  let i = ray * single_map_channels + single_map_color;
  return vec3f(maps_before[i], maps_before[i + 1], maps_before[i + 2]);
}
fn of_after(ray: u32) -> vec3f {
  let i = ray * single_map_channels + single_map_color;
  return vec3f(maps_after[i], maps_after[i + 1], maps_after[i + 2]);
}
fn of_single(ray: u32) -> vec3f {
  let i = ray * single_map_channels + single_map_color;
  return vec3f(single_maps[i], single_maps[i + 1], single_maps[i + 2]);
}

fn has(ray: u32, slot: u32) -> bool { return cameras[ray / dims.rays * 3 + slot].valid > 0.0; }

// One over how many numbers a mean goes over: those of all scenes, or of the scenes that have a neighbour (0 for none).
fn share_of_all() -> f32 { return 1.0 / f32(dims.scenes * dims.rays * 3); }
fn share_of(slot: u32) -> f32 {
  var scenes = 0u;
  for (var scene = 0u; scene < dims.scenes; scene++) {
    scenes += select(0u, 1u, cameras[scene * 3 + slot].valid > 0.0);
  }
  return select(0.0, 1.0 / f32(max(scenes, 1) * dims.rays * 3), scenes > 0);
}

fn square(v: vec3f) -> f32 { return dot(v, v); }

// One workgroup: a batch has a thousand rays.
@compute @workgroup_size(lanes)
fn forward(@builtin(local_invocation_index) lane: u32) {
  var sums = vec4f();
  for (var ray = lane; ray < dims.scenes * dims.rays; ray += lanes) {
    let color = truth(ray);
    sums.x += square(of_current(ray, map_color_full) - color);
    sums.y += square(of_current(ray, map_color_dynamic) - color);
    if has(ray, slot_before) { sums.z += square(of_before(ray) - color); }
    if has(ray, slot_after) { sums.w += square(of_after(ray) - color); }
  }
  for (var column = 0u; column < columns; column++) {
    lane_values[column * lanes + lane] = sums[column];
  }
  sum_lanes(lane);
  if lane > 0 { return; }
  terms[0] = column_sums[0] * share_of_all();
  terms[1] = column_sums[1] * share_of_all();
  terms[2] = column_sums[2] * share_of(slot_before);
  terms[3] = column_sums[3] * share_of(slot_after);
}

// dC = 2 (C - C*)·share·d_term
@compute @workgroup_size(lanes)
fn backward_current(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays { return; }
  let scale = 2.0 * share_of_all();
  let full = scale * d_terms[0] * (of_current(ray, map_color_full) - truth(ray));
  let dynamic = scale * d_terms[1] * (of_current(ray, map_color_dynamic) - truth(ray));
  for (var c = 0u; c < 3; c++) {
    let i = ray * ray_map_channels + c;
    d_maps[i + map_color_full] = accumulated(dims.mode_maps, d_maps[i + map_color_full], full[c]);
    d_maps[i + map_color_dynamic] = accumulated(dims.mode_maps, d_maps[i + map_color_dynamic], dynamic[c]);
  }
}

// The same for one warped composite: single_maps are those of the neighbour in dims.slot.
@compute @workgroup_size(lanes)
fn backward_warped(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays || !has(ray, dims.slot) { return; }
  let d_term = d_terms[select(3u, 2u, dims.slot == slot_before)];
  write_single(ray, 2.0 * share_of(dims.slot) * d_term * (of_single(ray) - truth(ray)));
}

@compute @workgroup_size(lanes)
fn forward_single(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var ray = lane; ray < dims.scenes * dims.rays; ray += lanes) {
    sum += square(of_single(ray) - truth(ray));
  }
  lane_values[lane] = sum;
  sum_lanes(lane);
  if lane == 0 { terms[0] = column_sums[0] * share_of_all(); }
}

@compute @workgroup_size(lanes)
fn backward_single(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays { return; }
  write_single(ray, 2.0 * share_of_all() * d_terms[0] * (of_single(ray) - truth(ray)));
}

fn write_single(ray: u32, gradient: vec3f) {
  for (var c = 0u; c < 3; c++) {
    let i = ray * single_map_channels + single_map_color + c;
    d_single_maps[i] = accumulated(dims.mode_single_maps, d_single_maps[i], gradient[c]);
  }
}
