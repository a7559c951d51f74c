// y[o, p] = Σ weight[o, c, tap]·x[c, stride·p + tap − padding] + bias[o], zero outside the frame        spec section 3
// dx[c, q] = Σ weight[o, c, tap]·dy[o, (q + padding − tap) / stride] over the taps where that is whole
// x (1, in_height·in_width, in_channels)  y (1, out_height·out_width, out_channels), one frame each, in blocks
// weight (out_channels, in_channels, frames, rows, columns); one dispatch takes one of its frames and adds to y.
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
  blocks: u32, // that a workgroup of `product_registers` takes: two, or one and two tiles of outputs
}

override accumulate: bool = false;
override aligned: bool = false; // one tap, and grids that are the same: four pixels are one load
override scattered: bool = false; // the grid's pixels do not lie side by side in y
override has_bias: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> x_quads: array<vec4f>; // x again
@group(0) @binding(3) var<storage, read> panels: array<vec4f>; // [out_channels/16][taps][in_channels, even][16], from `pack`
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

fn even(channels: u32) -> u32 { return (channels + 1) / 2 * 2; }

// First vec4 of a tap's weights, in a tile of 16 outputs.
fn panel_of(tile: u32, tap: u32) -> u32 {
  let place = dims.first_tap + tap / dims.tap_columns * dims.tap_row + tap % dims.tap_columns * dims.tap_column;
  return (tile * dims.taps + place) * even(dims.in_channels) * 4;
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
  return Places(source / 64 * (64 * dims.in_channels) + source % 64, inside);
}

fn read_x(places: Places, channel: u32) -> vec4f {
  if aligned { return x_quads[places.at.x / 4 + channel * 16]; }
  let at = places.at + channel * 64;
  return select(vec4f(), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), places.inside);
}

// Column j holds pixels.xyzw · weight[j]: four pixels by four outputs.
fn outer(pixels: vec4f, weight: vec4f) -> mat4x4f {
  return mat4x4f(pixels * weight.x, pixels * weight.y, pixels * weight.z, pixels * weight.w);
}

fn write(pixel: u32, at: u32, value: f32) {
  if scattered && pixel >= dims.rows * dims.columns { return; }
  y[at] = value;
}

fn finish_one(pixels: vec4u, output: u32, sum: vec4f) {
  if output >= dims.out_channels { return; }
  var places = pixels;
  if scattered {
    places = (pixels / dims.columns * dims.y_step + dims.y_row) * dims.out_width +
      pixels % dims.columns * dims.y_step + dims.y_column;
  }
  let at = (places / 64 * dims.out_channels + output) * 64 + places % 64;
  var value = sum;
  if has_bias { value += bias[output]; }
  if accumulate { value += vec4f(y[at.x], y[at.y], y[at.z], y[at.w]); }
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
  var sums: array<mat4x4f, 16>; // [output quad][pixel quad]

  for (var tap = 0u; tap < taps; tap++) {
    let places0 = places(pixels, tap);
    let places1 = places(pixels + 16, tap);
    let places2 = places(pixels + 32, tap);
    let places3 = places(pixels + 48, tap);
    let panel = panel_of(tile, tap);
    for (var channel = 0u; channel < dims.in_channels; channel += 2) {
      let odd = min(channel + 1, dims.in_channels - 1); // its weight is zero where it repeats the last
      let a0 = read_x(places0, channel);
      let a1 = read_x(places1, channel);
      let a2 = read_x(places2, channel);
      let a3 = read_x(places3, channel);
      let b0 = read_x(places0, odd);
      let b1 = read_x(places1, odd);
      let b2 = read_x(places2, odd);
      let b3 = read_x(places3, odd);
      let w = panel + channel * 4;
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

  if block * 64 >= dims.rows * dims.columns { return; }
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

// GPUs: a workgroup of 128 owns one block (64 pixels) x 64 outputs, an invocation 8 x 4 of them. Sixteen channels of a tap at a
// time pass through workgroup memory.
const depth = 16u;

var<workgroup> x_tile: array<vec4f, 256>; // [depth][16 pixel quads]
var<workgroup> w_tile: array<vec4f, 256>; // [depth][16 output quads]

@compute @workgroup_size(128)
fn product_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_pixels = vec4u(group.x * 64) + vec4u(0, 16, 32, 48); // apart, so that lanes read side by side
  let pixel_quad = lane % 8; // this invocation's pixels: quads pixel_quad and pixel_quad + 8
  let output_quad = lane / 8;
  let quad = lane % 16; // what it fetches: rows row and row + 8 of both tiles
  let row = lane / 16;
  let taps = dims.tap_rows * dims.tap_columns;
  let w_quad = group.y * 16 + quad;
  let present = w_quad * 4 < dims.out_channels;
  var near = mat4x4f();
  var far = mat4x4f();

  for (var tap = 0u; tap < taps; tap++) {
    let source = places(first_pixels + quad, tap);
    let panel = panel_of(w_quad / 4, tap) + w_quad % 4;
    for (var first = 0u; first < dims.in_channels; first += depth) {
      for (var i = 0u; i < 2; i++) {
        let channel = first + row + i * 8;
        var pixels = vec4f();
        var weights = vec4f();
        if channel < dims.in_channels {
          pixels = read_x(source, channel);
          if present { weights = panels[panel + channel * 4]; }
        }
        x_tile[lane + i * 128] = pixels;
        w_tile[lane + i * 128] = weights;
      }
      workgroupBarrier();
      for (var i = 0u; i < depth; i++) {
        let weights = w_tile[i * 16 + output_quad];
        near += outer(x_tile[i * 16 + pixel_quad], weights);
        far += outer(x_tile[i * 16 + pixel_quad + 8], weights);
      }
      workgroupBarrier();
    }
  }

  let output = (group.y * 16 + output_quad) * 4;
  finish(first_pixels + pixel_quad, output, near);
  finish(first_pixels + pixel_quad + 8, output, far);
}

// packed[tile][tap][k][j] = the weight of output 16·tile + j and input k, zero past either end
struct Packing {
  inputs: u32,
  outputs: u32,
  taps: u32,
  first: u32, // number of the first weight
  input_stride: u32,
  output_stride: u32,
}

@group(0) @binding(6) var<uniform> packing: Packing;
@group(0) @binding(7) var<storage, read> weight: array<f32>;
@group(0) @binding(8) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn pack(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  let depth = even(packing.inputs);
  let k = i / 16 % depth;
  let tap = i / 16 / depth % packing.taps;
  let output = i / 16 / depth / packing.taps * 16 + i % 16;
  if output >= (packing.outputs + 15) / 16 * 16 { return; }
  var value = 0.0;
  if output < packing.outputs && k < packing.inputs {
    value = weight[packing.first + k * packing.input_stride + output * packing.output_stride + tap];
  }
  packed[i] = value;
}
