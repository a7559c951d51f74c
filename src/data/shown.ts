/** A text out of a file, fit for a message: one line, at most 99 characters. */
export function shown(text: string): string {
  const line = text.slice(0, 99).replaceAll(/\p{Cc}/gu, "?");
  return text.length > 99 ? `${line}…` : line;
}
