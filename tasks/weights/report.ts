/**
 * What a person reads of a file of weights.
 *
 * @module
 */
import { hashInName } from "../../src/data/weights/name_hash.ts";
import { stateDict } from "../../src/data/weights/weight_names.ts";
import type { WeightsFile } from "../../src/data/weights/weights_file.ts";
import { renderTable } from "../terminal/table.ts";
import { findNetwork, type FoundNetwork } from "./parts.ts";

const formats = {
  zip: "PyTorch file (zip, of 1.4 or later)",
  legacy: "PyTorch file (of the format before 1.4)",
  safetensors: "safetensors file",
} as const;

const MOST_VALUES = 20;

/** A file's tensors, what else it holds, and which parts of our network are in it. */
export function weightsReport(path: string, bytes: number, file: WeightsFile): string {
  const { container, tensors, leftOut } = stateDict(file.tensors);
  const rows = [...file.tensors].map(([name, { shape, dtype }]) => [
    name,
    `(${shape.join(", ")})`,
    dtype,
  ]);
  const numbers = [...file.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const sections = [
    [
      `${path}: ${formats[file.format]}, ${(bytes / 1e6).toFixed(1)} MB`,
      `SHA-256 ${file.sha256}${hashNote(path, file.sha256)}`,
    ],
    [renderTable([["tensor", "shape", "type"], ...rows])],
    valueLines(file),
    [
      `${file.tensors.size} tensors, ${numbers} numbers` +
      (container ? `; the network is "${container}"` : ""),
      ...[...leftOut].map(([name, count]) => `beside it ${count} in "${name}"`),
      ...unknownLines(file),
    ],
    networkLines(findNetwork(tensors)),
  ];
  return sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n");
}

/** What is no tensor; of an optimizer only how much. */
function valueLines({ values }: WeightsFile): string[] {
  const shown = [...values].filter(([path]) => !/^optimizer/.test(path)).slice(0, MOST_VALUES);
  const more = values.size - shown.length;
  return [
    ...shown.map(([path, value]) => `${path}: ${shortened(String(value))}`),
    ...(more > 0 ? [`and ${more} more values`] : []),
  ];
}

/** Objects that cannot be read and were left out, nothing of them having been run. */
function unknownLines({ unknown = new Map() }: WeightsFile): string[] {
  const shown = [...unknown].slice(0, MOST_VALUES);
  const more = unknown.size - shown.length;
  return [
    ...shown.map(([path, what]) => `left out, as it is not known: "${path}", ${what}`),
    ...(more > 0 ? [`and ${more} more objects`] : []),
  ];
}

/** Whether a file is what the hash in its name says. */
export function hashAgrees(path: string, sha256: string): boolean {
  return sha256.startsWith(hashInName(path) ?? "");
}

function hashNote(path: string, sha256: string): string {
  const digits = hashInName(path);
  if (digits === undefined) return "";
  return hashAgrees(path, sha256) ? `, as the name says` : `, but the name says ${digits}: damaged`;
}

/** How much of each part is there, then the names that do not fit. */
function networkLines({ parts, others }: FoundNetwork): string[] {
  const table = renderTable([
    ["part", "width", "matched", "missing", "of another shape", "unexpected", "not needed"],
    ...parts.map(({ title, width, wanted, match }) => [
      title,
      String(width),
      `${match.matched.size} of ${wanted}`,
      ...[match.missing, match.misshapen, match.unexpected, match.unused]
        .map(({ length }) => String(length)),
    ]),
  ], { align: ["left", ...Array<"right">(6).fill("right")] });
  const lines = parts.flatMap(({ title, match: { missing, misshapen, unexpected } }) => [
    ...listed(`${title}, missing`, missing.map(({ name }) => name)),
    ...listed(
      `${title}, of another shape`,
      misshapen.map(({ name, shape, found }) =>
        `${name} (${found.join(", ")}) for (${shape.join(", ")})`
      ),
    ),
    ...listed(`${title}, unexpected`, unexpected),
  ]);
  return [
    ...(parts.length > 0 ? [table] : ["no part of the network is in it"]),
    ...lines,
    ...[...others].flatMap(([kind, names]) => listed(`${names.length} ${kind}`, names)),
  ];
}

function listed(what: string, names: readonly string[], most = 4): string[] {
  if (names.length === 0) return [];
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return [`${what}: ${names.slice(0, most).join(", ")}${more}`];
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}… (${text.length} characters)` : text;
}
