/**
 * Text tables for the terminal.
 *
 * @module
 */

/** How {@link renderTable} lays out columns. */
export interface TableOptions {
  /** Of each column; `left` where absent. */
  align?: ("left" | "right")[];
  /** Whether the first row is a heading with a rule below it. Default true. */
  heading?: boolean;
  /** Text before each row. Default none. */
  indent?: string;
}

/** Lays out rows of cells as lines of text, each column as wide as its widest cell, two spaces apart. */
export function renderTable(
  rows: readonly (readonly string[])[],
  { align = [], heading = true, indent = "" }: TableOptions = {},
): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from(
    { length: columns },
    (_, column) => Math.max(...rows.map((row) => textWidth(row[column] ?? ""))),
  );
  const lines = rows.map((row) =>
    widths.map((width, column) => {
      const cell = row[column] ?? "";
      const padding = " ".repeat(width - textWidth(cell));
      return align[column] === "right" ? padding + cell : cell + padding;
    }).join("  ")
  );
  if (heading && lines.length > 0) {
    lines.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  }
  return lines.map((line) => (indent + line).trimEnd()).join("\n");
}

/** Columns that text takes: one a code point (our cells hold no wide or combining ones). */
export function textWidth(text: string): number {
  return [...text].length;
}
