// y[c, p] = bilinear interpolation of x[c] at twice the size
//   corners: at p·(n − 1)/(2n − 1), so that corners meet corners (align_corners)
//   centers: at max(0, (p + 1/2)/2 − 1/2): pixel centres, edges repeated
// x (1, in_rows·width, channels)  y (1, rows·2·width, channels), in blocks: bands of rows of frames, zero outside the frame

struct Dims {
  channels: u32,
  height: u32, // of x's whole frame
  width: u32,
  in_first: u32, // the frame's row that is x's first
  in_rows: u32,
  first: i32, // the frame's row that is y's first
  rows: u32,
  corners: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Two neighbours and the share of the second, exact up to one rounding.
struct Interval { lower: u32, upper: u32, share: f32 }

fn interval(position: u32, length: u32) -> Interval {
  let quarters = max(2 * position, 1) - 1;
  let numerator = select(quarters, position * (length - 1), dims.corners == 1);
  let denominator = select(4u, 2 * length - 1, dims.corners == 1);
  let lower = numerator / denominator;
  return Interval(lower, min(lower + 1, length - 1), f32(numerator % denominator) / f32(denominator));
}

// A workgroup takes one block of one channel of y.
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let channel = group.y;
  let pixel = group.x * 64 + lane;
  if pixel >= dims.rows * 2 * dims.width { return; }
  let at = (group.x * dims.channels + channel) * 64 + lane;
  let row = dims.first + i32(pixel / (2 * dims.width));
  if row < 0 || row >= i32(2 * dims.height) {
    y[at] = 0.0;
    return;
  }
  let rows = interval(u32(row), dims.height);
  let columns = interval(pixel % (2 * dims.width), dims.width);
  let above = mix(
    read_x(channel, rows.lower, columns.lower),
    read_x(channel, rows.lower, columns.upper),
    columns.share,
  );
  let below = mix(
    read_x(channel, rows.upper, columns.lower),
    read_x(channel, rows.upper, columns.upper),
    columns.share,
  );
  y[at] = mix(above, below, rows.share);
}

fn read_x(channel: u32, row: u32, column: u32) -> f32 {
  let pixel = min(row - dims.in_first, dims.in_rows - 1) * dims.width + column;
  return x[(pixel / 64 * dims.channels + channel) * 64 + pixel % 64];
}
