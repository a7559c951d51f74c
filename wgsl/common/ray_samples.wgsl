// What compositing kernels share: the place of a sample in point blocks, its opacity and its color.

// Place in a tensor of one channel in blocks of the sample i, counted through scenes of `points` points.
fn lane_of(i: u32, points: u32) -> u32 { return i / points * ((points + 63) / 64 * 64) + i % points; }

// Place of a channel of the point whose place is `at` among one channel's.
fn channel(at: u32, channels: u32, c: u32) -> u32 {
  return ((at >> 6) * channels + c) * 64 + (at & 63);
}

// α = 1 - exp(-relu(σ)·δ); beyond 80 the exponential is nothing, and some drivers fail.
fn opacity(sigma: f32, delta: f32) -> f32 { return 1.0 - exp(-min(max(sigma, 0.0) * delta, 80.0)); }

fn sigmoid(x: vec3f) -> vec3f { return 1.0 / (1.0 + exp(-clamp(x, vec3f(-80.0), vec3f(80.0)))); }
