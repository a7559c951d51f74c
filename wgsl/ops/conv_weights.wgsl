// dW[o, c, tap] (+)= Σ dy[o, p]·x[c, stride·p + tap − padding] over the points p of a frame, db[o] (+)= Σ dy[o, p]
// x (1, in_height·in_width, in_channels)  dy (1, points, out_channels), one frame each, in blocks
//
// A product of depth `points`: rows are outputs, columns the channels of tap after tap, in octets (padded with zeros) of one tap, and
// behind them an octet of ones for the bias. The points are split into parts; each part writes its own sums, frame after frame
// adds to them, and a reduction in fixed order follows (`sum_parts` in linear_weights.wgsl).

struct Dims {
  out_channels: u32,
  out_width: u32,
  points: u32,
  in_channels: u32,
  in_height: u32,
  in_width: u32,
  stride: u32,
  row_padding: u32,
  column_padding: u32,
  tap_columns: u32,
  taps: u32,
  octets: u32, // of a tap
  row_fours: u32, // vec4s of a row of sums
  blocks_per_part: u32,
}

override accumulate: bool = false;
override ragged: bool = false; // the last quad holds fewer than four points
override has_bias: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>; // [parts][outputs, whole tiles][row_fours]

// Eight columns: channels of one tap.
struct Octet {
  channel: u32,
  row: u32, // of the tap, less the padding: wraps when negative
  column: u32,
  ones: bool,
}

fn octet(i: u32) -> Octet {
  let tap = i / dims.octets;
  return Octet(
    i % dims.octets * 8,
    tap / dims.tap_columns - dims.row_padding,
    tap % dims.tap_columns - dims.column_padding,
    has_bias && tap == dims.taps,
  );
}

// Where an octet reads for four points.
struct Places {
  at: vec4u, // of channel 0
  inside: vec4<bool>,
}

fn places(octet: Octet, quad: u32) -> Places {
  let point = quad * 4 + vec4u(0, 1, 2, 3);
  let row = point / dims.out_width * dims.stride + octet.row; // wraps past every height when negative
  let column = point % dims.out_width * dims.stride + octet.column;
  var inside = (row < vec4u(dims.in_height)) & (column < vec4u(dims.in_width));
  if ragged { inside &= point < vec4u(dims.points); }
  let source = select(vec4u(), row * dims.in_width + column, inside);
  return Places(source / 64 * (64 * dims.in_channels) + source % 64, inside);
}

fn read_x(octet: Octet, places: Places, channel: u32) -> vec4f {
  let at = places.at + (octet.channel + channel) * 64;
  let value = select(vec4f(), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), places.inside);
  if has_bias { return select(value, vec4f(1.0), octet.ones); }
  return value;
}

// Rows: four points of four channels of an octet.
fn load_x(octet: Octet, places: Places, channel: u32) -> mat4x4f {
  return transpose(mat4x4f(
    read_x(octet, places, channel),
    read_x(octet, places, channel + 1),
    read_x(octet, places, channel + 2),
    read_x(octet, places, channel + 3),
  ));
}

fn read_dy(output: u32, quad: u32) -> vec4f {
  let value = dy[(quad / 16 * dims.out_channels + output) * 16 + quad % 16];
  if ragged { return select(vec4f(), value, quad * 4 + vec4u(0, 1, 2, 3) < vec4u(dims.points)); }
  return value;
}

// Columns: four points of four outputs.
fn load_dy(output: u32, quad: u32) -> mat4x4f {
  return mat4x4f(
    read_dy(output, quad),
    read_dy(output + 1, quad),
    read_dy(output + 2, quad),
    read_dy(output + 3, quad),
  );
}

fn first_quad(part: u32) -> u32 { return part * dims.blocks_per_part * 16; }

fn end_quad(part: u32) -> u32 {
  return min((part + 1) * dims.blocks_per_part * 16, (dims.points + 3) / 4);
}

// Four columns of a row; `rows` is the whole of a part's rows.
fn store(part: u32, rows: u32, row: u32, four: u32, sums: vec4f) {
  let at = (part * rows + row) * dims.row_fours + four;
  if accumulate { partials[at] += sums; } else { partials[at] = sums; }
}

fn store_four(part: u32, rows: u32, row: u32, four: u32, sums: mat4x4f) {
  store(part, rows, row, four, sums[0]);
  store(part, rows, row + 1, four, sums[1]);
  store(part, rows, row + 2, four, sums[2]);
  store(part, rows, row + 3, four, sums[3]);
}

// Software: a workgroup of 8 owns 32 outputs x 8 octets, an invocation one octet. Addresses of dy depend on the workgroup alone,
// so that one load serves all its lanes. What lies past the last output or channel gives sums that nobody reads.
@compute @workgroup_size(8)
fn gradient_registers(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let output = group.x * 32;
  let own = octet(group.y * 8 + lane);
  var near: array<mat4x4f, 8>; // [output quad]: a column of four channels an output
  var far: array<mat4x4f, 8>; // the octet's other four

  for (var quad = first_quad(group.z); quad < end_quad(group.z); quad++) {
    let places = places(own, quad);
    let a = load_x(own, places, 0);
    let b = load_x(own, places, 4);
    let d0 = load_dy(output, quad);
    near[0] += a * d0;
    far[0] += b * d0;
    let d1 = load_dy(output + 4, quad);
    near[1] += a * d1;
    far[1] += b * d1;
    let d2 = load_dy(output + 8, quad);
    near[2] += a * d2;
    far[2] += b * d2;
    let d3 = load_dy(output + 12, quad);
    near[3] += a * d3;
    far[3] += b * d3;
    let d4 = load_dy(output + 16, quad);
    near[4] += a * d4;
    far[4] += b * d4;
    let d5 = load_dy(output + 20, quad);
    near[5] += a * d5;
    far[5] += b * d5;
    let d6 = load_dy(output + 24, quad);
    near[6] += a * d6;
    far[6] += b * d6;
    let d7 = load_dy(output + 28, quad);
    near[7] += a * d7;
    far[7] += b * d7;
  }

  let rows = groups.x * 32;
  let four = (group.y * 8 + lane) * 2;
  store_four(group.z, rows, output, four, near[0]);
  store_four(group.z, rows, output, four + 1, far[0]);
  store_four(group.z, rows, output + 4, four, near[1]);
  store_four(group.z, rows, output + 4, four + 1, far[1]);
  store_four(group.z, rows, output + 8, four, near[2]);
  store_four(group.z, rows, output + 8, four + 1, far[2]);
  store_four(group.z, rows, output + 12, four, near[3]);
  store_four(group.z, rows, output + 12, four + 1, far[3]);
  store_four(group.z, rows, output + 16, four, near[4]);
  store_four(group.z, rows, output + 16, four + 1, far[4]);
  store_four(group.z, rows, output + 20, four, near[5]);
  store_four(group.z, rows, output + 20, four + 1, far[5]);
  store_four(group.z, rows, output + 24, four, near[6]);
  store_four(group.z, rows, output + 24, four + 1, far[6]);
  store_four(group.z, rows, output + 28, four, near[7]);
  store_four(group.z, rows, output + 28, four + 1, far[7]);
}

// GPUs: a workgroup of 128 owns 64 outputs x 8 octets, an invocation 8 x 4 of their sums, and walks the points of its part 16 at a
// time through workgroup memory. A quad's rows are 66 vec4f apart, so that neither the writes (by channel, then quad) nor the
// reads meet in a bank.
const row_length = 66u;

var<workgroup> dy_tile: array<vec4f, 264>; // [4 point quads][row_length outputs]
var<workgroup> x_tile: array<vec4f, 264>; // [4 point quads][row_length columns]

fn fetch_dy(output: u32, quad: u32) -> vec4f {
  if output >= dims.out_channels || quad * 4 >= dims.points { return vec4f(); }
  return read_dy(output, quad);
}

fn fetch_x(octet: Octet, channel: u32, quad: u32) -> vec4f {
  if octet.channel + channel >= dims.in_channels || quad * 4 >= dims.points { return vec4f(); }
  return read_x(octet, places(octet, quad), channel);
}

@compute @workgroup_size(128)
fn gradient_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_output = group.x * 64;
  let output = lane % 8; // its outputs: output + 8 i, i = 0..7
  let column = lane / 8 * 4; // its columns: column + 0..3
  let quad = lane % 4; // what it fetches: this quad of rows row and row + 32 of both tiles
  let row = lane / 4;
  let near_octet = octet(group.y * 8 + row / 8);
  let far_octet = octet(group.y * 8 + row / 8 + 4);
  var near = mat4x4f();
  var far = mat4x4f();

  for (var first = first_quad(group.z); first < end_quad(group.z); first += 4u) {
    let q = first + quad;
    let at = quad * row_length + row;
    dy_tile[at] = fetch_dy(first_output + row, q);
    dy_tile[at + 32] = fetch_dy(first_output + row + 32, q);
    x_tile[at] = fetch_x(near_octet, row % 8, q);
    x_tile[at + 32] = fetch_x(far_octet, row % 8, q);
    workgroupBarrier();
    for (var i = 0u; i < 4; i++) {
      let c = i * row_length + column;
      let d = i * row_length + output;
      let a = transpose(mat4x4f(x_tile[c], x_tile[c + 1], x_tile[c + 2], x_tile[c + 3]));
      near += a * mat4x4f(dy_tile[d], dy_tile[d + 8], dy_tile[d + 16], dy_tile[d + 24]);
      far += a * mat4x4f(dy_tile[d + 32], dy_tile[d + 40], dy_tile[d + 48], dy_tile[d + 56]);
    }
    workgroupBarrier();
  }

  let rows = groups.x * 64;
  let four = group.y * 16 + column / 4;
  for (var i = 0u; i < 4; i++) {
    store(group.z, rows, first_output + output + i * 8, four, near[i]);
    store(group.z, rows, first_output + output + i * 8 + 32, four, far[i]);
  }
}
