import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { DataError } from "../../../src/data/files.ts";
import { toFloat32 } from "../../../src/data/weights/half.ts";
import { type Npz, readNpz } from "../../../src/data/formats/npz.ts";
import {
  decodePth,
  encodePth,
  type PthFile,
  type PthTensor,
} from "../../../src/data/weights/pth.ts";
import { encodeSafetensors } from "../../../src/data/formats/safetensors.ts";
import { decodeWeights } from "../../../src/data/weights/weights_file.ts";
import { encodeStoredZip, encodeZip, openZip } from "../../../src/data/formats/zip.ts";
import { goldensDirectory, loadIndex } from "../../support/goldens.ts";
import { mutated, seeded } from "../../support/mutations.ts";
import {
  bytesOf,
  integer,
  legacyFile,
  type PickledTensor,
  pickledTensor,
  text,
  zipFile,
} from "../../support/pickles.ts";

const index = await loadIndex();
const golden = index.cases.find(({ name }) => name === "pth")!;
const { good, must_be_rejected: bad } = golden.config as {
  good: { file: string; expected: string }[];
  must_be_rejected: { file: string; reason: string }[];
};
const read = (file: string) => Deno.readFile(join(goldensDirectory(), file));

/** The same number, bit for bit. */
const same = (a: ArrayLike<unknown>, b: ArrayLike<unknown>) =>
  a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]));

/** What is in a file under a golden's path, as its `.npz` has it: half precision as float32. */
function found({ tensors, values }: PthFile, path: string): { shape: number[]; data: unknown[] } {
  const tensor = tensors.get(path);
  if (tensor === undefined) return { shape: [], data: [Number(values.get(path))] };
  const half = tensor.dtype === "F16" || tensor.dtype === "BF16";
  return { shape: tensor.shape, data: [...(half ? toFloat32(tensor) : tensor.data)] };
}

function expected(npz: Npz, key: string, path: string, { tensors }: PthFile) {
  const { shape, data } = npz.array(key, ["float32", "float64", "int32", "int64", "bool"]);
  const values: unknown[] = [...data];
  return { shape, data: tensors.has(path) ? values : values.map(Number) };
}

Deno.test("golden pth: decodePth() reads every good file bit for bit", async () => {
  const npz = await readNpz(join(goldensDirectory(), golden.file));
  assertEquals(good.length, 8);
  for (const { file, expected: prefix } of good) {
    const pth = decodePth(await read(file), file);
    assertEquals(pth.format, file.includes("zip") ? "zip" : "legacy");
    const keys = npz.names.filter((name) => name.startsWith(prefix));
    const paths = keys.map((key) => key.slice(prefix.length));
    assert([...pth.tensors.keys()].every((path) => paths.includes(path)), file);
    for (const [i, path] of paths.entries()) {
      const actual = found(pth, path), wanted = expected(npz, keys[i], path, pth);
      assertEquals(actual.shape, wanted.shape, `${file}: ${path}`);
      assert(same(actual.data, wanted.data), `${file}: ${path}`);
    }
  }
});

Deno.test("golden pth: decodePth() refuses every bad file with a DataError that says why", async () => {
  const reasons: [RegExp, RegExp][] = [
    [/calls os\.system/, /it wants to call posix\.system; only tensors and plain values are read/],
    [/central directory is missing/, /it is no PyTorch file or is cut short; copy it again/],
    [/cut inside the last storage/, /storage "\d+" has 28 bytes, wanted 32; copy the file again/],
    [/claims 2 GiB/, /the sizes in its directory cannot be true; copy it again/],
    [/fewer bytes than the pickle says/, /storage "data\/0" has 4 bytes, wanted 48/],
    [
      /64 elements at offset 2/,
      /shape \(64\), strides \(1\) and offset 2 lies outside its storage/,
    ],
    [/nests without end/, /its pickle is damaged \(it ends early/],
  ];
  assertEquals(bad.length, 8);
  for (const { file, reason } of bad) {
    const bytes = await read(file);
    const error = assertThrows(() => decodePth(bytes, file), DataError, `Cannot read "${file}`);
    const wanted = reasons.find(([about]) => about.test(reason))?.[1] ?? /copy|save/;
    assert(wanted.test((error as Error).message), `${reason}: ${(error as Error).message}`);
  }
});

/** A file with one tensor, in both formats. */
const both = (tensor: PickledTensor, storage: Float32Array<ArrayBuffer>) => {
  const pickle = pickledTensor(tensor);
  return [zipFile(pickle, { 0: storage }), legacyFile(pickle, { 0: storage })];
};
const COUNT = Float32Array.from({ length: 24 }, (_, i) => i);

Deno.test("decodePth() gathers views: strides, offsets, repeats, pieces, and nothing", () => {
  const cases: [PickledTensor, number[]][] = [
    [{ elements: 24, shape: [2, 3], strides: [1, 2] }, [0, 2, 4, 1, 3, 5]],
    [{ elements: 24, offset: 5, shape: [2, 2], strides: [12, 3] }, [5, 8, 17, 20]],
    [{ elements: 24, offset: 3, shape: [2, 1, 3], strides: [0, 9, 0] }, [3, 3, 3, 3, 3, 3]],
    [{ elements: 24, offset: 23, shape: [], strides: [] }, [23]],
    [{ elements: 24, offset: 99, shape: [0, 4], strides: [4, 1] }, []],
    [{ elements: 24, part: [10, 4], offset: 1, shape: [3], strides: [1] }, [11, 12, 13]],
    [{ elements: 24, shape: [1, 3], strides: [99, 1], location: "cuda:0" }, [0, 1, 2]],
  ];
  for (const [tensor, values] of cases) {
    for (const file of both(tensor, COUNT)) {
      const { shape, data } = decodePth(file, "x.pth").tensors.get("")!;
      assertEquals(shape, tensor.shape);
      assertEquals([...data], values);
    }
  }
});

Deno.test("decodePth() refuses views that leave their storage, and storages that lie", () => {
  const fails = (tensor: PickledTensor, message: string, storage = COUNT) => {
    for (const file of both(tensor, storage)) {
      assertThrows(() => decodePth(file, "x.pth"), DataError, message);
    }
  };
  fails({ elements: 24, shape: [25], strides: [1] }, "lies outside its storage");
  fails({ elements: 24, shape: [2, 2], strides: [23, 1] }, "lies outside its storage");
  fails({ elements: 24, offset: 24, shape: [], strides: [] }, "lies outside its storage");
  fails({ elements: 24, shape: [2], strides: [-1] }, "described in a way that is not known");
  fails({ elements: 24, shape: [2], strides: [1, 1] }, "described in a way that is not known");
  fails({ elements: 24, part: [22, 3], shape: [1], strides: [1] }, "a part of storage");
  fails({ elements: 25, shape: [2], strides: [1] }, "has 96 bytes, wanted 100");
  fails({ elements: 24, key: "1", shape: [2], strides: [1] }, "storage");
  // 4 bytes that claim to be 4 GB.
  const repeated = { elements: 1, shape: [10 ** 9], strides: [0] };
  fails(
    repeated,
    "unfolds to 4000000000 bytes or more, wanted at most 67108864",
    COUNT.slice(0, 1),
  );
});

Deno.test("decodePth() counts what shared storages unfold to", () => {
  const tensor = pickledTensor({ elements: 1, shape: [10 ** 6], strides: [0] });
  const list = (count: number) => bytesOf("](", ...Array(count).fill(tensor), "e");
  const load = (count: number) =>
    decodePth(zipFile(list(count), { 0: Float32Array.of(7) }), "x.pth").tensors;
  assertEquals(load(3).get("2")!.data[999_999], 7);
  assertThrows(() => load(17), DataError, "unfolds to 68000028 bytes or more");
});

Deno.test("decodePth() names nested values by path, and keeps integers exact", () => {
  const tensor = pickledTensor({ elements: 24, shape: [2], strides: [1] });
  const pickle = bytesOf(
    ...["}(", text("epoch"), "K\x07", text("lr"), "G\x3f\x50\x62\x4d\xd2\xf1\xa9\xfc"],
    ...[text("ids"), "](", bytesOf(0x8a, 8), "\x01\0\0\0\0\0\x20\0K\x01e"],
    ...[text("state"), "}K\0}", text("exp_avg"), tensor, "ss", text("none"), "N", "u"],
  );
  const { tensors, values } = decodePth(zipFile(pickle, { 0: COUNT }), "x.pth");
  assertEquals([...tensors.keys()], ["state/0/exp_avg"]);
  const read = [["epoch", 7], ["lr", 0.001], ["ids/0", 2n ** 53n + 1n], ["ids/1", 1]];
  assertEquals([...values], read as [string, number][]);
});

Deno.test("decodePth() refuses names that come twice, endless nests, and foreign containers", () => {
  const fails = (bytes: Uint8Array, message: string) =>
    assertThrows(() => decodePth(bytes, "x.pth"), DataError, message);
  fails(
    zipFile(bytesOf("}(", text("a"), "K\x01", text("a"), "K\x02u")),
    'two entries are named "a"',
  );
  fails(
    zipFile(bytesOf("}(", text("a/b"), "K\x01", text("a"), "}", text("b"), "K\x02su")),
    'two entries are named "a/b"',
  );
  fails(zipFile("]q\0(h\0h\0e"), "it is nested deeper than 100"); // a list in itself, twice
  // A tree of 10^30 leaves that is the same list again and again.
  fails(
    zipFile("K\x01q\0" + "](h\0h\0h\0h\0h\0h\0h\0h\0h\0h\0eq\0".repeat(30)),
    "more than 1048576",
  );
  fails(zipFile(bytesOf("}", "K\x01\x85", "K\x01s")), "neither text nor number");
  fails(zipFile("ctorch.nn.modules.linear\nLinear\n)R"), "torch.nn.modules.linear.Linear");
  fails(bytesOf(0x80, 2, "K\x01."), "it is a pickle, but not of torch.save");
  fails(encodeZip({ "a/x": Uint8Array.of(1) }), "0 entries are named data.pkl");
  const magic = legacyFile("N", {}).subarray(0, 15);
  fails(bytesOf(magic, 0x80, 2, "M\xea\x03."), "its format has version 1002, wanted 1001");
  const tree = "]q\0" + "](h\0h\0h\0h\0h\0h\0h\0h\0h\0h\0eq\0".repeat(30);
  fails(bytesOf(magic, 0x80, 2, tree, "."), "its format has version no number, wanted 1001");
  fails(zipFile(bytesOf(tree, "cnumpy\ndtype\nh\0", 0x85, "R")), 'NumPy\'s type "?"');
  fails(bytesOf("GIF89a"), "it does not begin like a PyTorch file");
  const files = { "a/data.pkl": bytesOf(0x80, 2, "N.") };
  assertEquals(decodePth(encodeZip(files), "x.pth").tensors.size, 0);
  fails(encodeZip({ ...files, "a/byteorder": bytesOf("big") }), 'its byte order is "big"');
  fails(encodeZip({ ...files, "a/byteorder": new Uint8Array(2 ** 24) }), 'its byte order is "…"');
  fails(encodeZip({ ...files, "a/constants.pkl": bytesOf(".") }), "it is a TorchScript program");
});

Deno.test("decodePth() reads or refuses a million entries, and does not hang", () => {
  const numbers = zipFile(bytesOf("](", "K\x01".repeat(1_000_000), "e"));
  assertEquals(decodePth(numbers, "x.pth").values.size, 1_000_000);
  const lists = zipFile(new Uint8Array(2_000_000).fill(0x5d));
  assertThrows(() => decodePth(lists, "x.pth"), DataError, "more than 1048576 objects");
  const long = zipFile(new Uint8Array(18_000_000).fill(0x5d));
  assertThrows(() => decodePth(long, "x.pth"), DataError, "its pickle has 18000003 bytes");
});

Deno.test("decodePth() reads what older and newer PyTorch write", () => {
  const part = (type: string) =>
    bytesOf("(", text("storage"), type, text("0"), text("cpu"), integer(24), "tQ");
  const sizes = bytesOf(integer(2), 0x85, integer(3), 0x85);
  const hooks = "ccollections\nOrderedDict\n)R";
  const values = (
    pickle: Uint8Array,
    storage: ArrayBufferView<ArrayBuffer> = COUNT,
  ) => [...decodePth(zipFile(pickle, { 0: storage }), "x.pth").tensors.get("")!.data];
  const old = bytesOf("ctorch._utils\n_rebuild_tensor\n(", part("ctorch.cuda\nFloatStorage\n"));
  assertEquals(values(bytesOf(old, integer(1), sizes, "tR")), [1, 4]);
  // Python 2 and PyTorch 0.3: Parameter(tensor) with its flags as state.
  const parameter = bytesOf("ctorch.nn.parameter\nParameter\n", old, integer(1), sizes, "tR");
  assertEquals(values(bytesOf(parameter, 0x85, "R", 0x88, 0x89, hooks, 0x87, "b")), [1, 4]);
  // PyTorch 2: an untyped storage of bytes, and the dtype with the tensor.
  const bytes = bytesOf("(", text("storage"), "ctorch.storage\nUntypedStorage\n", text("0"));
  const untyped = bytesOf(bytes, text("cpu"), integer(96), "tQ", integer(1), sizes);
  const v3 = bytesOf("ctorch._utils\n_rebuild_tensor_v3\n(", untyped, 0x89, hooks);
  assertEquals(values(bytesOf(v3, "ctorch\nfloat32\n", "tR")), [1, 4]);
  // An OrderedDict of Python 2, and one with attributes.
  const pairs = bytesOf(
    "ccollections\nOrderedDict\n](](",
    text("a"),
    "K\x05e]",
    text("b"),
    "aK\x06a",
  );
  const dict = bytesOf(pairs, "e", 0x85, "R}", text("_metadata"), "}sb");
  assertEquals([...decodePth(zipFile(dict), "x.pth").values], [["a", 5], ["b", 6]]);
  // A number of NumPy's.
  const double = "\0\0\0\0\0\x40\x3f\x40"; // 31.25
  const number = bytesOf(
    ...["cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n", text("f8"), 0x89, 0x88, 0x87, "R("],
    ...["K\x03", text("<"), "NNNK\0K\0K\0tb", "c_codecs\nencode\n", text(double), text("latin1")],
    ...[0x86, "R", 0x86, "R"],
  );
  assertEquals(decodePth(zipFile(number), "x.pth").values.get(""), 31.25);
});

const tensors = new Map<string, PthTensor>([
  ["conv.weight", {
    dtype: "F32",
    shape: [2, 3],
    data: Float32Array.of(1, NaN, -0, 4, 5, Infinity),
  }],
  ["half", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xfc01) }],
  ["brain", { dtype: "BF16", shape: [1, 2], data: Uint16Array.of(0x3f80, 0x7fc1) }],
  ["double", { dtype: "F64", shape: [], data: Float64Array.of(0.1) }],
  ["num_batches_tracked", { dtype: "I64", shape: [], data: BigInt64Array.of(2n ** 53n + 1n) }],
  ["ids", { dtype: "I32", shape: [2], data: Int32Array.of(-1, 2) }],
  ["i16", { dtype: "I16", shape: [1], data: Int16Array.of(-300) }],
  ["i8", { dtype: "I8", shape: [1], data: Int8Array.of(-3) }],
  ["bytes", { dtype: "U8", shape: [3], data: Uint8Array.of(0, 128, 255) }],
  ["mask", { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) }],
  ["nothing", { dtype: "F32", shape: [0, 3], data: new Float32Array(0) }],
  ["Größe", { dtype: "F32", shape: [1], data: Float32Array.of(8) }],
]);

Deno.test("decodePth() reads what encodePth() writes, in every type, and equal tensors give equal bytes", () => {
  const bytes = encodePth(tensors);
  const read = decodePth(bytes, "x.pth");
  assertEquals(read.tensors, tensors);
  assertEquals([...read.tensors.keys()], [...tensors.keys()]);
  assertEquals(read.values.size, 0);
  assertEquals(encodePth(new Map(tensors)), bytes);
  assertEquals(decodePth(encodePth(new Map()), "x.pth").tensors.size, 0);
  const wrong = new Map(tensors).set("w", { dtype: "F32", shape: [3], data: new Float32Array(2) });
  assertThrows(() => encodePth(wrong), RangeError, 'tensor "w": shape (3) needs 3 values, found 2');
});

Deno.test("encodePth() lays out its archive as torch.load wants it", () => {
  const bytes = encodePth(tensors), view = new DataView(bytes.buffer);
  const { entries } = openZip(bytes, "x.pth", { what: "PyTorch file", remedy: "" });
  const storages = [...tensors.keys()].map((_, i) => `archive/data/${i}`);
  const names = ["archive/data.pkl", ...storages, "archive/byteorder", "archive/version"];
  assertEquals([...entries.keys()], names);
  for (const [name, { method, localHeader, packedBytes, bytes }] of entries) {
    const start = localHeader + 30 + view.getUint16(localHeader + 26, true) +
      view.getUint16(localHeader + 28, true);
    assertEquals([method, packedBytes, start % 64], [0, bytes, 0], name);
  }
});

Deno.test("decodeWeights() answers 400 mutations of good files with tensors or a DataError", async () => {
  const random = seeded(20200912);
  const files: [string, Uint8Array, (bytes: Uint8Array) => Uint8Array][] = [];
  for (const { file } of good) {
    const bytes = await read(file);
    files.push([file, bytes, (bytes) => bytes]);
    if (!file.includes("zip")) continue;
    // The checksum keeps most damage from the pickle: damage it before it is packed as well.
    const zip = openZip(bytes, file, { what: "PyTorch file", remedy: "" });
    const parts = Object.fromEntries(
      [...zip.entries].map(([name, entry]) => [name, zip.extract(entry, name)]),
    );
    const name = Object.keys(parts).find((name) => name.endsWith("data.pkl"))!;
    files.push([
      `${file}[${name}]`,
      parts[name],
      (pickle) => encodeZip({ ...parts, [name]: pickle }),
    ]);
  }
  const safetensors = encodeSafetensors(tensors);
  files.push(["state.safetensors", safetensors, (bytes) => bytes]);
  const outcomes = { tensors: 0, errors: 0 };
  for (let i = 0; i < 400; i++) {
    const [name, bytes, pack] = files[i % files.length];
    const other = files[Math.floor(random() * files.length)][1];
    const damaged = pack(mutated(bytes, other, random));
    try {
      for (const { shape, data } of decodeWeights(damaged, name).tensors.values()) {
        assertEquals(data.length, shape.reduce((product, length) => product * length, 1));
      }
      outcomes.tensors++;
    } catch (error) {
      assertInstanceOf(error, DataError, `mutation ${i} of ${name}: ${error}`);
      assert((error as Error).message.startsWith("Cannot read "), String(error));
      outcomes.errors++;
    }
  }
  assert(outcomes.tensors > 5 && outcomes.errors > 200, JSON.stringify(outcomes));
});

Deno.test("decodePth() refuses much that is compressed, which takes long to unpack", () => {
  const name = "archive/data/0", noise = seeded(5);
  const archive = encodeStoredZip(
    new Map([
      ["archive/data.pkl", bytesOf("")],
      [name, Uint8Array.from({ length: 2 ** 17 }, () => noise() * 256)],
    ]),
  );
  const { entries } = openZip(archive, "a.pth", { what: "zip archive", remedy: "" });
  assertEquals(entries.get(name)!.method, 0);
  const deflated = archive.slice();
  const view = new DataView(deflated.buffer); // the same, but its directory says deflated
  for (let at = 0; at + 4 < deflated.length; at++) {
    if (view.getUint32(at, true) === 0x02014b50) view.setUint16(at + 10, 8, true);
  }
  assertThrows(() => decodePth(deflated, "a.pth"), DataError, "wanted at most 65536; unzip it");
});

/** Opcodes of a call of an unknown name with these arguments, and of giving it a state. */
const object = (name: string, args: Uint8Array | string = ")", state = "") =>
  bytesOf(`c${name}\n`, args, "R", state);

Deno.test("decodePth() leaves out what it does not know beside a network, and says what", () => {
  const tensor = pickledTensor({ elements: 2, shape: [2], strides: [1] });
  const entry = (key: string, value: Uint8Array | string) => bytesOf(text(key), value, "s");
  const namespace = object("argparse\nNamespace", ")", "}X\x02\0\0\0lrK\x01sb");
  const pickle = bytesOf(
    "}",
    entry("state_dict", bytesOf("}", entry("conv.weight", tensor))),
    entry("args", namespace),
    entry(
      "history",
      bytesOf(object("mmengine.logging\nHistoryBuffer"), "](K\x01K\x02eb"),
    ),
    entry("path", object("pathlib\nPosixPath", bytesOf("(", text("/data"), "t"))),
    entry("when", object("datetime\ndatetime", bytesOf("(C\x02ab", "t"))),
    entry("device", object("torch\ndevice", bytesOf("(", text("cuda"), "K\x00t"))),
    entry(
      "counts",
      bytesOf(object("collections\ndefaultdict", "(cbuiltins\nint\nt"), text("a"), "K\x07s"),
    ),
    entry("seen", object("builtins\nset", "((K\x03K\x04lt")),
    entry("rng", object("numpy.random\nmake_randomstate_ctor")),
    entry("sized", bytesOf("cm\nK\n)}", 0x92)), // a class, its arguments, arguments by name
  );
  const { tensors, values, unknown } = decodePth(
    zipFile(pickle, { 0: Float32Array.of(3, 4) }),
    "x.pth",
  );
  assertEquals([...tensors.keys()], ["state_dict/conv.weight"]);
  assertEquals([...tensors.get("state_dict/conv.weight")!.data], [3, 4]);
  assertEquals([...values], [["device", "cuda:0"], ["counts/a", 7], ["seen/0", 3], ["seen/1", 4]]);
  assertEquals([...unknown], [
    ["args", "argparse.Namespace"],
    ["history", "mmengine.logging.HistoryBuffer"],
    ["path", "pathlib.PosixPath"],
    ["when", "datetime.datetime"],
    ["rng", "numpy.random.make_randomstate_ctor"],
    ["sized", "m.K"],
  ]);
});

Deno.test("decodePth() refuses unknown tensors among a network's, not among others, and what runs or opens something", () => {
  const tensor = pickledTensor({ elements: 2, shape: [2], strides: [1] });
  const complex = pickledTensor({
    storage: "ComplexFloatStorage",
    key: "1",
    elements: 1,
    shape: [1],
    strides: [1],
  });
  const file = (...entries: [string, Uint8Array | string][]) =>
    zipFile(bytesOf("}", ...entries.flatMap(([key, value]) => [text(key), value, "s"])), {
      0: Float32Array.of(3, 4),
    });
  assertThrows(
    () => decodePth(file(["a.weight", tensor], ["a.phase", complex]), "x.pth"),
    DataError,
    '"a.phase" is a tensor of torch.ComplexFloatStorage, which is not read here',
  );
  const sparse = object("torch._utils\n_rebuild_sparse_tensor", bytesOf("(", tensor, "t"));
  assertThrows(
    () => decodePth(file(["a.weight", tensor], ["a.mask", sparse]), "x.pth"),
    DataError,
    '"a.mask" is a tensor of torch._utils._rebuild_sparse_tensor',
  );
  const beside = decodePth(
    file(["net", bytesOf("}", text("w"), tensor, "s")], ["spectrum", complex]),
    "x.pth",
  );
  assertEquals([[...beside.tensors.keys()], [...beside.unknown]], [
    ["net/w"],
    [["spectrum", "torch.ComplexFloatStorage"]],
  ]);
  for (const name of ["os\nsystem", "builtins\neval", "subprocess\nPopen", "x\n__reduce__"]) {
    assertThrows(
      () => decodePth(file(["w", tensor], ["x", object(name)]), "x.pth"),
      DataError,
      `it wants to call ${name.replace("\n", ".")}; only tensors and plain values are read`,
    );
  }
  assertThrows(
    () => decodePth(zipFile(object("train\nNet")), "x.pth"),
    DataError,
    "it wants to call train.Net; only tensors and plain values are read; save the network's state_dict()",
  );
});
