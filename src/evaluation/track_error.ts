/**
 * Mean distance in pixels between the places where points are seen and where they truly are.
 *
 * @param actual For each point its places at some times, x and y.
 * @param expected The true places at the same times; nothing for a point whose path is not known, which does not count.
 * @param skipped A time that does not count, by number: where the points were taken from a picture, both agree.
 * @returns The mean over all points and times, or `undefined` where nothing counts.
 * @throws {RangeError} If the sizes do not agree.
 */
export function trackError(
  actual: readonly (readonly (readonly [number, number])[])[],
  expected: readonly (readonly (readonly [number, number])[] | undefined)[],
  skipped?: number,
): number | undefined {
  if (actual.length !== expected.length) {
    throw new RangeError(
      `Cannot compare paths: ${actual.length} against ${expected.length} points; wanted as many`,
    );
  }
  let sum = 0, count = 0;
  actual.forEach((path, point) => {
    const truth = expected[point];
    if (!truth) return;
    if (truth.length !== path.length) {
      throw new RangeError(
        `Cannot compare the paths of point ${point}: ${path.length} against ${truth.length} times; wanted as many`,
      );
    }
    path.forEach((place, time) => {
      if (time === skipped) return;
      count++;
      sum += Math.hypot(place[0] - truth[time][0], place[1] - truth[time][1]);
    });
  });
  return count === 0 ? undefined : sum / count;
}
