// uses common/gradients.wgsl, common/ndc.wgsl, common/points.wgsl
// y += weight · map(p): bilinear samples of a feature map where a camera sees NDC points; src/nets/README.md#feature-sampling.
// map (height, width, channels), channels in fours, of which y has some; points, fallback (scenes, points, 3) and y (scenes,
// points, channels) in blocks; cameras (scenes, 3). A pixel (u, v) of W x H is the place (u·width/W, v·height/H) in the map,
// clamped to its border: the released code's align_corners coordinate 2·u/W·width/(width - 1) - 1 written out. One scene a
// dispatch, a workgroup a block.
//
// The gradient of the map is a scatter: summed in integers, so that no order of the additions shows. Each texel has a scale of
// its own, 2^30 over the number and the largest of its contributions, rounded to a power of two.

struct Dims {
  scene: u32,
  points: u32,
  slot: u32,
  height: u32,
  width: u32,
  map_fours: u32, // the map's channels / 4
  first: u32, // the first of them that is sampled
  fours: u32, // how many are
  weight: f32,
  has_fallback: u32, // 1: where the slot has no frame, `fallback` is sampled in place of `points`
  of_fallback: u32, // 1: `points` are the fallback, 0: they are not (backward)
  mode_y: u32, // of the forward pass: terms after the first add
  mode_points: u32,
  mode_map: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> map: array<vec4f>;
@group(0) @binding(2) var<storage, read> cameras: array<Camera>;
@group(0) @binding(3) var<storage, read> points: array<f32>;
@group(0) @binding(4) var<storage, read> fallback: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read> d_y: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_points: array<f32>;
@group(0) @binding(8) var<storage, read_write> extents: array<atomic<u32>>; // (texels, 2): count, largest's bits
@group(0) @binding(9) var<storage, read_write> sums: array<atomic<i32>>;
@group(0) @binding(10) var<storage, read_write> d_map: array<f32>;

const chunk = 16u; // fours of channels that an invocation takes

fn camera() -> Camera { return cameras[dims.scene * 3 + dims.slot]; }

// A workgroup's block of points: x and z count them.
fn block_of(group: vec3u, groups: vec3u) -> u32 { return group.z * groups.x + group.x; }

// A point's place among those of all scenes.
fn place_of(block: u32, lane: u32) -> u32 {
  return (dims.scene * blocks_of(dims.points) + block) * 64 + lane;
}

fn point_at(at: u32) -> vec3f {
  let i = channel(at, 3, 0);
  return vec3f(points[i], points[i + 64], points[i + 128]);
}

fn sampled_at(at: u32, camera: Camera) -> vec3f {
  if dims.has_fallback == 0 || camera.valid > 0.5 { return point_at(at); }
  let i = channel(at, 3, 0);
  return vec3f(fallback[i], fallback[i + 64], fallback[i + 128]);
}

// Four neighbouring texels and where between them.
struct Place {
  corners: vec4u, // texels: upper left, upper right, lower left, lower right
  fraction: vec2f,
  slope: vec2f, // texels per pixel, 0 where the place is clamped
}

fn locate(p: vec3f, camera: Camera) -> Place {
  let slope = vec2f(f32(dims.width), f32(dims.height)) / vec2f(camera.width, camera.height);
  let at = ndc_to_pixel(p, ndc_extent(camera), camera) * slope;
  let last = vec2f(f32(dims.width - 1), f32(dims.height - 1));
  let inside = clamp(at, vec2f(), last);
  let first = min(vec2u(inside), vec2u(max(dims.width, 2) - 2, max(dims.height, 2) - 2));
  let next = min(first + 1, vec2u(dims.width - 1, dims.height - 1));
  let corners = vec4u(first.x, next.x, first.x, next.x) +
    dims.width * vec4u(first.y, first.y, next.y, next.y);
  return Place(corners, inside - vec2f(first), select(vec2f(), slope, (at > vec2f()) & (at < last)));
}

// Bilinear weights of the corners.
fn shares(f: vec2f) -> vec4f {
  return vec4f((1.0 - f.x) * (1.0 - f.y), f.x * (1.0 - f.y), (1.0 - f.x) * f.y, f.x * f.y);
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32) {
  let block = block_of(group, groups);
  if block >= blocks_of(dims.points) { return; }
  let at = place_of(block, lane);
  let view = camera();
  let place = locate(sampled_at(at, view), view);
  let corners = place.corners * dims.map_fours + dims.first;
  let share = dims.weight * shares(place.fraction);
  for (var c = group.y * chunk; c < min(dims.fours, (group.y + 1) * chunk); c++) {
    let value = share.x * map[corners.x + c] + share.y * map[corners.y + c] +
      share.z * map[corners.z + c] + share.w * map[corners.w + c];
    for (var k = 0u; k < 4; k++) {
      let i = channel(at, dims.fours * 4, c * 4 + k);
      y[i] = accumulated(dims.mode_y, y[i], value[k]);
    }
  }
}

fn d_y_at(at: u32, c: u32) -> vec4f {
  let i = channel(at, dims.fours * 4, c * 4);
  return vec4f(d_y[i], d_y[i + 64], d_y[i + 128], d_y[i + 192]);
}

@compute @workgroup_size(64)
fn backward_points(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32) {
  let block = block_of(group, groups);
  if block >= blocks_of(dims.points) { return; }
  let at = place_of(block, lane);
  let view = camera();
  var gradient = vec3f();
  if dims.has_fallback == 0 || (view.valid > 0.5) == (dims.of_fallback == 0) {
    let p = point_at(at);
    let place = locate(p, view);
    let f = place.fraction;
    let corners = place.corners * dims.map_fours + dims.first;
    var d_place = vec2f();
    for (var c = 0u; c < dims.fours; c++) {
      let d = d_y_at(at, c);
      let a = map[corners.x + c];
      let b = map[corners.y + c];
      let e = map[corners.z + c];
      let g = map[corners.w + c];
      d_place += vec2f(dot(d, mix(b - a, g - e, f.y)), dot(d, mix(e - a, g - b, f.x)));
    }
    let d_pixel = dims.weight * d_place * place.slope;
    gradient = ndc_to_pixel_gradient(p, ndc_extent(view), view, d_pixel);
  }
  for (var c = 0u; c < 3; c++) {
    let i = channel(at, 3, c);
    d_points[i] = accumulated(dims.mode_points, d_points[i], gradient[c]);
  }
}

@compute @workgroup_size(64)
fn backward_map_extents(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32) {
  let block = block_of(group, groups);
  if block * 64 + lane >= dims.points { return; }
  let at = place_of(block, lane);
  let view = camera();
  let place = locate(sampled_at(at, view), view);
  var largest = vec4f();
  for (var c = 0u; c < dims.fours; c++) { largest = max(largest, abs(d_y_at(at, c))); }
  let most = max(max(largest.x, largest.y), max(largest.z, largest.w));
  let share = shares(place.fraction);
  for (var k = 0u; k < 4; k++) {
    if share[k] * most == 0.0 { continue; }
    atomicAdd(&extents[2 * place.corners[k]], 1u);
    atomicMax(&extents[2 * place.corners[k] + 1], bitcast<u32>(share[k] * most)); // bits of positive floats rise with them
  }
}

// Exponent, as float32 has it, of a power of two above the sum of a texel's contributions.
fn exponent(texel: u32) -> u32 {
  let most = bitcast<f32>(atomicLoad(&extents[2 * texel + 1]));
  return max(30u, bitcast<u32>(most * f32(atomicLoad(&extents[2 * texel]))) >> 23u);
}

@compute @workgroup_size(64)
fn backward_map_scatter(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32) {
  let block = block_of(group, groups);
  if block * 64 + lane >= dims.points { return; }
  let at = place_of(block, lane);
  let view = camera();
  let place = locate(sampled_at(at, view), view);
  let share = shares(place.fraction);
  for (var k = 0u; k < 4; k++) {
    if share[k] == 0.0 { continue; }
    let texel = place.corners[k];
    let scaled = share[k] * bitcast<f32>((283 - exponent(texel)) << 23u);
    for (var c = group.y * chunk; c < min(dims.fours, (group.y + 1) * chunk); c++) {
      let parts = vec4i(round(scaled * d_y_at(at, c)));
      for (var j = 0u; j < 4; j++) { atomicAdd(&sums[(texel * dims.fours + c) * 4 + j], parts[j]); }
    }
  }
}

@compute @workgroup_size(64)
fn backward_map(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  let channels = dims.fours * 4;
  if i >= dims.height * dims.width * channels { return; }
  let texel = i / channels;
  let scale = bitcast<f32>((exponent(texel) - 29) << 23u);
  let gradient = dims.weight * scale * f32(atomicLoad(&sums[i]));
  let at = (texel * dims.map_fours + dims.first) * 4 + i % channels;
  d_map[at] = accumulated(dims.mode_map, d_map[at], gradient);
}
