import type { View } from "./baselines.ts";

/**
 * Some of the views, spread evenly over times, cameras and the lag between the two.
 *
 * All views in the order of lag `(camera − time) mod frames`, then time backwards, at equal steps: 12 of the 132 held-out
 * views of 12 frames are then one of each time and one of each camera, with every lag among them. Where there are views of
 * all cameras at all times each lag begins a time later than the one before, or steps would meet the same time in every lag.
 *
 * @param views All views.
 * @param count How many to take; 0: all.
 * @returns Those taken, in the order given.
 */
export function spreadViews<V extends View>(views: readonly V[], count: number): V[] {
  if (count === 0 || count >= views.length) return [...views];
  const frames = 1 + Math.max(...views.flatMap(({ time, camera }) => [time, camera]));
  const lag = ({ time, camera }: V) => (camera - time + frames) % frames;
  const shift = (view: V) => views.length === frames ** 2 ? lag(view) : 0;
  const turn = (view: V) => (view.time - shift(view) + frames) % frames;
  const ordered = [...views].sort((a, b) => lag(a) - lag(b) || turn(b) - turn(a));
  const step = views.length / count;
  const taken = Array.from({ length: count }, (_, i) => ordered[Math.floor((i + 0.5) * step)]);
  return views.filter((view) => taken.includes(view));
}
