// How a gradient is written. Fan-out adds up: the first writer overwrites, later ones add, and where nobody asks nothing is
// written. `mode_x` says which for `d_x`; src/runtime/operation.ts sets it.

const overwrite = 0u;
const add = 1u;
const unasked = 2u;

fn accumulated(mode: u32, before: f32, gradient: f32) -> f32 {
  return select(gradient, gradient + before, mode == add);
}

fn accumulated4(mode: u32, before: vec4f, gradient: vec4f) -> vec4f {
  return select(gradient, gradient + before, mode == add);
}
