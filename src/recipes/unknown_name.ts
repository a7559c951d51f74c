/**
 * What to say of a name that is none of those known: of flags, recipes, loss terms.
 *
 * @module
 */

/**
 * `Unknown flag "--stesp", did you mean "--steps"?`; where no name is near, those known, if they are few.
 *
 * @param kind What the name stands for: `flag`, `recipe`.
 */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const message = `Unknown ${kind} "${name}"`;
  if (known.length === 0) return message;
  const distances = known.map((other) => editDistance(name.toLowerCase(), other.toLowerCase()));
  const nearest = Math.min(...distances);
  const closest = known[distances.indexOf(nearest)];
  if (nearest <= Math.max(2, closest.length / 3)) return `${message}, did you mean "${closest}"?`;
  return known.length > 8 ? message : `${message}; there are ${known.join(", ")}`;
}

/** Letters to insert, delete or replace to make one word of the other (Levenshtein's distance). */
function editDistance(word: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...word].entries()) {
    const row = [i + 1];
    for (const [j, second] of [...other].entries()) {
      row.push(Math.min(row[j] + 1, before[j + 1] + 1, before[j] + (letter === second ? 0 : 1)));
    }
    before = row;
  }
  return before.at(-1)!;
}
