// y[p, first + c] = bilinear interpolation of x[c] at p·(in − 1)/(out − 1): PyTorch's align_corners
// x (1, in_height·in_width, channels) in blocks  y (out_height, out_width, columns) rows, of which this writes `channels`

struct Dims {
  channels: u32,
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  first: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Two neighbours and the share of the second, exact up to one rounding.
struct Interval { lower: u32, upper: u32, share: f32 }

fn interval(position: u32, old: u32, length: u32) -> Interval {
  if length == 1 || old == 1 { return Interval(0, 0, 0.0); }
  let scaled = position * (old - 1);
  let lower = scaled / (length - 1);
  let share = f32(scaled % (length - 1)) / f32(length - 1);
  return Interval(lower, min(lower + 1, old - 1), share);
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  let channel = i % dims.channels;
  let pixel = i / dims.channels;
  if pixel >= dims.out_height * dims.out_width { return; }
  let rows = interval(pixel / dims.out_width, dims.in_height, dims.out_height);
  let columns = interval(pixel % dims.out_width, dims.in_width, dims.out_width);
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
  y[pixel * dims.columns + dims.first + channel] = mix(above, below, rows.share);
}

fn read_x(channel: u32, row: u32, column: u32) -> f32 {
  let pixel = row * dims.in_width + column;
  return x[(pixel / 64 * dims.channels + channel) * 64 + pixel % 64];
}
