// uses common/gradients.wgsl, common/points.wgsl, common/sum_lanes.wgsl
// maps:  y = (x − mean[c])/σ[c], σ = √(variance + ε), over all pixels of all maps          x, y (pixels, channels) rows
//        d_x = (g − Σ g/n − y·Σ g·y/n)/σ, g = d_y
// codes: y[c] = scale·(x[c] − mean)/σ, over a scene's channels          x, y (scenes, 1, channels) in blocks
//        d_x = scale/σ·(g − Σ g/n − (x − mean)/σ²·Σ g·(x − mean)/n)

struct Dims { size: u32, channels: u32, epsilon: f32, scale: f32 }
struct Parts {
  points: u32, // of one map
  points_per_part: u32,
  parts: u32,
  first_row: u32, // of this map's partials
}
struct Merge { rows: u32, channels: u32, points: f32 }

override mode_x: u32 = 0;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> moments: array<vec2f>; // (channels) of (mean, variance), from channel_moments.wgsl
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> kept_y: array<f32>; // y, made before
@group(0) @binding(5) var<storage, read> d_y: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(7) var<uniform> split: Parts;
@group(0) @binding(8) var<storage, read_write> partials: array<vec2f>; // (rows, channels) of (Σ g, Σ g·y)
@group(0) @binding(9) var<uniform> merging: Merge;
@group(0) @binding(10) var<storage, read> parts: array<vec2f>; // the partials, made before
@group(0) @binding(11) var<storage, read_write> means: array<vec2f>; // (channels) of (Σ g/n, Σ g·y/n)
@group(0) @binding(12) var<storage, read> kept_means: array<vec2f>; // the means, made before

@compute @workgroup_size(64)
fn maps(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  let moment = moments[i % dims.channels];
  y[i] = (x[i] - moment.x) / sqrt(moment.y + dims.epsilon);
}

// An invocation sums one part of one channel of a map.
@compute @workgroup_size(64)
fn backward_maps_sums(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.channels * split.parts { return; }
  let channel = i % dims.channels;
  let first = i / dims.channels * split.points_per_part;
  let end = min(first + split.points_per_part, split.points);
  var sums = vec2f();
  for (var point = first; point < end; point++) {
    let at = point * dims.channels + channel;
    sums += d_y[at] * vec2f(1.0, kept_y[at]);
  }
  partials[split.first_row * dims.channels + i] = sums;
}

@compute @workgroup_size(64)
fn backward_maps_merge(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x;
  if channel >= merging.channels { return; }
  var sums = vec2f();
  for (var row = 0u; row < merging.rows; row++) { sums += parts[row * merging.channels + channel]; }
  means[channel] = sums / merging.points;
}

@compute @workgroup_size(64)
fn backward_maps(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  let channel = i % dims.channels;
  let mean = kept_means[channel];
  let gradient = (d_y[i] - mean.x - kept_y[i] * mean.y) / sqrt(moments[channel].y + dims.epsilon);
  write_d_x(i, gradient);
}

fn write_d_x(i: u32, gradient: f32) { d_x[i] = accumulated(mode_x, d_x[i], gradient); }

const lanes = 64u;
const columns = 2u;

// Means over a scene's channels of what each lane has summed.
fn means_of(lane: u32, sums: vec2f) -> vec2f {
  lane_values[lane] = sums.x;
  lane_values[lanes + lane] = sums.y;
  sum_lanes(lane);
  return vec2f(column_sums[0], column_sums[1]) / f32(dims.channels);
}

// A workgroup a scene. Two passes: first the mean, then the differences from it.
@compute @workgroup_size(64)
fn codes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.x * 64; // a scene's code is one point
  var sum = 0.0;
  for (var c = lane; c < dims.channels; c += lanes) { sum += x[channel(at, dims.channels, c)]; }
  let mean = means_of(lane, vec2f(sum, 0.0)).x;
  var squares = 0.0;
  for (var c = lane; c < dims.channels; c += lanes) {
    let difference = x[channel(at, dims.channels, c)] - mean;
    squares += difference * difference;
  }
  let scale = dims.scale / sqrt(means_of(lane, vec2f(squares, 0.0)).x + dims.epsilon);
  for (var c = lane; c < dims.channels; c += lanes) {
    y[channel(at, dims.channels, c)] = (x[channel(at, dims.channels, c)] - mean) * scale;
  }
}

@compute @workgroup_size(64)
fn backward_codes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.x * 64; // a scene's code is one point
  var sums = vec2f(); // of x and g
  for (var c = lane; c < dims.channels; c += lanes) {
    sums += vec2f(x[channel(at, dims.channels, c)], d_y[channel(at, dims.channels, c)]);
  }
  let mean = means_of(lane, sums);
  var products = vec2f(); // of x − mean with itself and with g
  for (var c = lane; c < dims.channels; c += lanes) {
    let difference = x[channel(at, dims.channels, c)] - mean.x;
    products += difference * vec2f(difference, d_y[channel(at, dims.channels, c)]);
  }
  let moment = means_of(lane, products);
  let inverse = 1.0 / (moment.x + dims.epsilon);
  for (var c = lane; c < dims.channels; c += lanes) {
    let i = channel(at, dims.channels, c);
    let slope = d_y[i] - mean.y - (x[i] - mean.x) * inverse * moment.y;
    write_d_x(i, dims.scale * sqrt(inverse) * slope);
  }
}
