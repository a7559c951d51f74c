/** Percentile with linear interpolation: at place `(n − 1) · percent / 100` of the sorted values. */
export function percentile(values: ArrayLike<number>, percent: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * percent / 100;
  const below = Math.floor(at), above = Math.ceil(at);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}
