// Sine and cosine to 2e-7 for |x| < 65536: WGSL's own promise 5e-4, and only within ±pi.

// x/2pi in units of 2^-32 turns, full turns overflowing away: 2^24/2pi = 2670176.8577… times the 256ths of x, the integer
// product exact, the rest small. Integers, since a compiler may not reorder them as it may a float's range reduction.
fn turns(x: f32) -> i32 {
  let parts = trunc(x * 256.0);
  let rest = x * 256.0 - parts;
  return i32(parts) * 2670176 + i32(round(parts * 0.85772044 + rest * 2670176.9));
}

// (sin x, cos x): the angle to the nearest quarter turn, within ±pi/4, by Cephes' minimax polynomials.
fn sincos(x: f32) -> vec2f {
  let angle = turns(x);
  let quarter = (angle + 0x20000000) >> 30u;
  let r = f32(angle - (quarter << 30u)) * 1.4629180792671596e-9;
  let z = r * r;
  let s = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  let turned = select(vec2f(s, c), vec2f(c, -s), (quarter & 1) == 1);
  return select(turned, -turned, (quarter & 2) == 2);
}
