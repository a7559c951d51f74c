// z = σ(gates₀ + share₀)  r = σ(gates₁ + share₁)  q = tanh(candidate + share₂)
// reset: y = r·hidden          update: hidden ← (1 − z)·hidden + z·q          Cho et al. 2014
// hidden, candidate (1, points, channels)  gates (1, points, 2·channels)  share (1, points, 3·channels), in blocks
// y: the first `channels` of (1, points, y_channels) in blocks

struct Dims { channels: u32, y_channels: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> gates: array<f32>;
@group(0) @binding(2) var<storage, read> share: array<f32>;
@group(0) @binding(3) var<storage, read> kept_hidden: array<f32>; // hidden where it stays as it is
@group(0) @binding(4) var<storage, read> candidate: array<f32>;
@group(0) @binding(5) var<storage, read_write> hidden: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

// Beyond ±88 the exponential leaves float32, and tanh overflows on some drivers: it is 1 in float32 beyond 10.
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(x, -87.0, 87.0))); }
fn squash(x: f32) -> f32 { return tanh(clamp(x, -10.0, 10.0)); }

fn at(block: u32, channels: u32, channel: u32, lane: u32) -> u32 {
  return (block * channels + channel) * 64 + lane;
}

// one workgroup a block and channel
@compute @workgroup_size(64)
fn reset(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let channels = dims.channels;
  let channel = group.y;
  let r = sigmoid(
    gates[at(group.x, 2 * channels, channels + channel, lane)] +
      share[at(group.x, 3 * channels, channels + channel, lane)],
  );
  y[at(group.x, dims.y_channels, channel, lane)] = r * kept_hidden[at(group.x, channels, channel, lane)];
}

@compute @workgroup_size(64)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let channels = dims.channels;
  let channel = group.y;
  let z = sigmoid(
    gates[at(group.x, 2 * channels, channel, lane)] + share[at(group.x, 3 * channels, channel, lane)],
  );
  let own = at(group.x, channels, channel, lane);
  let q = squash(candidate[own] + share[at(group.x, 3 * channels, 2 * channels + channel, lane)]);
  let next = (1.0 - z) * hidden[own] + z * q;
  hidden[own] = next;
  y[at(group.x, dims.y_channels, channel, lane)] = next;
}
