// (0, s + fraction·h) and (-h, s + h): times of the adjoint method, a clock that stands still and the span backwards.

struct Dims { fraction: f32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> clock: array<f32>; // h, s
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn now() {
  y[0] = 0.0;
  y[1] = clock[1] + dims.fraction * clock[0];
}

@compute @workgroup_size(1)
fn backwards() {
  y[0] = -clock[0];
  y[1] = clock[1] + clock[0];
}
