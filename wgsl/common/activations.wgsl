// Sigmoid and tanh with their arguments clamped where float32 has reached the limit.

// Beyond ±88 the exponential leaves float32.
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(x, -87.0, 87.0))); }

// tanh of large arguments overflows on some drivers: it is 1 in float32 beyond 10.
fn squash(x: f32) -> f32 { return tanh(clamp(x, -10.0, 10.0)); }
