// uses common/gradients.wgsl, common/points.wgsl, common/sincos.wgsl, common/sum_lanes.wgsl
// y = [x, sin(2⁰x), cos(2⁰x), …, sin(2^(L-1) x), cos(2^(L-1) x)], x the point and its time; divided by its length where
// asked. points (scenes, points, dimensions) and y (scenes, points, parts·(1 + 2L)) in blocks.
// sin² + cos² = 1: the length is √(|x|² + L·parts), and only x itself changes it.

struct Dims {
  lanes: u32,
  scene_lanes: u32,
  scene_points: u32,
  offset_frames: f32,
  mode_points: u32,
  mode_times: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> points: array<f32>;
@group(0) @binding(2) var<storage, read> times: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_points: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_times: array<f32>;

override dimensions = 3u;
override frequencies = 10u; // L
override unit_length = false;
override time_of = 0u; // 0: no time; 1: the scene's, times (scenes, 2) = t and that of one frame; 2: the point's, times in blocks

fn parts() -> u32 { return dimensions + min(time_of, 1u); }

// The point and its time, zeros behind.
fn vector(lane: u32) -> vec4f {
  var x = vec4f();
  for (var d = 0u; d < dimensions; d++) { x[d] = points[channel(lane, dimensions, d)]; }
  if time_of == 1 {
    let scene = lane / dims.scene_lanes;
    x[dimensions] = times[2 * scene] + dims.offset_frames * times[2 * scene + 1];
  }
  if time_of == 2 { x[dimensions] = times[lane]; }
  return x;
}

fn length_of(x: vec4f) -> f32 {
  if !unit_length { return 1.0; }
  return max(sqrt(dot(x, x) + f32(frequencies * parts())), 1e-12);
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let lane = linear_index(id, groups);
  if lane >= dims.lanes { return; }
  let x = vector(lane);
  let scale = 1.0 / length_of(x);
  let count = parts();
  let channels = count * (1 + 2 * frequencies);
  for (var d = 0u; d < count; d++) {
    y[channel(lane, channels, d)] = scale * x[d];
    var angle = x[d];
    for (var octave = 0u; octave < frequencies; octave++) {
      let wave = scale * sincos(angle);
      let c = count * (1 + 2 * octave) + d;
      y[channel(lane, channels, c)] = wave.x;
      y[channel(lane, channels, c + count)] = wave.y;
      angle *= 2.0;
    }
  }
}

// With e = y/length: dx = (∂y/∂xᵀ de - x (de·y)/length²)/length
fn gradient_of(lane: u32) -> vec4f {
  let x = vector(lane);
  let count = parts();
  let channels = count * (1 + 2 * frequencies);
  var gradient = vec4f();
  var along = 0.0; // de·y
  for (var d = 0u; d < count; d++) {
    let d_x = d_y[channel(lane, channels, d)];
    gradient[d] = d_x;
    along += d_x * x[d];
    var factor = 1.0;
    for (var octave = 0u; octave < frequencies; octave++) {
      let wave = sincos(factor * x[d]);
      let c = count * (1 + 2 * octave) + d;
      let d_sin = d_y[channel(lane, channels, c)];
      let d_cos = d_y[channel(lane, channels, c + count)];
      gradient[d] += factor * (d_sin * wave.y - d_cos * wave.x);
      along += d_sin * wave.x + d_cos * wave.y;
      factor *= 2.0;
    }
  }
  let length = length_of(x);
  if unit_length { gradient = (gradient - x * (along / (length * length))) / length; }
  return gradient;
}

@compute @workgroup_size(64)
fn backward_points(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let lane = linear_index(id, groups);
  if lane >= dims.lanes { return; }
  let gradient = gradient_of(lane);
  for (var d = 0u; d < dimensions; d++) {
    let i = channel(lane, dimensions, d);
    d_points[i] = accumulated(dims.mode_points, d_points[i], gradient[d]);
  }
}

// Of the points' own times.
@compute @workgroup_size(64)
fn backward_point_times(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let lane = linear_index(id, groups);
  if lane >= dims.lanes { return; }
  d_times[lane] = accumulated(dims.mode_times, d_times[lane], gradient_of(lane)[dimensions]);
}

const lanes = 64u;
const columns = 1u;

// Of the scenes' times, a workgroup a scene: d(t, frame) = Σ over its points of (1, offset)·dt
@compute @workgroup_size(64)
fn backward_scene_times(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
  var sum = 0.0;
  for (var point = lane; point < dims.scene_points; point += lanes) {
    sum += gradient_of(group.x * dims.scene_lanes + point)[dimensions];
  }
  lane_values[lane] = sum;
  sum_lanes(lane);
  if lane >= 2 { return; }
  let i = 2 * group.x + lane;
  let gradient = column_sums[0] * select(1.0, dims.offset_frames, lane == 1);
  d_times[i] = accumulated(dims.mode_times, d_times[i], gradient);
}
