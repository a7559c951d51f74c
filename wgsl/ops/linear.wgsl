// uses common/gradients.wgsl, common/points.wgsl, common/products.wgsl
// y = W·a + b + group bias + residual,  a = relu(x) or x          dx = (Wᵀ·dy)·[x > 0] or Wᵀ·dy
// x (scenes, points, inputs)  y (scenes, points, outputs), in blocks: a column of 64 points a channel
// weight (outputs, columns of which `inputs` take part)  bias (outputs)
//
// Both products are one kernel: y from packed W, dx from packed Wᵀ. Two variants: registers only (`product`, `product_narrow`:
// software drivers, where memory instructions cost and barriers more) and shared tiles (`product_tiled`: GPUs).
// Weight gradients are in linear_weights.wgsl.

struct Product {
  blocks: u32, // of all scenes
  blocks_per_scene: u32,
  inputs: u32, // channels read
  outputs: u32, // channels written
  points_per_group: u32,
  groups: u32,
  floor: f32, // x is read as max(x, floor): 0 behind a ReLU, else the lowest number
}

// What the epilogue adds; what is false is not read.
override has_bias: bool = false;
override has_group_bias: bool = false;
override group_quads: bool = false; // a group holds whole quads of points
override has_gate: bool = false;
override has_residual: bool = false;
override mode_y: u32 = 0; // of dx

@group(0) @binding(0) var<uniform> product: Product;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> packed: array<vec4f>; // [outputs/16][inputs, even][16], from linear_weights.wgsl
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> group_bias: array<f32>; // (scenes, groups, outputs) in blocks
@group(0) @binding(5) var<storage, read> gate: array<vec4f>; // like y: sums pass only where it is > 0
@group(0) @binding(6) var<storage, read> residual: array<vec4f>; // like y
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

fn read_x(i: u32) -> vec4f { return max(x[i], vec4f(product.floor)); }

fn group_value(scene: u32, point: u32, output: u32) -> f32 {
  let group = min(point / product.points_per_group, product.groups - 1);
  return group_bias[channel(scene * blocks_of(product.groups) * 64 + group, product.outputs, output)];
}

// The group biases of the four points of a quad.
fn group_values(block: u32, output: u32, quad: u32) -> vec4f {
  let scene = block / product.blocks_per_scene;
  let point = block % product.blocks_per_scene * 64 + quad * 4;
  let first = group_value(scene, point, output);
  if group_quads { return vec4f(first); }
  return vec4f(
    first,
    group_value(scene, point + 1, output),
    group_value(scene, point + 2, output),
    group_value(scene, point + 3, output),
  );
}

fn finish_one(block: u32, output: u32, quad: u32, sum: vec4f) {
  if output >= product.outputs { return; }
  let at = quad_of(block * 16 + quad, product.outputs, output);
  var value = sum;
  if has_bias { value += bias[output]; }
  if has_group_bias { value += group_values(block, output, quad); }
  if has_gate { value = select(vec4f(), value, gate[at] > vec4f()); }
  if has_residual { value += residual[at]; }
  if mode_y == add { value += y[at]; }
  y[at] = value;
}

// Writes four points (quad 0..15 of the block) of four outputs, one a column of sums.
fn finish(block: u32, output: u32, quad: u32, sums: mat4x4f) {
  finish_one(block, output, quad, sums[0]);
  finish_one(block, output + 1, quad, sums[1]);
  finish_one(block, output + 2, quad, sums[2]);
  finish_one(block, output + 3, quad, sums[3]);
}

// Software: an invocation owns 16 points x 16 outputs (x 4 where narrow), four lanes a block, a workgroup of 8 two blocks.
// Weight addresses depend on the workgroup alone, so that one load serves all its lanes.
@compute @workgroup_size(8)
fn product_registers(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let quad = lane % 4;
  let block = group.x * 2 + lane / 4;
  let present = min(block, product.blocks - 1); // keeps the lanes together to the end
  let last = product.inputs - 1;
  let x_base = present * product.inputs * 16 + quad;
  let w_base = group.y * ((product.inputs + 1) / 2 * 8);
  var sums: array<mat4x4f, 16>; // [output quad][point quad]

  for (var k = 0u; k <= last; k += 2) {
    let at = x_base + k * 16;
    let odd = x_base + min(k + 1, last) * 16; // its weight is zero where it repeats the last
    let a0 = read_x(at);
    let a1 = read_x(at + 4);
    let a2 = read_x(at + 8);
    let a3 = read_x(at + 12);
    let b0 = read_x(odd);
    let b1 = read_x(odd + 4);
    let b2 = read_x(odd + 8);
    let b3 = read_x(odd + 12);
    let w = w_base + k * 4;
    let u0 = packed[w];
    let v0 = packed[w + 4];
    sums[0] += outer(a0, u0) + outer(b0, v0);
    sums[1] += outer(a1, u0) + outer(b1, v0);
    sums[2] += outer(a2, u0) + outer(b2, v0);
    sums[3] += outer(a3, u0) + outer(b3, v0);
    if narrow { continue; }
    let u1 = packed[w + 1];
    let v1 = packed[w + 5];
    sums[4] += outer(a0, u1) + outer(b0, v1);
    sums[5] += outer(a1, u1) + outer(b1, v1);
    sums[6] += outer(a2, u1) + outer(b2, v1);
    sums[7] += outer(a3, u1) + outer(b3, v1);
    let u2 = packed[w + 2];
    let v2 = packed[w + 6];
    sums[8] += outer(a0, u2) + outer(b0, v2);
    sums[9] += outer(a1, u2) + outer(b1, v2);
    sums[10] += outer(a2, u2) + outer(b2, v2);
    sums[11] += outer(a3, u2) + outer(b3, v2);
    let u3 = packed[w + 3];
    let v3 = packed[w + 7];
    sums[12] += outer(a0, u3) + outer(b0, v3);
    sums[13] += outer(a1, u3) + outer(b1, v3);
    sums[14] += outer(a2, u3) + outer(b2, v3);
    sums[15] += outer(a3, u3) + outer(b3, v3);
  }

  if block >= product.blocks { return; }
  let output = group.y * 16;
  finish(block, output, quad, sums[0]);
  finish(block, output, quad + 4, sums[1]);
  finish(block, output, quad + 8, sums[2]);
  finish(block, output, quad + 12, sums[3]);
  if narrow { return; }
  finish(block, output + 4, quad, sums[4]);
  finish(block, output + 4, quad + 4, sums[5]);
  finish(block, output + 4, quad + 8, sums[6]);
  finish(block, output + 4, quad + 12, sums[7]);
  finish(block, output + 8, quad, sums[8]);
  finish(block, output + 8, quad + 4, sums[9]);
  finish(block, output + 8, quad + 8, sums[10]);
  finish(block, output + 8, quad + 12, sums[11]);
  finish(block, output + 12, quad, sums[12]);
  finish(block, output + 12, quad + 4, sums[13]);
  finish(block, output + 12, quad + 8, sums[14]);
  finish(block, output + 12, quad + 12, sums[15]);
}

override narrow: bool = false; // at most four outputs

// GPUs: a workgroup of 128 owns one block (64 points) x 64 outputs, an invocation 8 x 4 of them. Sixteen channels at a time
// pass through workgroup memory; the next sixteen are already being fetched into registers meanwhile.
const depth = 16u;

var<workgroup> x_tile: array<vec4f, 256>; // [depth][16 point quads]
var<workgroup> w_tile: array<vec4f, 256>; // [depth][16 output quads]

// Four points of channel k, zero past the last channel.
fn fetch_x(block: u32, k: u32, quad: u32) -> vec4f {
  if k >= product.inputs { return vec4f(); }
  return read_x(quad_of(block * 16 + quad, product.inputs, k));
}

// Four outputs (quads count from output 0) of channel k, zero past either end.
fn fetch_w(k: u32, quad: u32) -> vec4f {
  if k >= product.inputs || quad * 4 >= product.outputs { return vec4f(); }
  let even = (product.inputs + 1) / 2 * 2;
  return packed[(quad / 4 * even + k) * 4 + quad % 4];
}

@compute @workgroup_size(128)
fn product_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x;
  let point_quad = lane % 8; // this invocation's points: quads point_quad and point_quad + 8
  let output_quad = lane / 8;
  let quad = lane % 16; // what it fetches: rows row and row + 8 of both tiles
  let row = lane / 16;
  let w_quad = group.y * 16 + quad;
  var near = mat4x4f();
  var far = mat4x4f();

  var x0 = fetch_x(block, row, quad);
  var x1 = fetch_x(block, row + 8, quad);
  var w0 = fetch_w(row, w_quad);
  var w1 = fetch_w(row + 8, w_quad);
  for (var k = 0u; k < product.inputs; k += depth) {
    x_tile[lane] = x0;
    x_tile[lane + 128] = x1;
    w_tile[lane] = w0;
    w_tile[lane + 128] = w1;
    workgroupBarrier();
    let next = k + depth + row;
    x0 = fetch_x(block, next, quad);
    x1 = fetch_x(block, next + 8, quad);
    w0 = fetch_w(next, w_quad);
    w1 = fetch_w(next + 8, w_quad);
    for (var i = 0u; i < depth; i++) {
      let w = w_tile[i * 16 + output_quad];
      near += outer(x_tile[i * 16 + point_quad], w);
      far += outer(x_tile[i * 16 + point_quad + 8], w);
    }
    workgroupBarrier();
  }

  let output = (group.y * 16 + output_quad) * 4;
  finish(block, output, point_quad, near);
  finish(block, output, point_quad + 8, far);
}

// GPUs, at most four outputs: x is read only once, so nothing is shared. An invocation owns four points.
@compute @workgroup_size(64)
fn product_tiled_narrow(@builtin(global_invocation_id) id: vec3u) {
  let block = id.x / 16;
  let quad = id.x % 16;
  if block >= product.blocks { return; }
  var sums = mat4x4f();
  for (var k = 0u; k < product.inputs; k++) {
    sums += outer(read_x(quad_of(block * 16 + quad, product.inputs, k)), packed[k * 4]);
  }
  finish(block, 0, quad, sums);
}
