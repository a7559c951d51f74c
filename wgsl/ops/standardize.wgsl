// y ← (y − mean[c])/√(variance[c] + ε)          y (pixels, channels) rows
// code[c] ← scale·(code[c] − mean)/√(variance + ε), mean and variance over the channels          code (scenes, 1, channels) in blocks

struct Dims { size: u32, channels: u32, epsilon: f32, scale: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> moments: array<vec2f>; // (channels) of (mean, variance), from moments.wgsl
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> code: array<f32>;

@compute @workgroup_size(64)
fn maps(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i >= dims.size { return; }
  let moment = moments[i % dims.channels];
  y[i] = (y[i] - moment.x) / sqrt(moment.y + dims.epsilon);
}

// A workgroup a scene; size = scenes. Two passes: first the mean, then the differences from it.
@compute @workgroup_size(1)
fn codes(@builtin(workgroup_id) group: vec3u) {
  let first = group.x * dims.channels;
  var sum = 0.0;
  for (var c = 0u; c < dims.channels; c++) { sum += code[(first + c) * 64]; }
  let mean = sum / f32(dims.channels);
  var squares = 0.0;
  for (var c = 0u; c < dims.channels; c++) {
    let difference = code[(first + c) * 64] - mean;
    squares += difference * difference;
  }
  let scale = dims.scale / sqrt(squares / f32(dims.channels) + dims.epsilon);
  for (var c = 0u; c < dims.channels; c++) {
    code[(first + c) * 64] = (code[(first + c) * 64] - mean) * scale;
  }
}
