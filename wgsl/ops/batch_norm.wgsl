// y = relu((x − mean)/√(variance + ε)·weight + bias + residual)          x, residual, y (1, points, channels) in blocks
// mean, variance: over all frames of all scenes of the batch (from moments.wgsl), or the running ones       spec section 3

struct Dims { blocks: u32, channels: u32, epsilon: f32, momentum: f32, points: f32 }

override has_residual: bool = false;
override relu: bool = false;

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

// A workgroup takes four blocks of one channel.
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let channel = group.x;
  let block = group.y * 4 + lane / 16;
  if block >= dims.blocks { return; }
  let mean = moments[channel].x;
  let scale = weight[channel] / sqrt(moments[channel].y + dims.epsilon);
  let i = (block * dims.channels + channel) * 16 + lane % 16;
  var value = (x[i] - mean) * scale + bias[channel];
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
