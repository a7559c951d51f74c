// uses common/points.wgsl
// d[p] = Σ_c w[c]·(u[c, p]/(|u[p]| + ε) − v[c, p]/(|v[p]| + ε))², |u[p]|² = Σ_c u[c, p]²          ε = 1e-10
// u, v (1, pixels, channels) in blocks          w (channels)          d (pixels)
// Zhang et al. 2018, equation 1, before the mean over places.

struct Dims { pixels: u32, channels: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> d: array<f32>;

const epsilon = 1e-10;

@compute @workgroup_size(64)
fn difference(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = group.x * 64 + lane;
  if pixel >= dims.pixels { return; }
  let first = channel(pixel, dims.channels, 0);
  var squares = vec2f();
  for (var c = 0u; c < dims.channels; c++) {
    let both = vec2f(u[first + c * 64], v[first + c * 64]);
    squares += both * both;
  }
  let length = sqrt(squares) + epsilon;
  var sum = 0.0;
  for (var c = 0u; c < dims.channels; c++) {
    let apart = u[first + c * 64] / length.x - v[first + c * 64] / length.y;
    sum += w[c] * apart * apart;
  }
  d[pixel] = sum;
}
