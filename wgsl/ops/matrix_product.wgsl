// C = A[:, first..first+inner]·B (+ D)     a (outputs, columns)  b (inner, inputs)  c, d (outputs, inputs), C order

struct Dims { outputs: u32, columns: u32, first: u32, inner: u32, inputs: u32, flag: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> d: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read> d_c: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_a: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_b: array<f32>;

// flag: D is added
@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i >= dims.outputs * dims.inputs { return; }
  let row = i / dims.inputs;
  let column = i % dims.inputs;
  var sum = 0.0;
  for (var k = 0u; k < dims.inner; k++) {
    sum += a[row * dims.columns + dims.first + k] * b[k * dims.inputs + column];
  }
  if dims.flag == 1 { sum += d[i]; }
  c[i] = sum;
}

// dA = dC·Bᵀ, into its columns of A's gradient; flag: add
@compute @workgroup_size(64)
fn backward_left(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i >= dims.outputs * dims.inner { return; }
  let row = i / dims.inner;
  let k = i % dims.inner;
  var sum = 0.0;
  for (var column = 0u; column < dims.inputs; column++) {
    sum += d_c[row * dims.inputs + column] * b[k * dims.inputs + column];
  }
  let at = row * dims.columns + dims.first + k;
  d_a[at] = select(sum, sum + d_a[at], dims.flag == 1);
}

// dB = Aᵀ·dC; flag: add
@compute @workgroup_size(64)
fn backward_right(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  if i >= dims.inner * dims.inputs { return; }
  let k = i / dims.inputs;
  let column = i % dims.inputs;
  var sum = 0.0;
  for (var row = 0u; row < dims.outputs; row++) {
    sum += a[row * dims.columns + dims.first + k] * d_c[row * dims.inputs + column];
  }
  d_b[i] = select(sum, sum + d_b[i], dims.flag == 1);
}
