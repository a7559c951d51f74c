// uses common/gradients.wgsl, common/points.wgsl
// dW[o, c, tap] (+)= Σ dy[o, p]·x[c, stride·p + tap − padding] over the points p of a frame, db[o] (+)= Σ dy[o, p]
// x (1, in_height·in_width, in_channels)  dy (1, points, out_channels), one frame each, in blocks
//
// A product of depth `points`: rows are outputs, columns the channels of tap after tap, in fours (padded) of one tap, and behind
// them a four of ones for the bias. The points are split into parts; each part writes its own sums, frame after frame adds to
// them, and a reduction in fixed order follows (`sum_parts` in linear_weights.wgsl).

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
  tap_fours: u32, // of a tap
  row_fours: u32, // of a row of sums
  blocks_per_part: u32,
  lanes_across: u32, // of a workgroup of `gradient_registers`: along the columns, and along the outputs
  lanes_down: u32,
  mode_partials: u32,
}

override aligned: bool = false; // one tap, and grids that are the same: four points are one load
override same_tap: bool = false; // channels are whole sixteens: the four fours of an invocation are of one tap
override ragged: bool = false; // the last quad holds fewer than four points
override has_bias: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> x_quads: array<vec4f>; // x again
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec4f>; // [parts][outputs, whole tiles][row_fours]

// Four columns: channels of one tap.
struct Four {
  channel: u32,
  row: u32, // of the tap, less the padding: wraps when negative
  column: u32,
  ones: bool,
}

fn four(i: u32) -> Four {
  let tap = i / dims.tap_fours;
  return Four(
    i % dims.tap_fours * 4,
    tap / dims.tap_columns - dims.row_padding,
    tap % dims.tap_columns - dims.column_padding,
    has_bias && tap == dims.taps,
  );
}

// Where columns read for four points.
struct Places {
  at: vec4u, // of channel 0
  inside: vec4<bool>,
}

fn places(four: Four, quad: u32) -> Places {
  let point = quad * 4 + vec4u(0, 1, 2, 3);
  let row = point / dims.out_width * dims.stride + four.row; // wraps past every height when negative
  let column = point % dims.out_width * dims.stride + four.column;
  var inside = (row < vec4u(dims.in_height)) & (column < vec4u(dims.in_width));
  if ragged { inside &= point < vec4u(dims.points); }
  let source = select(vec4u(), row * dims.in_width + column, inside);
  return Places(channel4(source, dims.in_channels, 0), inside);
}

// The places of another four than that of `first`.
fn places_beside(first: Places, four: Four, quad: u32) -> Places {
  if same_tap { return first; }
  return places(four, quad);
}

fn read_places(places: Places, channel: u32) -> vec4f {
  if aligned {
    let value = x_quads[places.at.x / 4 + channel * 16];
    if ragged { return select(vec4f(), value, places.inside); }
    return value;
  }
  let at = places.at + channel * 64;
  return select(vec4f(), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), places.inside);
}

fn read_x(four: Four, places: Places, channel: u32) -> vec4f {
  let value = read_places(places, four.channel + channel);
  if has_bias { return select(value, vec4f(1.0), four.ones); }
  return value;
}

// Rows: four points of four channels.
fn load_x(four: Four, places: Places) -> mat4x4f {
  return transpose(mat4x4f(
    read_x(four, places, 0),
    read_x(four, places, 1),
    read_x(four, places, 2),
    read_x(four, places, 3),
  ));
}

fn read_dy(output: u32, quad: u32) -> vec4f {
  let value = dy[quad_of(quad, dims.out_channels, output)];
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
  partials[at] = accumulated4(dims.mode_partials, partials[at], sums); // branches take long to compile
}

fn store_four(part: u32, rows: u32, row: u32, four: u32, sums: mat4x4f) {
  store(part, rows, row, four, sums[0]);
  store(part, rows, row + 1, four, sums[1]);
  store(part, rows, row + 2, four, sums[2]);
  store(part, rows, row + 3, four, sums[3]);
}

// Software: an invocation owns 16 outputs x 4 fours: as many sums as there is room for near the core, since every load costs. The
// 8 of a workgroup lie along the columns, the outputs and the parts. What lies past the last output or channel gives sums that
// nobody reads.
@compute @workgroup_size(8)
fn gradient_registers(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let lanes = dims.lanes_across * dims.lanes_down; // of one part
  let part = group.z * (8 / lanes) + lane / lanes;
  let output = (group.x * dims.lanes_down + lane % lanes / dims.lanes_across) * 16;
  let first = (group.y * dims.lanes_across + lane % dims.lanes_across) * 4;
  let four0 = four(first);
  let four1 = four(first + 1);
  let four2 = four(first + 2);
  let four3 = four(first + 3);
  var sums: array<mat4x4f, 16>; // [output quad][four]: a column of four channels an output

  for (var quad = first_quad(part); quad < end_quad(part); quad++) {
    let places0 = places(four0, quad);
    let x0 = load_x(four0, places0);
    let x1 = load_x(four1, places_beside(places0, four1, quad));
    let x2 = load_x(four2, places_beside(places0, four2, quad));
    let x3 = load_x(four3, places_beside(places0, four3, quad));
    let d0 = load_dy(output, quad);
    sums[0] += x0 * d0;
    sums[1] += x1 * d0;
    sums[2] += x2 * d0;
    sums[3] += x3 * d0;
    let d1 = load_dy(output + 4, quad);
    sums[4] += x0 * d1;
    sums[5] += x1 * d1;
    sums[6] += x2 * d1;
    sums[7] += x3 * d1;
    let d2 = load_dy(output + 8, quad);
    sums[8] += x0 * d2;
    sums[9] += x1 * d2;
    sums[10] += x2 * d2;
    sums[11] += x3 * d2;
    let d3 = load_dy(output + 12, quad);
    sums[12] += x0 * d3;
    sums[13] += x1 * d3;
    sums[14] += x2 * d3;
    sums[15] += x3 * d3;
  }

  let rows = groups.x * dims.lanes_down * 16;
  store_four(part, rows, output, first, sums[0]);
  store_four(part, rows, output, first + 1, sums[1]);
  store_four(part, rows, output, first + 2, sums[2]);
  store_four(part, rows, output, first + 3, sums[3]);
  store_four(part, rows, output + 4, first, sums[4]);
  store_four(part, rows, output + 4, first + 1, sums[5]);
  store_four(part, rows, output + 4, first + 2, sums[6]);
  store_four(part, rows, output + 4, first + 3, sums[7]);
  store_four(part, rows, output + 8, first, sums[8]);
  store_four(part, rows, output + 8, first + 1, sums[9]);
  store_four(part, rows, output + 8, first + 2, sums[10]);
  store_four(part, rows, output + 8, first + 3, sums[11]);
  store_four(part, rows, output + 12, first, sums[12]);
  store_four(part, rows, output + 12, first + 1, sums[13]);
  store_four(part, rows, output + 12, first + 2, sums[14]);
  store_four(part, rows, output + 12, first + 3, sums[15]);
}

// GPUs: a workgroup of 128 owns 64 outputs x 16 fours, an invocation 8 x 4 of their sums, and walks the points of its part 16 at a
// time through workgroup memory. A quad's rows are 66 vec4f apart, so that neither the writes (by channel, then quad) nor the
// reads meet in a bank.
const row_length = 66u;

var<workgroup> dy_tile: array<vec4f, 264>; // [4 point quads][row_length outputs]
var<workgroup> x_tile: array<vec4f, 264>; // [4 point quads][row_length columns]

fn fetch_dy(output: u32, quad: u32) -> vec4f {
  if output >= dims.out_channels || quad * 4 >= dims.points { return vec4f(); }
  return read_dy(output, quad);
}

fn fetch_x(four: Four, channel: u32, quad: u32) -> vec4f {
  if four.channel + channel >= dims.in_channels || quad * 4 >= dims.points { return vec4f(); }
  return read_x(four, places(four, quad), channel);
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
  let near_four = four(group.y * 16 + row / 4);
  let far_four = four(group.y * 16 + row / 4 + 8);
  var near = mat4x4f();
  var far = mat4x4f();

  for (var first = first_quad(group.z); first < end_quad(group.z); first += 4u) {
    let q = first + quad;
    let at = quad * row_length + row;
    dy_tile[at] = fetch_dy(first_output + row, q);
    dy_tile[at + 32] = fetch_dy(first_output + row + 32, q);
    x_tile[at] = fetch_x(near_four, row % 4, q);
    x_tile[at + 32] = fetch_x(far_four, row % 4, q);
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
  let own = group.y * 16 + column / 4;
  for (var i = 0u; i < 4; i++) {
    store(group.z, rows, first_output + output + i * 8, own, near[i]);
    store(group.z, rows, first_output + output + i * 8 + 32, own, far[i]);
  }
}
