// uses common/points.wgsl
// mean[c] = Σ x / n          variance[c] = Σ (x − mean)² / n          over all points of several tensors
// x (1, points, channels) in blocks, or (points, channels) rows.  partials (rows, channels) of (count, mean, Σ(x − mean)²)
//
// Each part of a tensor sums its differences from its own first value, and parts merge as Chan, Golub and LeVeque do: the
// precision of two passes, in a fixed order.

struct Dims {
  points: u32,
  channels: u32,
  points_per_part: u32, // a multiple of 64
  parts: u32,
  first_row: u32, // of this tensor's partials
}
struct Merge { rows: u32, channels: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4f>; // blocks
@group(0) @binding(2) var<storage, read> x_rows: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>;
@group(0) @binding(4) var<uniform> merging: Merge;
@group(0) @binding(5) var<storage, read> parts: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> moments: array<vec2f>; // (channels) of (mean, variance)

@compute @workgroup_size(64)
fn part_of_blocks(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.channels * dims.parts { return; }
  let c = i % dims.channels;
  let first = i / dims.channels * dims.points_per_part;
  let end = min(first + dims.points_per_part, dims.points);
  let shift = vec4f(x[quad_of(first / 4, dims.channels, c)].x);
  var sum = vec4f();
  var squares = vec4f();
  for (var point = first; point < end; point += 4) {
    let value = x[quad_of(point / 4, dims.channels, c)];
    let present = vec4u(point) + vec4u(0, 1, 2, 3) < vec4u(end);
    let difference = select(vec4f(), value - shift, present);
    sum += difference;
    squares += difference * difference;
  }
  write_part(i, end - first, shift.x, dot(sum, vec4f(1.0)), dot(squares, vec4f(1.0)));
}

@compute @workgroup_size(64)
fn part_of_rows(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.channels * dims.parts { return; }
  let c = i % dims.channels;
  let first = i / dims.channels * dims.points_per_part;
  let end = min(first + dims.points_per_part, dims.points);
  let shift = x_rows[first * dims.channels + c];
  var sum = 0.0;
  var squares = 0.0;
  for (var point = first; point < end; point++) {
    let difference = x_rows[point * dims.channels + c] - shift;
    sum += difference;
    squares += difference * difference;
  }
  write_part(i, end - first, shift, sum, squares);
}

fn write_part(i: u32, points: u32, shift: f32, sum: f32, squares: f32) {
  let count = f32(points);
  let mean = sum / count;
  partials[dims.first_row * dims.channels + i] =
    vec4f(count, shift + mean, max(squares - sum * mean, 0.0), 0.0);
}

@compute @workgroup_size(64)
fn merge(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x;
  if channel >= merging.channels { return; }
  var whole = vec4f();
  for (var row = 0u; row < merging.rows; row++) {
    let part = parts[row * merging.channels + channel];
    let count = whole.x + part.x;
    let difference = part.y - whole.y;
    let share = part.x / count;
    whole = vec4f(
      count,
      whole.y + difference * share,
      whole.z + part.z + difference * difference * whole.x * share,
      0.0,
    );
  }
  moments[channel] = vec2f(whole.y, whole.z / whole.x);
}
