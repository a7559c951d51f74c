// uses common/gradients.wgsl, common/points.wgsl
// y = relu((x − mean)/√(variance + ε)·weight + bias + residual)          x, residual, y (1, points, channels) in blocks
// mean, variance: over all frames of all scenes of the batch (from channel_moments.wgsl), or the running ones
//
// g = dL/dy where y > 0 (everywhere without ReLU), x̂ = (x − mean)/σ, σ = √(variance + ε):
// d_bias = Σ g    d_weight = Σ g·x̂    d_residual = g    d_x = weight/σ·(g − Σ g/n − x̂·Σ g·x̂/n), without the sums where the
// statistics are the running ones

struct Dims { blocks: u32, channels: u32, epsilon: f32, momentum: f32, points: f32 }
struct Parts {
  points: u32, // of one frame
  points_per_part: u32, // a multiple of 64
  parts: u32,
  first_row: u32, // of this frame's partials
}
struct Merge { rows: u32, running: u32, mode_weight: u32, mode_bias: u32 }

override has_residual: bool = false;
override relu: bool = false;
override inner_relu: bool = false; // before the residual is added
override mode_x: u32 = 0;
override mode_residual: u32 = 0;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> moments: array<vec2f>; // (channels) of (mean, biased variance)
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(8) var<storage, read_write> running_variance: array<f32>;
@group(0) @binding(9) var<storage, read> kept_mean: array<f32>; // running_mean, running_variance where they stay as they are
@group(0) @binding(10) var<storage, read> kept_variance: array<f32>;
@group(0) @binding(11) var<storage, read_write> kept_moments: array<vec2f>;
@group(0) @binding(12) var<uniform> split: Parts;
@group(0) @binding(13) var<storage, read> kept_y: array<vec4f>; // y, made before
@group(0) @binding(14) var<storage, read> d_y: array<vec4f>;
@group(0) @binding(15) var<storage, read_write> partials: array<vec2f>; // (rows, channels) of (Σ g, Σ g·(x − mean))
@group(0) @binding(16) var<uniform> merging: Merge;
@group(0) @binding(17) var<storage, read> parts: array<vec2f>; // the partials, made before
@group(0) @binding(18) var<storage, read_write> d_weight: array<f32>;
@group(0) @binding(19) var<storage, read_write> d_bias: array<f32>;
@group(0) @binding(20) var<storage, read_write> slopes: array<vec4f>; // (channels) of (mean, weight/σ, Σ g/n, Σ g·x̂/(n·σ))
@group(0) @binding(21) var<storage, read> kept_slopes: array<vec4f>; // the slopes, made before
@group(0) @binding(22) var<storage, read_write> d_x: array<vec4f>;
@group(0) @binding(23) var<storage, read_write> d_residual: array<vec4f>;

// Where maps are read and written four points at a time, a workgroup takes four blocks of one channel.
struct Four { channel: u32, index: u32, inside: bool }

fn four_of(group: vec3u, lane: u32) -> Four {
  let quad = group.y * 64 + lane;
  return Four(group.x, quad_of(quad, dims.channels, group.x), quad < dims.blocks * 16);
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let four = four_of(group, lane);
  if !four.inside { return; }
  let channel = four.channel;
  let i = four.index;
  let mean = moments[channel].x;
  let scale = weight[channel] / sqrt(moments[channel].y + dims.epsilon);
  var value = (x[i] - mean) * scale + bias[channel];
  if inner_relu { value = max(value, vec4f()); }
  if has_residual { value += residual[i]; }
  if relu { value = max(value, vec4f()); }
  y[i] = value;
}

// The running statistics as moments.
@compute @workgroup_size(64)
fn read_running(@builtin(global_invocation_id) id: vec3u) {
  if id.x >= dims.channels { return; }
  kept_moments[id.x] = vec2f(kept_mean[id.x], kept_variance[id.x]);
}

// running ← running + momentum·(batch − running), with the unbiased variance of the batch.
@compute @workgroup_size(64)
fn move_running(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x;
  if channel >= dims.channels { return; }
  let unbiased = moments[channel].y * (dims.points / max(dims.points - 1.0, 1.0));
  running_mean[channel] += dims.momentum * (moments[channel].x - running_mean[channel]);
  running_variance[channel] += dims.momentum * (unbiased - running_variance[channel]);
}

// g of four points.
fn summand_gradient(i: u32) -> vec4f {
  let g = d_y[i];
  if relu { return select(vec4f(), g, kept_y[i] > vec4f()); }
  return g;
}

// An invocation sums one part of one channel of a frame.
@compute @workgroup_size(64)
fn backward_sums(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row_channel = linear_index(id, groups);
  if row_channel >= dims.channels * split.parts { return; }
  let c = row_channel % dims.channels;
  let first = row_channel / dims.channels * split.points_per_part;
  let end = min(first + split.points_per_part, split.points);
  let mean = moments[c].x;
  var sum = vec4f();
  var products = vec4f();
  for (var point = first; point < end; point += 4) {
    let i = quad_of(point / 4, dims.channels, c);
    let present = vec4u(point) + vec4u(0, 1, 2, 3) < vec4u(end);
    let g = summand_gradient(i);
    sum += select(vec4f(), g, present);
    products += select(vec4f(), g * (x[i] - mean), present);
  }
  partials[split.first_row * dims.channels + row_channel] =
    vec2f(dot(sum, vec4f(1.0)), dot(products, vec4f(1.0)));
}

// The sums of all parts: the parameters' gradients, and what the input's needs of them.
@compute @workgroup_size(64)
fn backward_parameters(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x;
  if channel >= dims.channels { return; }
  var sums = vec2f();
  for (var row = 0u; row < merging.rows; row++) { sums += parts[row * dims.channels + channel]; }
  let moment = moments[channel];
  let inverse = 1.0 / sqrt(moment.y + dims.epsilon);
  sums.y *= inverse;
  var means = vec2f();
  if merging.running == 0 { means = sums * vec2f(1.0, inverse) / dims.points; }
  slopes[channel] = vec4f(moment.x, weight[channel] * inverse, means);
  if merging.mode_bias != unasked {
    d_bias[channel] = accumulated(merging.mode_bias, d_bias[channel], sums.x);
  }
  if merging.mode_weight != unasked {
    d_weight[channel] = accumulated(merging.mode_weight, d_weight[channel], sums.y);
  }
}

fn write_input(four: Four, g: vec4f) {
  let slope = kept_slopes[four.channel];
  let gradient = slope.y * (g - slope.z - (x[four.index] - slope.x) * slope.w);
  d_x[four.index] = accumulated4(mode_x, d_x[four.index], gradient);
}

fn write_residual(four: Four, g: vec4f) {
  d_residual[four.index] = accumulated4(mode_residual, d_residual[four.index], g);
}

@compute @workgroup_size(64)
fn backward_input(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let four = four_of(group, lane);
  if four.inside { write_input(four, summand_gradient(four.index)); }
}

@compute @workgroup_size(64)
fn backward_residual(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let four = four_of(group, lane);
  if four.inside { write_residual(four, summand_gradient(four.index)); }
}

@compute @workgroup_size(64)
fn backward_input_and_residual(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let four = four_of(group, lane);
  if !four.inside { return; }
  let g = summand_gradient(four.index);
  write_input(four, g);
  write_residual(four, g);
}
