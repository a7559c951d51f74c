// Small numbers of the adjoint method: times, and the change of the solution with the end of the span.

struct Dims { fraction: f32 }

struct Lanes { size: u32, block_size: u32, blocks: u32, points: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> lanes_of: Lanes;
@group(0) @binding(2) var<storage, read> clock: array<f32>; // h, s
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> f: array<f32>;
@group(0) @binding(5) var<storage, read> d_end: array<f32>;

const lanes = 64u;
const columns = 1u;

@compute @workgroup_size(1)
fn now() {
  y[0] = 0.0;
  y[1] = clock[1] + dims.fraction * clock[0];
}

@compute @workgroup_size(1)
fn backwards() {
  y[0] = -clock[0];
  y[1] = clock[1] + clock[0];
}

// (0, −Σ f·d_end) over points in blocks
@compute @workgroup_size(64)
fn end_time(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < lanes_of.size; i += lanes) {
    if i / lanes_of.block_size % lanes_of.blocks * 64 + i % 64 < lanes_of.points { sum += f[i] * d_end[i]; }
  }
  lane_values[lane] = sum;
  sum_lanes(lane);
  if lane == 0 {
    y[0] = 0.0;
    y[1] = -column_sums[0];
  }
}
