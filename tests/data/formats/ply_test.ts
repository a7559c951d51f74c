import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/files.ts";
import { decodePly } from "../../../src/data/formats/ply.ts";
import { mutated, seeded } from "../../support/mutations.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const header = (format: string) =>
  `ply\nformat ${format} 1.0\ncomment made by hand\nelement vertex 2\nproperty double x\n` +
  `property uchar red\nproperty float z\nproperty float y\nelement face 0\n` +
  `property list uchar int vertex_indices\nend_header\n`;
const text = encode(header("ascii") + "1.5 7 3 2\n-4 8 6.25 5e1\n");

function binary(): Uint8Array<ArrayBuffer> {
  const rows = new DataView(new ArrayBuffer(2 * 17));
  [[1.5, 7, 3, 2], [-4, 8, 6.25, 50]].forEach(([x, red, z, y], row) => {
    rows.setFloat64(17 * row, x, true);
    rows.setUint8(17 * row + 8, red);
    rows.setFloat32(17 * row + 9, z, true);
    rows.setFloat32(17 * row + 13, y, true);
  });
  return Uint8Array.of(...encode(header("binary_little_endian")), ...new Uint8Array(rows.buffer));
}

Deno.test("decodePly() reads x, y, z of text and of bytes, whatever stands between", () => {
  const points = Float64Array.of(1.5, 2, 3, -4, 50, 6.25);
  assertEquals(decodePly(text, "p.ply"), points);
  assertEquals(decodePly(binary(), "p.ply"), points);
});

Deno.test("decodePly() says what is wrong with a file", () => {
  const fails = (bytes: Uint8Array, message: string) =>
    assertThrows(() => decodePly(bytes, "p.ply"), DataError, `Cannot read "p.ply": ${message}`);
  const edited = (from: string, to: string) =>
    encode(new TextDecoder().decode(text).replace(from, to));
  fails(encode("solid"), "it does not start like a PLY file");
  fails(
    edited("vertex 2", "vertex 9999999999"),
    "its 9999999999 vertices do not fit in the 24 bytes",
  );
  fails(edited("vertex 2", "vertex 3"), "its 3 vertices do not fit");
  fails(binary().subarray(0, -1), "its 2 vertices do not fit in the 33 bytes after its header");
  fails(edited("element vertex", "element camera"), "its first element is camera 2, wanted vertex");
  fails(edited("float y", "float w"), "its vertices have no y");
  fails(edited("uchar red", "list uchar"), 'a vertex has a property of type "list"');
  fails(edited("ascii", "binary_big_endian"), 'its format is "binary_big_endian", wanted ascii or');
});

Deno.test("decodePly() of damaged files is points or a DataError", () => {
  const random = seeded(31), files = [text, binary()], outcomes = { points: 0, errors: 0 };
  for (let i = 0; i < 400; i++) {
    try {
      const points = decodePly(mutated(files[i % 2], files[(i + 1) % 2], random), "p.ply");
      assertEquals(points.length % 3, 0);
      outcomes.points++;
    } catch (error) {
      assertInstanceOf(error, DataError, `mutation ${i}: ${error}`);
      outcomes.errors++;
    }
  }
  assert(outcomes.points > 50 && outcomes.errors > 100, JSON.stringify(outcomes));
});
