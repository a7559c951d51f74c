/**
 * Depths on rays in [0, 1]: each uniform between the midpoints of its neighbours among `samples` equal steps, in float64.
 *
 * @param uniform Random numbers in 0…1, `samples` a ray.
 */
export function stratified(uniform: Float32Array, samples: number): Float32Array {
  const step = 1 / (samples - 1);
  return uniform.map((u, i) => {
    const n = i % samples;
    const lower = Math.max(0, (n - 0.5) * step), upper = Math.min(1, (n + 0.5) * step);
    return lower + (upper - lower) * u;
  });
}
