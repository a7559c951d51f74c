// Counter-based random numbers: PCG-RXS-M-XS of a chained hash of (seed, step, stream, index); the twin is src/runtime/random.ts.
// Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.

fn pcg(x: u32) -> u32 {
  let state = x * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

// 32 random bits for one place of one stream at one step.
fn random_bits(seed: u32, step: u32, stream: u32, index: u32) -> u32 {
  return pcg(index + pcg(stream + pcg(step + pcg(seed))));
}

// [0, 1) in steps of 2^-24.
fn random_uniform(seed: u32, step: u32, stream: u32, index: u32) -> f32 {
  return f32(random_bits(seed, step, stream, index) >> 8u) * 5.9604644775390625e-8;
}

// N(0, 1) by Box and Muller, from two draws of neighbouring streams; 1 - u keeps the logarithm finite.
fn random_normal(seed: u32, step: u32, stream: u32, index: u32) -> f32 {
  let radius = sqrt(-2.0 * log(1.0 - random_uniform(seed, step, stream, index)));
  let angle = 6.283185307179586 * random_uniform(seed, step, stream + 1u, index) - 3.141592653589793;
  return radius * cos(angle);
}
