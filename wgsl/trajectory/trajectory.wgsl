// uses common/activations.wgsl, common/gradients.wgsl, common/points.wgsl
// dp/ds = ±(F/Fᵢ)·tanh(u(p, t ± 2 s F/Fᵢ))          times (scenes, 2) = normalized time t and that of one frame, 2/Fᵢ
// The solver's time s runs over [0, 1/F], the time that the field sees over a frame. Scenes of a batch are solved together; F is
// that of the first, and the others' velocities are scaled to theirs.

struct Dims {
  size: u32,
  scene_size: u32,
  offset_frames: f32,
  direction: f32,
  fraction: f32,
  mode_u: u32,
  mode_clock: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> times: array<f32>;
@group(0) @binding(2) var<storage, read> clock: array<f32>; // h, s
@group(0) @binding(3) var<storage, read> u: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> d_y: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_u: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_clock: array<f32>;

// The span 1/F and its start.
@compute @workgroup_size(1)
fn span() {
  y[0] = 0.5 * times[1];
  y[1] = 0.0;
}

// Frames of a scene for one of the first scene's: F/Fᵢ.
fn ratio(scene: u32) -> f32 { return times[2 * scene + 1] / times[1]; }

// The scenes' times at s = clock[1] + fraction·clock[0], y like times.
@compute @workgroup_size(64)
fn times_at(@builtin(global_invocation_id) id: vec3u) {
  let scene = id.x;
  if 2 * scene >= dims.size { return; }
  let s = clock[1] + dims.fraction * clock[0];
  let frame = times[2 * scene + 1];
  y[2 * scene] = times[2 * scene] + dims.offset_frames * frame + dims.direction * 2.0 * s * ratio(scene);
  y[2 * scene + 1] = frame;
}

// d(h, s) += (fraction, 1)·ds, ds = ± 2 Σ F/Fᵢ dtᵢ
@compute @workgroup_size(1)
fn times_backward() {
  var sum = 0.0;
  for (var i = 0u; i < dims.size; i += 2) { sum += ratio(i / 2) * d_y[i]; }
  d_clock[0] = accumulated(dims.mode_clock, d_clock[0], dims.fraction * dims.direction * 2.0 * sum);
  d_clock[1] = accumulated(dims.mode_clock, d_clock[1], dims.direction * 2.0 * sum);
}

// y = ±(F/Fᵢ)·tanh u          u, y (scenes, points, 3) in blocks
@compute @workgroup_size(64)
fn rate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i < dims.size { y[i] = dims.direction * ratio(i / dims.scene_size) * squash(u[i]); }
}

// du = ±(F/Fᵢ)·(1 − tanh²u)·dy
@compute @workgroup_size(64)
fn rate_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.size { return; }
  let v = squash(u[i]);
  let gradient = dims.direction * ratio(i / dims.scene_size) * (1.0 - v * v) * d_y[i];
  d_u[i] = accumulated(dims.mode_u, d_u[i], gradient);
}
