import { DataError } from "../data_error.ts";
import { shown } from "../shown.ts";

/** Bytes of each type of number, and how it is read. */
const TYPES: Record<string, { bytes: number; read: (view: DataView, at: number) => number }> = {
  char: { bytes: 1, read: (view, at) => view.getInt8(at) },
  uchar: { bytes: 1, read: (view, at) => view.getUint8(at) },
  short: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  ushort: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  int: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  uint: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  float: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  double: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};
const ALIASES: Record<string, string> = {
  int8: "char",
  uint8: "uchar",
  int16: "short",
  uint16: "ushort",
  int32: "int",
  uint32: "uint",
  float32: "float",
  float64: "double",
};

/** A PLY header ends before this many bytes. */
const MOST_HEADER_BYTES = 2 ** 16;

/**
 * The points of a PLY file, text or binary (little endian), whose first element is `vertex` with x, y and z.
 *
 * @param name Where the bytes came from, for messages.
 * @returns `[points, 3]`.
 * @throws {DataError} If the bytes are no such file, or are cut short.
 */
export function decodePly(bytes: Uint8Array, name: string): Float64Array {
  const fail = (what: string) => new DataError(`Cannot read "${name}": ${what}; make it again`);
  const start = new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(bytes.subarray(0, MOST_HEADER_BYTES));
  const header = /^ply\r?\n[^]*?\nend_header\r?\n/.exec(start)?.[0];
  if (header === undefined || !/^\p{ASCII}*$/u.test(header)) {
    throw fail("it does not start like a PLY file");
  }
  const lines = header.split(/\r?\n/).map((line) => line.trim().split(/\s+/));
  const format = lines.find(([word]) => word === "format")?.[1];
  const elements = lines.filter(([word]) => word === "element");
  const [, element, word] = elements[0] ?? [];
  if (element !== "vertex" || !/^\d{1,10}$/.test(word)) {
    throw fail(`its first element is ${shown(`${element} ${word}`)}, wanted vertex and its count`);
  }
  const count = Number(word);
  const first = lines.indexOf(elements[0]) + 1;
  const after = elements.length > 1 ? lines.indexOf(elements[1]) : lines.length;
  let rowBytes = 0;
  const properties = lines.slice(first, after).filter(([word]) => word === "property").map(
    ([, type, key]) => {
      const known = TYPES[ALIASES[type] ?? type];
      if (known === undefined) throw fail(`a vertex has a property of type "${shown(type)}"`);
      const at = rowBytes;
      rowBytes += known.bytes;
      return { key, at, read: known.read };
    },
  );
  const columns = ["x", "y", "z"].map((key) => {
    const column = properties.findIndex((property) => property.key === key);
    if (column < 0) throw fail(`its vertices have no ${key}`);
    return column;
  });
  const body = bytes.subarray(header.length);
  const rest = `its ${count} vertices do not fit in the ${body.length} bytes after its header`;
  if (format === "binary_little_endian") {
    if (count * rowBytes > body.length) throw fail(rest);
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const values = columns.map((column) => properties[column]);
    return Float64Array.from({ length: count * 3 }, (_, i) => {
      const { at, read } = values[i % 3];
      return read(view, Math.floor(i / 3) * rowBytes + at);
    });
  }
  if (format !== "ascii") {
    throw fail(`its format is "${shown(`${format}`)}", wanted ascii or binary_little_endian`);
  }
  if (2 * properties.length * count - 1 > body.length) throw fail(rest);
  const words = new TextDecoder().decode(body).trim().split(/\s+/);
  if (words.length < count * properties.length) throw fail(rest);
  return Float64Array.from(
    { length: count * 3 },
    (_, i) => Number(words[Math.floor(i / 3) * properties.length + columns[i % 3]]),
  );
}
