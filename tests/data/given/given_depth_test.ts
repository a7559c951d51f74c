import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/files.ts";
import { decodeDepth, loadDepth } from "../../../src/data/given/given_depth.ts";
import { encodeNpy } from "../../../src/data/formats/npy.ts";
import { encodeNpz } from "../../../src/data/formats/npz.ts";
import { encodePng } from "../../../src/data/formats/png.ts";
import { mutated, seeded } from "../../support/mutations.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const values = Float32Array.of(1, 2, 4, 8, 100, 250);
const shaped = (...shape: number[]) => ndarray(values, shape);
const files: Record<string, Uint8Array<ArrayBuffer>> = {
  "a.npy": encodeNpy(shaped(2, 3), "float32"),
  "channel.npy": encodeNpy(shaped(2, 3, 1), "float32"),
  "batch.npy": encodeNpy(shaped(1, 2, 3), "float32"),
  "double.npy": encodeNpy(ndarray(Float64Array.from(values), [2, 3]), "float64"),
  "bare.npz": encodeNpz({ prediction: { array: shaped(2, 3), dtype: "float32" } }),
  "named.npz": encodeNpz({
    other: { array: shaped(6), dtype: "float32" },
    depth: { array: shaped(2, 3), dtype: "float32" },
  }),
  "8bit.png": encodePng(ndarray(Uint8Array.from(values), [2, 3])),
  "16bit.png": encodePng(ndarray(Uint16Array.from(values), [2, 3])),
};

Deno.test("decodeDepth() reads .npy, .npz and gray PNG of 8 and 16 bits, as it is or inverted", () => {
  for (const [name, bytes] of Object.entries(files)) {
    const inverse = decodeDepth(bytes, name);
    assertEquals(inverse.shape, [2, 3], name);
    assertEquals(inverse.data, values, name);
    assertEquals(decodeDepth(bytes, name, { kind: "depth" }).data, values.map((d) => 1 / d), name);
  }
});

Deno.test("decodeDepth() keeps 16 bits, and takes infinite depth as inverse depth 0", () => {
  const deep = Uint16Array.of(0, 1, 258, 65535);
  assertEquals([...decodeDepth(encodePng(ndarray(deep, [1, 4])), "d.png").data], [...deep]);
  const sky = encodeNpy(ndarray(Float32Array.of(2, Infinity), [1, 2]), "float32");
  assertEquals([...decodeDepth(sky, "d.npy", { kind: "depth" }).data], [0.5, 0]);
});

Deno.test("decodeDepth() says what is wrong with a file, and what to do", () => {
  const fails = (bytes: Uint8Array, message: string, kind?: "depth") =>
    assertThrows(() => decodeDepth(bytes, "d", { kind }), DataError, message);
  const npy = (...values: number[]) =>
    encodeNpy(ndarray(Float32Array.from(values), [1, values.length]), "float32");
  fails(
    npy(1, 0, -2, NaN),
    "3 of its 4 values are not above 0, the first is 0; fill what is missing",
    "depth",
  );
  fails(npy(1, NaN), 'Cannot use "d": value 1 is NaN, wanted a number');
  fails(npy(1, Infinity), "value 1 is Infinity");
  fails(encodeNpy(shaped(6), "float32"), "shape is (6), wanted (height, width)");
  fails(encodeNpy(shaped(2, 1, 3), "float32"), "wanted (height, width)");
  fails(new Uint8Array(99), "it is neither .npy, .npz nor a PNG");
  const two = encodeNpz({
    x: { array: shaped(2, 3), dtype: "float32" },
    y: { array: shaped(2, 3), dtype: "float32" },
  });
  fails(two, 'there is no array "disp" in it, found "x", "y"');
  fails(encodePng(ndarray(Uint8Array.of(9, 9, 8), [1, 1, 3])), "it is in color, and colors are");
});

Deno.test("decodeDepth() of damaged files is finite, or a DataError", () => {
  const random = seeded(22), names = Object.keys(files);
  const outcomes = { depths: 0, errors: 0 };
  for (let i = 0; i < 600; i++) {
    const name = names[i % names.length];
    const damaged = mutated(files[name], files[names[Math.floor(random() * names.length)]], random);
    try {
      const { data, shape } = decodeDepth(damaged, name);
      assertEquals(data.length, shape[0] * shape[1]);
      assert(data.every(Number.isFinite));
      outcomes.depths++;
    } catch (error) {
      assertInstanceOf(error, DataError, `mutation ${i} of ${name}: ${error}`);
      outcomes.errors++;
    }
  }
  assert(outcomes.depths > 20 && outcomes.errors > 200, JSON.stringify(outcomes));
});

Deno.test("loadDepth() names the file", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "000.png");
  await Deno.writeFile(path, files["16bit.png"]);
  assertEquals((await loadDepth(path)).data, values);
});
