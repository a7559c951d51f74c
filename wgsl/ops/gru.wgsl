// uses common/activations.wgsl, common/points.wgsl
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

// one workgroup a block and channel
@compute @workgroup_size(64)
fn reset(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.x * 64 + lane;
  let channels = dims.channels;
  let c = group.y;
  let r = sigmoid(
    gates[channel(at, 2 * channels, channels + c)] + share[channel(at, 3 * channels, channels + c)],
  );
  y[channel(at, dims.y_channels, c)] = r * kept_hidden[channel(at, channels, c)];
}

@compute @workgroup_size(64)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.x * 64 + lane;
  let channels = dims.channels;
  let c = group.y;
  let z = sigmoid(gates[channel(at, 2 * channels, c)] + share[channel(at, 3 * channels, c)]);
  let own = channel(at, channels, c);
  let q = squash(candidate[own] + share[channel(at, 3 * channels, 2 * channels + c)]);
  let next = (1.0 - z) * hidden[own] + z * q;
  hidden[own] = next;
  y[channel(at, dims.y_channels, c)] = next;
}
