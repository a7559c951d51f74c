import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { join } from "@std/path";
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray from "npm:ndarray@1.1.1";
import { DataError } from "../../../src/data/files.ts";
import { decodeFlow, loadFlow } from "../../../src/data/given/given_flow.ts";
import { encodeNpy } from "../../../src/data/formats/npy.ts";
import { encodeNpz } from "../../../src/data/formats/npz.ts";
import { encodePng } from "../../../src/data/formats/png.ts";
import { encodeFlow, readFlow } from "../../../src/data/scene/scene_files.ts";
import { mutated, seeded } from "../../support/mutations.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const values = Float32Array.of(1.5, -2, 0, 3.25, -100.5, 0.015625, 7, 8, 9, 10, 11, 12);
const flow = ndarray(values, [2, 3, 2]);

/** A Middlebury file, written as their C code does. */
function flo(width: number, height: number, values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + values.byteLength), view = new DataView(bytes.buffer);
  view.setFloat32(0, 202021.25, true);
  view.setInt32(4, width, true);
  view.setInt32(8, height, true);
  values.forEach((value, i) => view.setFloat32(12 + 4 * i, value, true));
  return bytes;
}

const valid = ndarray(Uint8Array.of(1, 0, 1, 1, 1, 0), [2, 3]);
const files: Record<string, Uint8Array<ArrayBuffer>> = {
  "a.flo": flo(3, 2, values),
  "a.npy": encodeNpy(flow, "float32"),
  "masked.npz": encodeFlow(flow, valid),
  "bare.npz": encodeNpz({ uv: { array: flow, dtype: "float32" } }),
  "double.npy": encodeNpy(ndarray(Float64Array.from(values), [2, 3, 2]), "float64"),
};

Deno.test("decodeFlow() reads .flo, .npy and .npz, told apart by what is in them", () => {
  for (const [name, bytes] of Object.entries(files)) {
    const found = decodeFlow(bytes, "anything");
    assertEquals(found.flow.shape, [2, 3, 2], name);
    assertEquals(found.flow.data, values, name);
    assertEquals(found.valid?.data, name === "masked.npz" ? valid.data : undefined, name);
  }
});

Deno.test("decodeFlow() reads KITTI's PNG of 16 bits: (value − 2¹⁵)/64, blue says whether", () => {
  const samples = Uint16Array.from([0, 1, 2, 3, 4, 5].flatMap((pixel) => [
    values[2 * pixel] * 64 + 2 ** 15,
    values[2 * pixel + 1] * 64 + 2 ** 15,
    valid.data[pixel],
  ]));
  const found = decodeFlow(encodePng(ndarray(samples, [2, 3, 3])), "kitti.png");
  assertEquals(found.valid?.data, valid.data);
  const known = values.map((value, i) => valid.data[Math.floor(i / 2)] ? value : 0);
  assertEquals(found.flow.data, known);
});

Deno.test("decodeFlow() takes flow above 1e9 and NaN in .flo as unknown", () => {
  const unknown = Float32Array.of(1, 2, 1666666752, 0, 3, NaN);
  const { flow, valid } = decodeFlow(flo(3, 1, unknown), "a.flo");
  assertEquals([...flow.data], [1, 2, 0, 0, 0, 0]);
  assertEquals([...valid!.data], [1, 0, 0]);
});

Deno.test("decodeFlow() says what is wrong with a file, and what to do", () => {
  const fails = (bytes: Uint8Array, message: string) =>
    assertThrows(() => decodeFlow(bytes, "f"), DataError, message);
  const good = files["a.flo"];
  fails(good.subarray(0, 8), 'Cannot read "f": the file ends in its header');
  fails(good.subarray(0, 40), "a flow of 3 x 2 has 60 bytes in this format, found 40");
  fails(flo(-3, 2, values), "it says that it is a flow of -3 x 2");
  fails(flo(2 ** 31 - 1, 2 ** 31 - 1, values), "found 60");
  fails(new Uint8Array(99), "it is neither .flo, .npy, .npz nor a PNG of 16 bits");
  fails(
    encodeNpy(ndarray(values, [2, 2, 3]), "float32"),
    "shape is (2, 2, 3), wanted (height, width, 2); save it again with array.transpose(1, 2, 0)",
  );
  fails(encodeNpy(ndarray(values, [12]), "float32"), "shape is (12), wanted (height, width, 2)");
  const broken = Float32Array.from(values);
  broken[5] = NaN;
  fails(encodeNpy(ndarray(broken, [2, 3, 2]), "float32"), "value 5 is NaN, wanted a number");
  const picture = ndarray(new Uint8Array(18), [2, 3, 3]);
  fails(encodePng(picture), "it is a picture of 8 bits, and colors are no flow");
  const small = ndarray(new Uint8Array(4), [2, 2]);
  fails(encodeFlow(flow, small), 'Cannot use "f[mask]": shape is (2, 2), wanted (2, 3)');
});

Deno.test("decodeFlow() of damaged files is flow of finite numbers, or a DataError", () => {
  const random = seeded(21), names = Object.keys(files);
  const outcomes = { flows: 0, errors: 0 };
  for (let i = 0; i < 500; i++) {
    const name = names[i % names.length];
    const damaged = mutated(files[name], files[names[Math.floor(random() * names.length)]], random);
    try {
      const { flow, valid } = decodeFlow(damaged, name);
      const [height, width] = flow.shape;
      assertEquals(flow.data.length, height * width * 2);
      assert(flow.data.every(Number.isFinite));
      if (valid) assertEquals(valid.data.length, height * width);
      outcomes.flows++;
    } catch (error) {
      assertInstanceOf(error, DataError, `mutation ${i} of ${name}: ${error}`);
      outcomes.errors++;
    }
  }
  assert(outcomes.flows > 20 && outcomes.errors > 200, JSON.stringify(outcomes));
});

Deno.test("readFlow() and loadFlow() read what encodeFlow() writes", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "000_fwd.npz");
  await Deno.writeFile(path, encodeFlow(flow, valid));
  for (const read of [await readFlow(path), await loadFlow(path)]) {
    assertEquals(read.flow.data, values);
    assertEquals(read.valid?.data, valid.data);
  }
});
