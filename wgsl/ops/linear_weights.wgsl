// dW = dyᵀ·a, db = Σ dy over the points, a = relu(x) or x; and the packing of W that linear.wgsl reads
// x (scenes, points, inputs)  dy (scenes, points, outputs), in blocks  weight (outputs, columns)
//
// The points are split into parts, none across two scenes; each part writes its own sums, a fixed-order reduction follows.

struct Weights {
  points: u32, // of a scene
  blocks_per_scene: u32,
  wide_channels: u32, // channels of `wide`: dy, or x where dy has at most four (swapped)
  thin_channels: u32,
  parts_per_scene: u32,
  blocks_per_part: u32,
  floor: f32, // x is read as max(x, floor)
}

@group(0) @binding(0) var<uniform> weights: Weights;
@group(0) @binding(1) var<storage, read> wide: array<vec4f>;
@group(0) @binding(2) var<storage, read> thin: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>; // [parts]{[outputs][inputs], [outputs]}

override swapped: bool = false;

// The points of a quad that a scene has, as 1 or 0 for each: padding lanes may hold anything.
fn present(value: vec4f, block: u32, quad: u32) -> vec4f {
  let point = block % weights.blocks_per_scene * 64 + quad * 4;
  return select(vec4f(), value, vec4u(point) + vec4u(0, 1, 2, 3) < vec4u(weights.points));
}

fn read_wide(at: u32, block: u32, quad: u32) -> vec4f {
  let value = wide[at];
  return present(select(value, max(value, vec4f(weights.floor)), swapped), block, quad);
}

fn read_thin(at: u32, block: u32, quad: u32) -> vec4f {
  let value = thin[at];
  return present(select(max(value, vec4f(weights.floor)), value, swapped), block, quad);
}

fn outputs() -> u32 { return select(weights.wide_channels, weights.thin_channels, swapped); }

fn part_base(part: u32) -> u32 {
  return part * (weights.wide_channels * weights.thin_channels + outputs());
}

fn first_block(part: u32) -> u32 {
  return part / weights.parts_per_scene * weights.blocks_per_scene +
    part % weights.parts_per_scene * weights.blocks_per_part;
}

fn end_block(part: u32) -> u32 {
  let scene_end = (part / weights.parts_per_scene + 1) * weights.blocks_per_scene;
  return min(first_block(part) + weights.blocks_per_part, scene_end);
}

fn store_weight(part: u32, wide_channel: u32, thin_channel: u32, value: f32) {
  if wide_channel >= weights.wide_channels || thin_channel >= weights.thin_channels { return; }
  let at = select(
    wide_channel * weights.thin_channels + thin_channel,
    thin_channel * weights.wide_channels + wide_channel,
    swapped,
  );
  partials[part_base(part) + at] = value;
}

// Four thin channels of one wide channel.
fn store_weights(part: u32, wide_channel: u32, thin_channel: u32, value: vec4f) {
  store_weight(part, wide_channel, thin_channel, value.x);
  store_weight(part, wide_channel, thin_channel + 1, value.y);
  store_weight(part, wide_channel, thin_channel + 2, value.z);
  store_weight(part, wide_channel, thin_channel + 3, value.w);
}

fn store_bias(part: u32, output: u32, value: f32) {
  if output >= outputs() { return; }
  partials[part_base(part) + weights.wide_channels * weights.thin_channels + output] = value;
}

// Columns: four points of channels row, row + 8, row + 16, row + 24.
fn load_wide(at: u32, block: u32, quad: u32) -> mat4x4f {
  return mat4x4f(
    read_wide(at, block, quad),
    read_wide(at + 128, block, quad),
    read_wide(at + 256, block, quad),
    read_wide(at + 384, block, quad),
  );
}

// Rows: four points of four consecutive channels.
fn load_thin(at: u32, block: u32, quad: u32) -> mat4x4f {
  return transpose(mat4x4f(
    read_thin(at, block, quad),
    read_thin(at + 16, block, quad),
    read_thin(at + 32, block, quad),
    read_thin(at + 48, block, quad),
  ));
}

// sums: column i holds four thin channels of wide channel wide_channel + 8 i.
fn store(part: u32, wide_channel: u32, thin_channel: u32, sums: mat4x4f) {
  store_weights(part, wide_channel, thin_channel, sums[0]);
  store_weights(part, wide_channel + 8, thin_channel, sums[1]);
  store_weights(part, wide_channel + 16, thin_channel, sums[2]);
  store_weights(part, wide_channel + 24, thin_channel, sums[3]);
}

// Software: a workgroup of 8 owns 64 wide x 16 thin channels (64 x 4 where swapped), an invocation 8 x 16: wide channels lane,
// lane + 8, …; addresses of thin depend on the workgroup alone, so that one load serves all its lanes. Channels past the last
// give sums that are not stored.
@compute @workgroup_size(8)
fn gradient_registers(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let wide_channel = group.x * 64 + lane;
  let thin_channel = group.y * 16;
  var sums: array<mat4x4f, 8>; // [thin quad][wide half]
  var bias_near = vec4f();
  var bias_far = vec4f();

  for (var block = first_block(group.z); block < end_block(group.z); block++) {
    let wide_base = (block * weights.wide_channels + wide_channel) * 16;
    let thin_base = (block * weights.thin_channels + thin_channel) * 16;
    for (var quad = 0u; quad < 16; quad++) {
      let a = load_wide(wide_base + quad, block, quad);
      let b = load_wide(wide_base + quad + 512, block, quad);
      let c0 = load_thin(thin_base + quad, block, quad);
      sums[0] += c0 * a;
      sums[1] += c0 * b;
      if swapped {
        bias_near += c0 * vec4f(1.0);
        continue;
      }
      bias_near += vec4f(1.0) * a;
      bias_far += vec4f(1.0) * b;
      let c1 = load_thin(thin_base + quad + 64, block, quad);
      sums[2] += c1 * a;
      sums[3] += c1 * b;
      let c2 = load_thin(thin_base + quad + 128, block, quad);
      sums[4] += c2 * a;
      sums[5] += c2 * b;
      let c3 = load_thin(thin_base + quad + 192, block, quad);
      sums[6] += c3 * a;
      sums[7] += c3 * b;
    }
  }

  store(group.z, wide_channel, thin_channel, sums[0]);
  store(group.z, wide_channel + 32, thin_channel, sums[1]);
  if swapped {
    if group.x == 0 && lane < 4 { store_bias(group.z, lane, bias_near[lane]); }
    return;
  }
  store(group.z, wide_channel, thin_channel + 4, sums[2]);
  store(group.z, wide_channel + 32, thin_channel + 4, sums[3]);
  store(group.z, wide_channel, thin_channel + 8, sums[4]);
  store(group.z, wide_channel + 32, thin_channel + 8, sums[5]);
  store(group.z, wide_channel, thin_channel + 12, sums[6]);
  store(group.z, wide_channel + 32, thin_channel + 12, sums[7]);
  if group.y == 0 {
    for (var i = 0u; i < 4; i++) {
      store_bias(group.z, wide_channel + i * 8, bias_near[i]);
      store_bias(group.z, wide_channel + i * 8 + 32, bias_far[i]);
    }
  }
}

// GPUs: a workgroup of 128 owns 64 wide x 64 thin channels, an invocation 8 x 4 of them, and walks the blocks of its part 16
// points at a time through workgroup memory. A quad's rows are 66 vec4f apart, so that neither the writes (by channel, then
// quad) nor the reads meet in a bank.
const row_length = 66u;

var<workgroup> wide_tile: array<vec4f, 264>; // [4 point quads][row_length channels]
var<workgroup> thin_tile: array<vec4f, 264>;

fn fetch_wide(block: u32, channel: u32, quad: u32) -> vec4f {
  if channel >= weights.wide_channels { return vec4f(); }
  return read_wide((block * weights.wide_channels + channel) * 16 + quad, block, quad);
}

fn fetch_thin(block: u32, channel: u32, quad: u32) -> vec4f {
  if channel >= weights.thin_channels { return vec4f(); }
  return read_thin((block * weights.thin_channels + channel) * 16 + quad, block, quad);
}

@compute @workgroup_size(128)
fn gradient_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let wide_channel = group.x * 64;
  let thin_channel = group.y * 64;
  let column = lane % 8; // its wide channels: column + 8 i, i = 0..7
  let row = lane / 8 * 4; // its thin channels: row + 0..3
  let quad = lane % 4; // what it fetches: this quad of channels channel and channel + 32
  let channel = lane / 4;
  var near = mat4x4f();
  var far = mat4x4f();
  var bias_near = vec4f();
  var bias_far = vec4f();

  for (var step = first_block(group.z) * 4; step < end_block(group.z) * 4; step++) { // 16 points each
    let block = step / 4;
    let q = step % 4 * 4 + quad;
    wide_tile[quad * row_length + channel] = fetch_wide(block, wide_channel + channel, q);
    wide_tile[quad * row_length + channel + 32] = fetch_wide(block, wide_channel + channel + 32, q);
    thin_tile[quad * row_length + channel] = fetch_thin(block, thin_channel + channel, q);
    thin_tile[quad * row_length + channel + 32] = fetch_thin(block, thin_channel + channel + 32, q);
    workgroupBarrier();
    for (var i = 0u; i < 4; i++) {
      let t = i * row_length + row;
      let w = i * row_length + column;
      let c = transpose(mat4x4f(thin_tile[t], thin_tile[t + 1], thin_tile[t + 2], thin_tile[t + 3]));
      let a = mat4x4f(wide_tile[w], wide_tile[w + 8], wide_tile[w + 16], wide_tile[w + 24]);
      let b = mat4x4f(wide_tile[w + 32], wide_tile[w + 40], wide_tile[w + 48], wide_tile[w + 56]);
      near += c * a;
      far += c * b;
      bias_near += select(vec4f(1.0) * a, c * vec4f(1.0), swapped);
      bias_far += vec4f(1.0) * b;
    }
    workgroupBarrier();
  }

  for (var i = 0u; i < 4; i++) {
    store_weights(group.z, wide_channel + column + i * 8, thin_channel + row, near[i]);
    store_weights(group.z, wide_channel + column + i * 8 + 32, thin_channel + row, far[i]);
  }
  if swapped {
    if group.x == 0 && column == 0 {
      for (var i = 0u; i < 4; i++) { store_bias(group.z, thin_channel + row + i, bias_near[i]); }
    }
  } else if group.y == 0 && row == 0 {
    for (var i = 0u; i < 4; i++) {
      store_bias(group.z, wide_channel + column + i * 8, bias_near[i]);
      store_bias(group.z, wide_channel + column + i * 8 + 32, bias_far[i]);
    }
  }
}

// The parts' sums in their order, so that equal inputs give equal bits: for row r and column c of `columns`,
// sums[(group·rows + r)·row_stride + first + c] (+)= Σ partials[part of the group][offset + r·columns + c]
struct Sums {
  rows: u32,
  columns: u32,
  offset: u32,
  part_size: u32,
  parts_per_group: u32,
  row_stride: u32,
  group_stride: u32,
  first: u32,
  accumulate: u32,
}

@group(0) @binding(4) var<uniform> places: Sums;
@group(0) @binding(5) var<storage, read> parts: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn sum_parts(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i >= places.rows * places.columns { return; }
  let base = id.z * places.parts_per_group * places.part_size + places.offset + i;
  var sum = 0.0;
  for (var part = 0u; part < places.parts_per_group; part++) {
    sum += parts[base + part * places.part_size];
  }
  let at = id.z * places.group_stride + i / places.columns * places.row_stride + places.first +
    i % places.columns;
  sums[at] = select(sum, sum + sums[at], places.accumulate == 1);
}

// packed[tile][k][j] = the weight of output tile·16 + j and input k, zero past either end
struct Packing {
  inputs: u32,
  outputs: u32,
  first: u32, // number of the first weight
  input_stride: u32,
  output_stride: u32,
}

@group(0) @binding(7) var<uniform> packing: Packing;
@group(0) @binding(8) var<storage, read> weight: array<f32>;
@group(0) @binding(9) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn pack(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let even = (packing.inputs + 1) / 2 * 2;
  let i = id.y * groups.x * 64 + id.x;
  if i >= (packing.outputs + 15) / 16 * even * 16 { return; }
  let k = i / 16 % even;
  let output = i / (16 * even) * 16 + i % 16;
  var value = 0.0;
  if k < packing.inputs && output < packing.outputs {
    value = weight[packing.first + k * packing.input_stride + output * packing.output_stride];
  }
  packed[i] = value;
}
