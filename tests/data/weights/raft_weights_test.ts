import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/data_error.ts";
import { decodePth, encodePth, type PthTensor } from "../../../src/data/weights/pth.ts";
import { raftParameters, raftWeights } from "../../../src/data/weights/raft_weights.ts";
import { findNetwork } from "../../../tasks/weights/parts.ts";
import { fixture } from "../temporary_folder.ts";

interface Entry {
  name: string;
  shape: number[];
  dtype: "float32" | "int64";
  same_as?: string;
}

/** Every entry of the authors' file, in its order. */
const layout: Entry[] = JSON.parse(await Deno.readTextFile(fixture("goldens/prep/layouts.json")))[
  "raft-things.pth"
];

/** A file with that layout; a tensor's values tell its name. */
function officialFile(): Map<string, PthTensor> {
  return new Map(layout.map(({ name, shape, dtype, same_as }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const value = (same_as ?? name).length / 64;
    return [
      name,
      dtype === "int64"
        ? { dtype: "I64", shape, data: new BigInt64Array(size) }
        : { dtype: "F32", shape, data: new Float32Array(size).fill(value) },
    ];
  }));
}

Deno.test("raftParameters are the 179 entries of raft-things.pth, but counters and repeated tensors", () => {
  const wanted = layout.filter(({ dtype, same_as }) => dtype === "float32" && !same_as);
  assertEquals(layout.length, 179);
  const sorted = (entries: readonly { name: string; shape: readonly number[] }[]) =>
    entries.map(({ name, shape }) => `${name} ${shape}`).sort();
  assertEquals(
    sorted(raftParameters.map(({ name, shape }) => ({ name: `module.${name}`, shape }))),
    sorted(wanted),
  );
});

Deno.test("raftWeights() takes the authors' file, with and without what it has twice", () => {
  const file = officialFile();
  const saved = decodePth(encodePth(file), "raft-things.pth").tensors;
  const weights = raftWeights({ name: "raft-things.pth", tensors: saved });
  assertEquals([...weights.keys()], raftParameters.map(({ name }) => name));
  const bias = "module.cnet.layer2.0.norm3.bias";
  assertEquals(
    weights.get("cnet.layer2.0.norm3.bias"),
    new Float32Array(96).fill(bias.length / 64),
  );
  for (const without of [/num_batches_tracked$/, /\.downsample\.1\./, /\.norm3\./]) {
    const fewer = new Map([...file].filter(([name]) => !without.test(name)));
    assertEquals(raftWeights({ name: "fewer.pth", tensors: fewer }), weights);
  }
  const plain = new Map([...file].map(([name, tensor]) => [name.slice("module.".length), tensor]));
  assertEquals(raftWeights({ name: "plain.pth", tensors: plain }), weights);
});

Deno.test("raftWeights() names the first weight that does not fit, and the file that is wanted", () => {
  const refuse = (change: (file: Map<string, PthTensor>) => void, message: string) => {
    const file = officialFile();
    change(file);
    assertThrows(() => raftWeights({ name: "my.pth", tensors: file }), DataError, message);
  };
  const floats = (shape: number[], value = 0): PthTensor => ({
    dtype: "F32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });
  refuse(
    (file) => {
      file.delete("module.cnet.conv1.bias");
      file.delete("module.update_block.mask.2.bias");
    },
    'Cannot take RAFT from "my.pth": "cnet.conv1.bias" is missing; ' +
      'wanted RAFT trained on FlyingThings, "raft-things.pth" of https://',
  );
  refuse(
    (file) => file.set("module.fnet.conv1.weight", floats([32, 3, 7, 7])), // the small network
    '"fnet.conv1.weight" is (32, 3, 7, 7), wanted (64, 3, 7, 7); wanted RAFT',
  );
  refuse(
    (file) => file.set("module.update_block.gru.convz1.bias", floats([128], NaN)),
    '"update_block.gru.convz1.bias" holds NaN',
  );
  refuse(
    (file) => file.set("module.cnet.layer3.0.downsample.1.weight", floats([128])),
    '"cnet.layer3.0.norm3.weight" differs from "cnet.layer3.0.downsample.1.weight", which is the same tensor',
  );
});

Deno.test("findNetwork() knows RAFT", () => {
  const tensors = new Map(
    [...officialFile()].map(([name, tensor]) => [name.slice("module.".length), tensor]),
  );
  const { parts, others } = findNetwork(tensors);
  assertEquals(parts.length, 1);
  const [{ title, wanted, match }] = parts;
  assertStringIncludes(title, "RAFT");
  assertEquals([match.matched.size, wanted], [raftParameters.length, raftParameters.length]);
  assertEquals([match.unexpected, match.missing, [...others]], [[], [], []]);
  assertEquals(match.unused.length, 179 - raftParameters.length);
});
