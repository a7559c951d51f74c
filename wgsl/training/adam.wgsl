// uses common/points.wgsl, common/step.wgsl, common/sum_rows.wgsl
// Adam with a clipped global gradient norm, as PyTorch computes it (torch.optim.Adam, torch.nn.utils.clip_grad_norm_).
// Flat buffers of a parameter group, sizes in vec4s; padding between parameters is zero and stays zero.
// norm (1): ‖g‖ over all groups, before clipping; NaN or infinite when a gradient is. Then no parameter moves, nor where it is over
// skip_norm.

struct Dims {
  size: u32, // vec4s of this group
  first_row: u32, // where this group's rows of `partials` begin
  group_rows: u32,
  rows: u32, // of all groups
  max_norm: f32, // 0: no clipping
  skip_norm: f32, // 0: no step is left out
  beta1: f32,
  beta2: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> values: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> exp_avg: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> exp_avg_sq: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
@group(0) @binding(7) var<storage, read_write> norm: array<f32>;

const lanes = 64u;
const columns = 1u;

// partials[row] = Σ g² over every group_rows-th workgroup's share
@compute @workgroup_size(lanes)
fn sum_squares(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
) {
  var sum = vec4f();
  for (var i = group.x * lanes + lane; i < dims.size; i += dims.group_rows * lanes) {
    sum += gradients[i] * gradients[i];
  }
  lane_values[lane] = (sum.x + sum.y) + (sum.z + sum.w);
  write_row(lane, dims.first_row + group.x);
}

@compute @workgroup_size(lanes)
fn finish_norm(@builtin(local_invocation_index) lane: u32) {
  sum_rows(lane);
  if lane == 0 { norm[0] = sqrt(column_sums[0]); }
}

// All exponent bits set: NaN or infinite. A comparison may be compiled as if neither existed.
fn finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }

// g' = g · min(1, max_norm / (‖g‖ + 1e-6))      m = β₁m + (1 - β₁)g'      v = β₂v + (1 - β₂)g'²
// p = p - lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)
@compute @workgroup_size(lanes)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size || !finite(norm[0]) || (dims.skip_norm > 0.0 && norm[0] > dims.skip_norm) { return; }
  let clip = select(1.0, min(1.0, dims.max_norm / (norm[0] + 1e-6)), dims.max_norm > 0.0);
  let g = gradients[i] * clip;
  let m = dims.beta1 * exp_avg[i] + (1.0 - dims.beta1) * g;
  let v = dims.beta2 * exp_avg_sq[i] + (1.0 - dims.beta2) * g * g;
  exp_avg[i] = m;
  exp_avg_sq[i] = v;
  let deviation = sqrt(v) / sqrt(step.bias_correction2) + dims.epsilon;
  values[i] -= step.learning_rate / step.bias_correction1 * m / deviation;
}
