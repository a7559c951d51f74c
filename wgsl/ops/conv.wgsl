// uses common/gradients.wgsl, common/points.wgsl, common/products.wgsl
// y[o, p] = Σ weight[o, c, tap]·x[c, stride·p + tap − padding] + bias[o], zero outside the frame
// and behind it, where wanted, + residual[o, p] and max(·, 0)
// dx[c, q] = Σ weight[o, c, tap]·dy[o, (q + padding − tap) / stride] over the taps where that is whole
// x (1, in_height·in_width, in_channels)  y (1, out_height·out_width, out_channels), one frame each, in blocks
// weight (out_channels, in_channels/groups, frames, rows, columns); one dispatch takes one of its frames and adds to y.
// An output sees the inputs of its group; a tile of 16 outputs reads those of all its groups, through weights that are zero elsewhere.
//
// Both are one kernel, an implicit matrix product of depth in_channels·taps: dx reads dy through panels of the transposed weight,
// one dispatch for each remainder of the pixels by the stride, since all pixels of one share their taps. Two variants: registers
// only (software drivers, where memory instructions cost and barriers more) and shared tiles (GPUs).
// Weight gradients are in conv_weights.wgsl.

// Pixels of a grid are written at y_step·pixel + (y_row, y_column); a tap reads x_step·pixel + (x_row, x_column) + x_tap·tap.
struct Dims {
  in_channels: u32,
  in_height: u32,
  in_width: u32,
  out_channels: u32,
  out_width: u32,
  rows: u32, // of the grid
  columns: u32,
  y_step: u32,
  y_row: u32,
  y_column: u32,
  x_step: u32,
  x_row: i32,
  x_column: i32,
  x_tap: i32,
  tap_rows: u32, // that take part
  tap_columns: u32,
  first_tap: u32, // its panel, and the steps to those of the next row and column
  tap_row: u32,
  tap_column: u32,
  taps: u32, // of a panel
  depth: u32, // inputs that a tile of 16 outputs reads: without groups all
  group_channels: u32,
  group_outputs: u32,
  blocks: u32, // that a workgroup of `product_registers` takes: two, or one and two tiles of outputs
}

override mode_y: u32 = 0;
override aligned: bool = false; // one tap, and grids that are the same: four pixels are one load
override scattered: bool = false; // the grid's pixels do not lie side by side in y
override has_bias: bool = false;
override has_residual: bool = false;
override relu: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> x_quads: array<vec4f>; // x again
@group(0) @binding(3) var<storage, read> panels: array<vec4f>; // [out_channels/16][taps][depth, even][16], from `pack`
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(9) var<storage, read> residual: array<f32>; // like y

fn even(channels: u32) -> u32 { return (channels + 1) / 2 * 2; }

// First vec4 of a tap's weights, in a tile of 16 outputs.
fn panel_of(tile: u32, tap: u32) -> u32 {
  let place = dims.first_tap + tap / dims.tap_columns * dims.tap_row + tap % dims.tap_columns * dims.tap_column;
  return (tile * dims.taps + place) * even(dims.depth) * 4;
}

// The first input that a tile of 16 outputs reads.
fn first_channel(tile: u32) -> u32 {
  return min(tile * 16 / dims.group_outputs * dims.group_channels, dims.in_channels - dims.depth);
}

// Where a tap of the kernel reads for four pixels of the grid.
struct Places {
  at: vec4u, // of channel 0
  inside: vec4<bool>,
}

fn places(pixels: vec4u, tap: u32) -> Places {
  let pixel = min(pixels, vec4u(dims.rows * dims.columns - 1));
  let first_row = u32(dims.x_row + dims.x_tap * i32(tap / dims.tap_columns));
  let first_column = u32(dims.x_column + dims.x_tap * i32(tap % dims.tap_columns));
  let row = pixel / dims.columns * dims.x_step + first_row; // wraps past every height when negative
  let column = pixel % dims.columns * dims.x_step + first_column;
  let inside = (row < vec4u(dims.in_height)) & (column < vec4u(dims.in_width));
  let source = select(vec4u(), row * dims.in_width + column, inside);
  return Places(channel4(source, dims.in_channels, 0), inside);
}

fn read_x(places: Places, channel: u32) -> vec4f {
  if aligned { return x_quads[places.at.x / 4 + channel * 16]; }
  let at = places.at + channel * 64;
  return select(vec4f(), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), places.inside);
}

fn write(pixel: u32, at: u32, value: f32) {
  if scattered && pixel >= dims.rows * dims.columns { return; }
  y[at] = value;
}

fn finish_one(pixels: vec4u, output: u32, sum: vec4f) {
  if output >= dims.out_channels || pixels.x / 64 * 64 >= dims.rows * dims.columns { return; }
  var places = pixels;
  if scattered {
    places = (pixels / dims.columns * dims.y_step + dims.y_row) * dims.out_width +
      pixels % dims.columns * dims.y_step + dims.y_column;
  }
  let at = channel4(places, dims.out_channels, output);
  var value = sum;
  if has_bias { value += bias[output]; }
  if mode_y == add { value += vec4f(y[at.x], y[at.y], y[at.z], y[at.w]); }
  if has_residual { value += vec4f(residual[at.x], residual[at.y], residual[at.z], residual[at.w]); }
  if relu { value = max(value, vec4f()); }
  write(pixels.x, at.x, value.x);
  write(pixels.y, at.y, value.y);
  write(pixels.z, at.z, value.z);
  write(pixels.w, at.w, value.w);
}

// Writes four pixels of four outputs, one a column of sums.
fn finish(pixels: vec4u, output: u32, sums: mat4x4f) {
  finish_one(pixels, output, sums[0]);
  finish_one(pixels, output + 1, sums[1]);
  finish_one(pixels, output + 2, sums[2]);
  finish_one(pixels, output + 3, sums[3]);
}

// Software: an invocation owns 16 pixels x 16 outputs, four lanes a block; a workgroup of 8 two blocks, or one and two tiles of
// outputs, whichever leaves fewer lanes idle. Sums are named one by one: a loop over them would move them out of registers.
@compute @workgroup_size(8)
fn product_registers(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x * dims.blocks + lane / 4 % dims.blocks;
  let tile = group.y * (2 / dims.blocks) + lane / 4 / dims.blocks;
  let pixels = vec4u(block * 64 + lane % 4 * 4) + vec4u(0, 1, 2, 3);
  let taps = dims.tap_rows * dims.tap_columns;
  let first = first_channel(tile);
  var sums: array<mat4x4f, 16>; // [output quad][pixel quad]

  for (var tap = 0u; tap < taps; tap++) {
    let places0 = places(pixels, tap);
    let places1 = places(pixels + 16, tap);
    let places2 = places(pixels + 32, tap);
    let places3 = places(pixels + 48, tap);
    let panel = panel_of(tile, tap);
    for (var i = 0u; i < dims.depth; i += 2) {
      let channel = first + i;
      let odd = first + min(i + 1, dims.depth - 1); // its weight is zero where it repeats the last
      let a0 = read_x(places0, channel);
      let a1 = read_x(places1, channel);
      let a2 = read_x(places2, channel);
      let a3 = read_x(places3, channel);
      let b0 = read_x(places0, odd);
      let b1 = read_x(places1, odd);
      let b2 = read_x(places2, odd);
      let b3 = read_x(places3, odd);
      let w = panel + i * 4;
      let u0 = panels[w];
      let v0 = panels[w + 4];
      sums[0] += outer(a0, u0) + outer(b0, v0);
      sums[1] += outer(a1, u0) + outer(b1, v0);
      sums[2] += outer(a2, u0) + outer(b2, v0);
      sums[3] += outer(a3, u0) + outer(b3, v0);
      let u1 = panels[w + 1];
      let v1 = panels[w + 5];
      sums[4] += outer(a0, u1) + outer(b0, v1);
      sums[5] += outer(a1, u1) + outer(b1, v1);
      sums[6] += outer(a2, u1) + outer(b2, v1);
      sums[7] += outer(a3, u1) + outer(b3, v1);
      let u2 = panels[w + 2];
      let v2 = panels[w + 6];
      sums[8] += outer(a0, u2) + outer(b0, v2);
      sums[9] += outer(a1, u2) + outer(b1, v2);
      sums[10] += outer(a2, u2) + outer(b2, v2);
      sums[11] += outer(a3, u2) + outer(b3, v2);
      let u3 = panels[w + 3];
      let v3 = panels[w + 7];
      sums[12] += outer(a0, u3) + outer(b0, v3);
      sums[13] += outer(a1, u3) + outer(b1, v3);
      sums[14] += outer(a2, u3) + outer(b2, v3);
      sums[15] += outer(a3, u3) + outer(b3, v3);
    }
  }

  let output = tile * 16;
  finish(pixels, output, sums[0]);
  finish(pixels + 16, output, sums[1]);
  finish(pixels + 32, output, sums[2]);
  finish(pixels + 48, output, sums[3]);
  finish(pixels, output + 4, sums[4]);
  finish(pixels + 16, output + 4, sums[5]);
  finish(pixels + 32, output + 4, sums[6]);
  finish(pixels + 48, output + 4, sums[7]);
  finish(pixels, output + 8, sums[8]);
  finish(pixels + 16, output + 8, sums[9]);
  finish(pixels + 32, output + 8, sums[10]);
  finish(pixels + 48, output + 8, sums[11]);
  finish(pixels, output + 12, sums[12]);
  finish(pixels + 16, output + 12, sums[13]);
  finish(pixels + 32, output + 12, sums[14]);
  finish(pixels + 48, output + 12, sums[15]);
}

// GPUs: a workgroup of 128 owns 64 pixels x 64 outputs, or with groups 256 x 16 (a tile), an invocation 8 x 4 of them. Sixteen
// channels of a tap at a time, or four, pass through workgroup memory.
override quads: u32 = 16; // of pixels that a workgroup owns: 16, or 64

var<workgroup> x_tile: array<vec4f, 256>; // [256/quads channels][quads]
var<workgroup> w_tile: array<vec4f, 256>; // [256/quads channels][256/quads output quads]

@compute @workgroup_size(128)
fn product_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let narrow = 256 / quads; // channels at a time, and output quads
  let pixel_quad = lane % (quads / 2); // this invocation's pixels: this quad and the one half of the quads behind it
  let output_quad = lane / (quads / 2);
  let first_pixels = vec4u(group.x * quads * 4) + vec4u(0, 16, 32, 48); // apart, so that lanes read side by side
  let quad = lane % quads; // what it fetches of x: one quad, of two rows of the tile
  let row = lane / quads;
  let taps = dims.tap_rows * dims.tap_columns;
  let first = first_channel(group.y * narrow / 4);
  var near = mat4x4f();
  var far = mat4x4f();

  for (var tap = 0u; tap < taps; tap++) {
    let source = places(first_pixels + quad_offset(quad), tap);
    for (var start = 0u; start < dims.depth; start += narrow) {
      for (var i = 0u; i < 2; i++) {
        let channel = start + row + i * (128 / quads);
        var pixels = vec4f();
        if channel < dims.depth { pixels = read_x(source, first + channel); }
        x_tile[lane + i * 128] = pixels;
        let entry = lane + i * 128; // of the weights
        if entry < narrow * narrow {
          let input = start + entry / narrow;
          let w_quad = group.y * narrow + entry % narrow;
          var weights = vec4f();
          if input < dims.depth && w_quad * 4 < dims.out_channels {
            weights = panels[panel_of(w_quad / 4, tap) + w_quad % 4 + input * 4];
          }
          w_tile[entry] = weights;
        }
      }
      workgroupBarrier();
      for (var i = 0u; i < narrow; i++) {
        let weights = w_tile[i * narrow + output_quad];
        near += outer(x_tile[i * quads + pixel_quad], weights);
        far += outer(x_tile[i * quads + pixel_quad + quads / 2], weights);
      }
      workgroupBarrier();
    }
  }

  let output = (group.y * narrow + output_quad) * 4;
  finish(first_pixels + quad_offset(pixel_quad), output, near);
  finish(first_pixels + quad_offset(pixel_quad + quads / 2), output, far);
}

// Sixteen quads a block.
fn quad_offset(quad: u32) -> u32 { return quad / 16 * 64 + quad % 16; }

// packed[tile][tap][k][j] = the weight of output 16·tile + j and the k-th input that the tile reads, zero past either end and
// outside the output's group
struct Packing {
  inputs: u32,
  outputs: u32,
  taps: u32,
  first: u32, // number of the first weight
  input_stride: u32,
  output_stride: u32,
  depth: u32,
  group_inputs: u32,
  group_outputs: u32,
}

@group(0) @binding(6) var<uniform> packing: Packing;
@group(0) @binding(7) var<storage, read> weight: array<f32>;
@group(0) @binding(8) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn pack(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  let depth = even(packing.depth);
  let k = i / 16 % depth;
  let tap = i / 16 / depth % packing.taps;
  let output = i / 16 / depth / packing.taps * 16 + i % 16;
  if output >= (packing.outputs + 15) / 16 * 16 { return; }
  var value = 0.0;
  let group = output / packing.group_outputs;
  let first = min(output / 16 * 16 / packing.group_outputs * packing.group_inputs, packing.inputs - packing.depth);
  let input = first + k - group * packing.group_inputs; // of its group's; wraps when negative
  if output < packing.outputs && k < packing.depth && input < packing.group_inputs {
    value = weight[packing.first + input * packing.input_stride + output * packing.output_stride + tap];
  }
  packed[i] = value;
}
