// uses common/gradients.wgsl, common/points.wgsl
// y[c, p] = max of x[c, 2p + tap − padding] over the 3x3 taps inside the frame
// x (1, in_height·in_width, channels)  y (1, out_height·out_width, channels), in blocks
//
// The gradient goes to the first largest tap in row-major order, as PyTorch's does.

struct Dims {
  channels: u32,
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  padding: u32, // 0 or 1
  quad_columns: u32, // of the grid of the backward pass
}

override mode_x: u32 = 0;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> taps: array<u32>; // like y: which tap was the first largest, 0 to 8
@group(0) @binding(4) var<storage, read> kept_taps: array<u32>; // the taps, made before
@group(0) @binding(5) var<storage, read> d_y: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_x: array<f32>;

struct Largest { value: f32, tap: u32 }

const no_tap = 9u;

fn largest(c: u32, pixel: u32) -> Largest {
  let row = 2 * (pixel / dims.out_width);
  let column = 2 * (pixel % dims.out_width);
  var found = Largest(0.0, no_tap);
  for (var tap = 0u; tap < 9; tap++) {
    let x_row = row + tap / 3 - dims.padding; // wraps past every height when negative
    let x_column = column + tap % 3 - dims.padding;
    if x_row >= dims.in_height || x_column >= dims.in_width { continue; }
    let value = x[channel(x_row * dims.in_width + x_column, dims.channels, c)];
    if found.tap == no_tap || value > found.value { found = Largest(value, tap); }
  }
  return found;
}

// A workgroup takes one block of one channel of y.
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = group.x * 64 + lane;
  if pixel >= dims.out_height * dims.out_width { return; }
  y[channel(pixel, dims.channels, group.y)] = largest(group.y, pixel).value;
}

@compute @workgroup_size(64)
fn find_taps(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = group.x * 64 + lane;
  if pixel >= dims.out_height * dims.out_width { return; }
  taps[channel(pixel, dims.channels, group.y)] = largest(group.y, pixel).tap;
}

// What the window at `row`, `column` of y gives to four pixels of x, each of which is the tap named for it.
fn window_gradient(c: u32, row: u32, column: u32, named: vec4u) -> vec4f {
  if row >= dims.out_height || column >= dims.out_width { return vec4f(); }
  let i = channel(row * dims.out_width + column, dims.channels, c);
  return select(vec4f(), vec4f(d_y[i]), named == vec4u(kept_taps[i]));
}

// An invocation takes four pixels of x, those that are in the middle and at the end of the window at `row`, `column`: four
// windows cover them. Without padding the first row and column have no window in whose middle they are: the grid begins a window
// earlier. Rows and columns wrap past every height and width when negative.
@compute @workgroup_size(64)
fn backward_input(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.y;
  let quad = group.x * 64 + lane;
  let row = quad / dims.quad_columns - (1 - dims.padding);
  let column = quad % dims.quad_columns - (1 - dims.padding);
  let gradient = window_gradient(c, row, column, vec4u(4, 5, 7, 8)) +
    window_gradient(c, row, column + 1, vec4u(no_tap, 3, no_tap, 6)) +
    window_gradient(c, row + 1, column, vec4u(no_tap, no_tap, 1, 2)) +
    window_gradient(c, row + 1, column + 1, vec4u(no_tap, no_tap, no_tap, 0));
  let first_row = 2 * row + 1 - dims.padding;
  let first_column = 2 * column + 1 - dims.padding;
  write_d_x(c, first_row, first_column, gradient.x);
  write_d_x(c, first_row, first_column + 1, gradient.y);
  write_d_x(c, first_row + 1, first_column, gradient.z);
  write_d_x(c, first_row + 1, first_column + 1, gradient.w);
}

fn write_d_x(c: u32, row: u32, column: u32, gradient: f32) {
  if row >= dims.in_height || column >= dims.in_width { return; }
  let i = channel(row * dims.in_width + column, dims.channels, c);
  d_x[i] = accumulated(mode_x, d_x[i], gradient);
}
