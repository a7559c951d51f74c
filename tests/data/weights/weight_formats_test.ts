import { assertEquals, assertThrows } from "@std/assert";
import { decodeCheckpoint, encodeCheckpoint } from "../../../src/data/run/checkpoint.ts";
import { DataError } from "../../../src/data/data_error.ts";
import { decodePth } from "../../../src/data/weights/pth.ts";
import {
  decodeSafetensors,
  type SafetensorsTensor,
} from "../../../src/data/formats/safetensors.ts";
import { toSafetensors, toStateDict } from "../../../src/data/weights/weight_formats.ts";
import { decodeWeights } from "../../../src/data/weights/weights_file.ts";
import { balloon } from "../../../src/recipes/recipe.ts";

function tensor(shape: number[], first: number) {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, (_, i) => first + i / 8) };
}

function stored(shape: number[], first = 0): SafetensorsTensor {
  return { dtype: "F32", ...tensor(shape, first) };
}

Deno.test("toStateDict() and toSafetensors() give a checkpoint's very bytes back", () => {
  const checkpoint = encodeCheckpoint({
    recipe: { ...balloon("small"), scenes: ["Ballön"] },
    stage: "dynamic",
    step: 12,
    tensors: new Map([["mlp_static.lin_in.bias", tensor([3], 1)], ["z", tensor([], 2)]]),
    optimizer: new Map([["mlp_static.lin_in.bias.exp_avg", tensor([3], 4)]]),
  });
  const there = toStateDict(decodeWeights(checkpoint, "a"), "a");
  const { tensors, format } = decodePth(there.bytes, "b");
  assertEquals([...tensors.keys()], [
    "mlp_static.lin_in.bias",
    "z",
    "optimizer.mlp_static.lin_in.bias.exp_avg",
    "__metadata__",
  ]);
  assertEquals([there.tensors, format], [4, "zip"]);
  const back = toSafetensors(decodeWeights(there.bytes, "b"), "b");
  assertEquals(back.bytes, checkpoint);
  assertEquals(decodeCheckpoint(back.bytes, "c").step, 12);
  assertEquals([back.tensors, back.notes], [3, []]);
});

Deno.test("toSafetensors() takes the network of a training checkpoint, each tensor once", () => {
  const network = "network_fn_d_state_dict/";
  const file = {
    format: "legacy",
    tensors: new Map([
      [`${network}mlp_dynamic.lin_in.weight`, stored([2, 2])],
      [`${network}flow_net.0.weight`, stored([2, 2])],
      [`${network}blocks.0.fc_0.bias`, stored([2])], // of what is not there
      ["optimizer_state_dict/state/0/exp_avg", stored([2])],
    ]),
    values: new Map<string, number | string>([
      ["global_step", 150000],
      ["optimizer_state_dict/param_groups/0/lr", 1],
    ]),
  } as const;
  const { bytes, notes } = toSafetensors(file, "x.tar");
  const { tensors, metadata } = decodeSafetensors(bytes, "x");
  assertEquals([...tensors.keys()], ["mlp_dynamic.lin_in.weight", "blocks.0.fc_0.bias"]);
  assertEquals(metadata, { global_step: "150000" });
  assertEquals(notes, [
    'left out: 1 in "optimizer_state_dict"',
    "left out: 1 other names of the same tensors",
  ]);
});

Deno.test("toStateDict() takes all names as they are, and adds no entry for the metadata that every file has", () => {
  const file = {
    format: "safetensors",
    tensors: new Map([["a/b", stored([2])], ["c", stored([1])]]),
    values: new Map([["format", "pt"]]),
  } as const;
  assertEquals([...decodePth(toStateDict(file, "x").bytes, "y").tensors.keys()], ["a/b", "c"]);
});

Deno.test("toStateDict() refuses element types that PyTorch lacks", () => {
  const a: SafetensorsTensor = { dtype: "U32", shape: [1], data: Uint32Array.of(1) };
  const file = { format: "safetensors", tensors: new Map([["a", a]]), values: new Map() } as const;
  assertThrows(
    () => toStateDict(file, "x"),
    DataError,
    'Cannot write "x" as a PyTorch file: tensor "a" has dtype U32, which PyTorch lacks',
  );
});

Deno.test("toSafetensors() refuses metadata that it did not write", () => {
  const bytes = (text: string): SafetensorsTensor => {
    const data = new TextEncoder().encode(text);
    return { dtype: "U8", shape: [data.length], data };
  };
  const cases: [SafetensorsTensor, string][] = [
    [stored([1]), "its dtype is F32, wanted U8"],
    [bytes("[]"), "it is no JSON object"],
    [bytes('{"a":1}'), "it has values that are no texts"],
    [bytes("{"), "JSON"],
  ];
  for (const [entry, message] of cases) {
    const tensors = new Map([["__metadata__", entry]]);
    const file = { format: "zip", tensors, values: new Map() } as const;
    assertThrows(() => toSafetensors(file, "x"), DataError, message);
  }
});
