// uses common/points.wgsl
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

// The pixels of x between which a pixel of y lies: their places in channel 0, and their shares.
struct Corners { at: vec4u, shares: vec4f }

fn corners(row: u32, column: u32) -> Corners {
  let rows = interval(row, dims.height);
  let columns = interval(column, dims.width);
  let row_starts = min(vec2u(rows.lower, rows.upper) - dims.in_first, vec2u(dims.in_rows - 1)) * dims.width;
  let pixels = row_starts.xxyy + vec2u(columns.lower, columns.upper).xyxy;
  let across = vec2f(1.0 - columns.share, columns.share);
  return Corners(
    channel4(pixels, dims.channels, 0),
    vec4f(across * (1.0 - rows.share), across * rows.share),
  );
}

const channels_each = 8u;

// A workgroup takes one block of eight channels of y, which share their places.
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = group.x * 64 + lane;
  if pixel >= dims.rows * 2 * dims.width { return; }
  let row = dims.first + i32(pixel / (2 * dims.width));
  let inside = row >= 0 && row < i32(2 * dims.height);
  let source = corners(select(0u, u32(row), inside), pixel % (2 * dims.width));
  let end = min((group.y + 1) * channels_each, dims.channels);
  for (var c = group.y * channels_each; c < end; c++) {
    let at = source.at + c * 64;
    let sum = dot(source.shares, vec4f(x[at.x], x[at.y], x[at.z], x[at.w]));
    y[channel(pixel, dims.channels, c)] = select(0.0, sum, inside);
  }
}
