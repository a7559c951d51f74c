// uses common/gradients.wgsl, common/points.wgsl
// y[p, first + c] = bilinear interpolation of x[c] at p·(in − 1)/(out − 1): PyTorch's align_corners
// x (1, in_height·in_width, channels) in blocks  y (out_height, out_width, columns) rows, of which this writes `channels`
// d_x[c, q] = Σ over the p that lie within one pixel of q, weighted as above: a gather

struct Dims {
  channels: u32,
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  first: u32,
  columns: u32,
}

override mode_x: u32 = 0;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> d_y: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_x: array<f32>;

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
  let i = linear_index(id, groups);
  let c = i % dims.channels;
  let pixel = i / dims.channels;
  if pixel >= dims.out_height * dims.out_width { return; }
  let rows = interval(pixel / dims.out_width, dims.in_height, dims.out_height);
  let columns = interval(pixel % dims.out_width, dims.in_width, dims.out_width);
  let above = mix(
    read_x(c, rows.lower, columns.lower),
    read_x(c, rows.lower, columns.upper),
    columns.share,
  );
  let below = mix(
    read_x(c, rows.upper, columns.lower),
    read_x(c, rows.upper, columns.upper),
    columns.share,
  );
  y[pixel * dims.columns + dims.first + c] = mix(above, below, rows.share);
}

fn read_x(c: u32, row: u32, column: u32) -> f32 {
  return x[channel(row * dims.in_width + column, dims.channels, c)];
}

// The positions first ≤ p < end of y that read position q of x.
struct Readers { first: u32, end: u32 }

fn readers(q: u32, old: u32, length: u32) -> Readers {
  if length == 1 || old == 1 { return Readers(0, select(0u, length, q == 0)); }
  // p·(old − 1) lies strictly between (q − 1)·(length − 1) and (q + 1)·(length − 1)
  let first = select(0u, (max(q, 1) - 1) * (length - 1) / (old - 1) + 1, q > 0);
  let end = ((q + 1) * (length - 1) + old - 2) / (old - 1);
  return Readers(first, min(end, length));
}

// The share of position q in what one of its readers is.
fn share_of(q: u32, position: u32, old: u32, length: u32) -> f32 {
  if length == 1 || old == 1 { return 1.0; }
  let steps = length - 1;
  let distance = i32(position * (old - 1)) - i32(q * steps);
  return select(1.0 - f32(distance) / f32(steps), f32(distance + i32(steps)) / f32(steps), distance < 0);
}

@compute @workgroup_size(64)
fn backward_input(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  let c = i % dims.channels;
  let pixel = i / dims.channels;
  if pixel >= dims.in_height * dims.in_width { return; }
  let row = pixel / dims.in_width;
  let column = pixel % dims.in_width;
  let rows = readers(row, dims.in_height, dims.out_height);
  let columns = readers(column, dims.in_width, dims.out_width);
  var gradient = 0.0;
  for (var r = rows.first; r < rows.end; r++) {
    var sum = 0.0;
    for (var q = columns.first; q < columns.end; q++) {
      let share = share_of(column, q, dims.in_width, dims.out_width);
      sum += share * d_y[(r * dims.out_width + q) * dims.columns + dims.first + c];
    }
    gradient += share_of(row, r, dims.in_height, dims.out_height) * sum;
  }
  let at = channel(pixel, dims.channels, c);
  d_x[at] = accumulated(mode_x, d_x[at], gradient);
}
