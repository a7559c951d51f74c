const collator = new Intl.Collator("en", { numeric: true });

/** Names as people count them: `frame2` before `frame10`; the same on every machine. */
export function naturalOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0));
}
