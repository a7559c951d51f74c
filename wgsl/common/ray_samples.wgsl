// uses common/points.wgsl
// What compositing kernels share: the opacity of a sample and its color.

// α = 1 - exp(-relu(σ)·δ); beyond 80 the exponential is nothing, and some drivers fail.
fn opacity(sigma: f32, delta: f32) -> f32 { return 1.0 - exp(-min(max(sigma, 0.0) * delta, 80.0)); }

// c = 1/(1 + e^-x) of red, green and blue.
fn color_of(x: vec3f) -> vec3f { return 1.0 / (1.0 + exp(-clamp(x, vec3f(-80.0), vec3f(80.0)))); }
