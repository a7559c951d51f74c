// uses common/gradients.wgsl, common/points.wgsl
// dW = dyᵀ·a, db = Σ dy over the points, a = relu(x) or x; and the packing of W that linear.wgsl reads
// x (scenes, points, inputs)  dy (scenes, points, outputs), in blocks  weight (outputs, columns)
//
// The points are split into parts, none across two groups of scenes; each part writes its own sums, and a reduction in fixed
// order follows.

struct Weights {
  points: u32, // of a scene
  blocks_per_scene: u32,
  wide_channels: u32, // channels of `wide`: dy, or x where dy has at most four (swapped)
  thin_channels: u32,
  thin_fours: u32, // vec4s of a row of sums: the thin channels and padding
  blocks_per_group: u32,
  parts_per_group: u32,
  blocks_per_part: u32,
  floor: f32, // x is read as max(x, floor)
}

@group(0) @binding(0) var<uniform> weights: Weights;
@group(0) @binding(1) var<storage, read> wide: array<vec4f>;
@group(0) @binding(2) var<storage, read> thin: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>; // [parts][wide channels, whole 64s][thin_fours]
@group(0) @binding(4) var<storage, read_write> bias_partials: array<f32>; // [parts][outputs]

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

fn first_block(part: u32) -> u32 {
  return part / weights.parts_per_group * weights.blocks_per_group +
    part % weights.parts_per_group * weights.blocks_per_part;
}

fn end_block(part: u32) -> u32 {
  let group_end = (part / weights.parts_per_group + 1) * weights.blocks_per_group;
  return min(first_block(part) + weights.blocks_per_part, group_end);
}

// Quads of a block that hold points.
fn quads_of(block: u32) -> u32 {
  let first = block % weights.blocks_per_scene * 64;
  return (min(weights.points - first, 64) + 3) / 4;
}

// Four thin channels of one wide channel.
fn store_weights(part: u32, wide_channel: u32, thin_channel: u32, value: vec4f) {
  let rows = (weights.wide_channels + 63) / 64 * 64;
  partials[(part * rows + wide_channel) * weights.thin_fours + thin_channel / 4] = value;
}

fn store_bias(part: u32, output: u32, value: f32) {
  let outputs = select(weights.wide_channels, weights.thin_channels, swapped);
  if output < outputs { bias_partials[part * outputs + output] = value; }
}

// Columns: four points of four consecutive wide channels.
fn load_wide(at: u32, block: u32, quad: u32) -> mat4x4f {
  return mat4x4f(
    read_wide(at, block, quad),
    read_wide(at + 16, block, quad),
    read_wide(at + 32, block, quad),
    read_wide(at + 48, block, quad),
  );
}

// Rows: four points of four consecutive thin channels.
fn load_thin(at: u32, block: u32, quad: u32) -> mat4x4f {
  return transpose(mat4x4f(
    read_thin(at, block, quad),
    read_thin(at + 16, block, quad),
    read_thin(at + 32, block, quad),
    read_thin(at + 48, block, quad),
  ));
}

// sums: column i holds four thin channels of wide channel wide_channel + i.
fn store(part: u32, wide_channel: u32, thin_channel: u32, sums: mat4x4f) {
  store_weights(part, wide_channel, thin_channel, sums[0]);
  store_weights(part, wide_channel + 1, thin_channel, sums[1]);
  store_weights(part, wide_channel + 2, thin_channel, sums[2]);
  store_weights(part, wide_channel + 3, thin_channel, sums[3]);
}

// Sixteen wide channels.
fn store_row(part: u32, wide_channel: u32, thin_channel: u32, a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f) {
  store(part, wide_channel, thin_channel, a);
  store(part, wide_channel + 4, thin_channel, b);
  store(part, wide_channel + 8, thin_channel, c);
  store(part, wide_channel + 12, thin_channel, d);
}

fn store_biases(part: u32, output: u32, values: vec4f) {
  for (var i = 0u; i < 4; i++) { store_bias(part, output + i, values[i]); }
}

// Software: a workgroup of 8 owns 64 wide x 32 thin channels, an invocation 16 x 16: as many sums as there is room for near the
// core, since every load costs. Channels past the last give sums that nobody reads.
@compute @workgroup_size(8)
fn gradient_registers(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let wide_channel = group.x * 64 + lane % 4 * 16;
  let thin_channel = group.y * 32 + lane / 4 * 16;
  var sums: array<mat4x4f, 16>; // [thin quad][wide quad]
  var bias0 = vec4f();
  var bias1 = vec4f();
  var bias2 = vec4f();
  var bias3 = vec4f();

  for (var block = first_block(group.z); block < end_block(group.z); block++) {
    let wide_base = (block * weights.wide_channels + wide_channel) * 16;
    let thin_base = (block * weights.thin_channels + thin_channel) * 16;
    for (var quad = 0u; quad < quads_of(block); quad++) {
      let a0 = load_wide(wide_base + quad, block, quad);
      let a1 = load_wide(wide_base + quad + 64, block, quad);
      let a2 = load_wide(wide_base + quad + 128, block, quad);
      let a3 = load_wide(wide_base + quad + 192, block, quad);
      bias0 += vec4f(1.0) * a0;
      bias1 += vec4f(1.0) * a1;
      bias2 += vec4f(1.0) * a2;
      bias3 += vec4f(1.0) * a3;
      let c0 = load_thin(thin_base + quad, block, quad);
      sums[0] += c0 * a0;
      sums[1] += c0 * a1;
      sums[2] += c0 * a2;
      sums[3] += c0 * a3;
      let c1 = load_thin(thin_base + quad + 64, block, quad);
      sums[4] += c1 * a0;
      sums[5] += c1 * a1;
      sums[6] += c1 * a2;
      sums[7] += c1 * a3;
      let c2 = load_thin(thin_base + quad + 128, block, quad);
      sums[8] += c2 * a0;
      sums[9] += c2 * a1;
      sums[10] += c2 * a2;
      sums[11] += c2 * a3;
      let c3 = load_thin(thin_base + quad + 192, block, quad);
      sums[12] += c3 * a0;
      sums[13] += c3 * a1;
      sums[14] += c3 * a2;
      sums[15] += c3 * a3;
    }
  }

  store_row(group.z, wide_channel, thin_channel, sums[0], sums[1], sums[2], sums[3]);
  store_row(group.z, wide_channel, thin_channel + 4, sums[4], sums[5], sums[6], sums[7]);
  store_row(group.z, wide_channel, thin_channel + 8, sums[8], sums[9], sums[10], sums[11]);
  store_row(group.z, wide_channel, thin_channel + 12, sums[12], sums[13], sums[14], sums[15]);
  if thin_channel == 0 {
    store_biases(group.z, wide_channel, bias0);
    store_biases(group.z, wide_channel + 4, bias1);
    store_biases(group.z, wide_channel + 8, bias2);
    store_biases(group.z, wide_channel + 12, bias3);
  }
}

// The same where dy has at most four channels (swapped): an invocation owns 8 wide x 4 thin channels.
@compute @workgroup_size(8)
fn gradient_registers_narrow(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let wide_channel = group.x * 64 + lane * 8;
  var near = mat4x4f();
  var far = mat4x4f();
  var bias = vec4f();

  for (var block = first_block(group.z); block < end_block(group.z); block++) {
    let wide_base = (block * weights.wide_channels + wide_channel) * 16;
    let thin_base = block * weights.thin_channels * 16;
    for (var quad = 0u; quad < quads_of(block); quad++) {
      let c = load_thin(thin_base + quad, block, quad);
      near += c * load_wide(wide_base + quad, block, quad);
      far += c * load_wide(wide_base + quad + 64, block, quad);
      bias += c * vec4f(1.0);
    }
  }

  store(group.z, wide_channel, 0, near);
  store(group.z, wide_channel + 4, 0, far);
  if group.x == 0 && lane == 0 { store_biases(group.z, 0, bias); }
}

// GPUs: a workgroup of 128 owns 64 wide x 64 thin channels, an invocation 8 x 4 of them, and walks the blocks of its part 16
// points at a time through workgroup memory. A quad's rows are 66 vec4f apart, so that neither the writes (by channel, then
// quad) nor the reads meet in a bank.
const row_length = 66u;

var<workgroup> wide_tile: array<vec4f, 264>; // [4 point quads][row_length channels]
var<workgroup> thin_tile: array<vec4f, 264>;

fn fetch_wide(block: u32, c: u32, quad: u32) -> vec4f {
  if c >= weights.wide_channels { return vec4f(); }
  return read_wide(quad_of(block * 16 + quad, weights.wide_channels, c), block, quad);
}

fn fetch_thin(block: u32, c: u32, quad: u32) -> vec4f {
  if c >= weights.thin_channels { return vec4f(); }
  return read_thin(quad_of(block * 16 + quad, weights.thin_channels, c), block, quad);
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
    if step % 4 * 4 >= quads_of(block) { continue; } // no points: the same for the whole workgroup
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

  if thin_channel + row < weights.thin_fours * 4 {
    for (var i = 0u; i < 4; i++) {
      store_weights(group.z, wide_channel + column + i * 8, thin_channel + row, near[i]);
      store_weights(group.z, wide_channel + column + i * 8 + 32, thin_channel + row, far[i]);
    }
  }
  if swapped {
    if group.x == 0 && column == 0 { store_biases(group.z, thin_channel + row, bias_near); }
  } else if group.y == 0 && row == 0 {
    for (var i = 0u; i < 4; i++) {
      store_bias(group.z, wide_channel + column + i * 8, bias_near[i]);
      store_bias(group.z, wide_channel + column + i * 8 + 32, bias_far[i]);
    }
  }
}

// The parts' sums in their order, so that equal inputs give equal bits: for group g, row r and column c,
// sums[first + g·group_stride + r·row_stride + c·column_stride] (+)=
//   Σ parts[part·part_size + part_first + g·part_group + r·part_row + c·part_column] over the parts of a group
struct Sums {
  rows: u32,
  columns: u32,
  parts_per_group: u32,
  part_size: u32,
  part_first: u32,
  part_group: u32,
  part_row: u32,
  part_column: u32,
  first: u32,
  group_stride: u32,
  row_stride: u32,
  column_stride: u32,
  mode_sums: u32,
}

@group(0) @binding(5) var<uniform> places: Sums;
@group(0) @binding(6) var<storage, read> parts: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn sum_parts(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= places.rows * places.columns { return; }
  let row = i / places.columns;
  let column = i % places.columns;
  let base = places.part_first + id.z * places.part_group + row * places.part_row + column * places.part_column;
  var sum = 0.0;
  for (var part = 0u; part < places.parts_per_group; part++) {
    sum += parts[base + part * places.part_size];
  }
  let at = places.first + id.z * places.group_stride + row * places.row_stride + column * places.column_stride;
  sums[at] = accumulated(places.mode_sums, sums[at], sum);
}

// packed[tile][k][j] = the weight of output tile·16 + j and input k, zero past either end
struct Packing {
  inputs: u32,
  outputs: u32,
  first: u32, // number of the first weight
  input_stride: u32,
  output_stride: u32,
}

@group(0) @binding(8) var<uniform> packing: Packing;
@group(0) @binding(9) var<storage, read> weight: array<f32>;
@group(0) @binding(10) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn pack(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let even = (packing.inputs + 1) / 2 * 2;
  let i = linear_index(id, groups);
  if i >= (packing.outputs + 15) / 16 * even * 16 { return; }
  let k = i / 16 % even;
  let output = i / (16 * even) * 16 + i % 16;
  var value = 0.0;
  if k < packing.inputs && output < packing.outputs {
    value = weight[packing.first + k * packing.input_stride + output * packing.output_stride];
  }
  packed[i] = value;
}
