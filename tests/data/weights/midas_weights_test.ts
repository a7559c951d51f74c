import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { DataError } from "../../../src/data/data_error.ts";
import {
  midasFile,
  midasParameters,
  midasWeights,
} from "../../../src/data/weights/midas_weights.ts";
import { hashInName } from "../../../src/data/weights/name_hash.ts";
import type { SafetensorsTensor } from "../../../src/data/formats/safetensors.ts";
import { goldensDirectory } from "../../support/goldens.ts";

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Every entry of the official file. */
async function officialLayout(): Promise<Entry[]> {
  const path = join(goldensDirectory(), "prep", "layouts.json");
  return JSON.parse(await Deno.readTextFile(path))[midasFile.files[0]];
}

const unused = /num_batches_tracked$|^scratch\.refinenet4\.resConfUnit1\./;

/** The official file; all tensors of a size are one, so that they take little memory. */
async function officialFile(prefix = ""): Promise<Map<string, SafetensorsTensor>> {
  const bySize = new Map<number, Float32Array>();
  const entries = (await officialLayout()).map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    if (!bySize.has(size)) bySize.set(size, new Float32Array(size).fill(0.5));
    const tensor: SafetensorsTensor = { dtype: "F32", shape: [...shape], data: bySize.get(size)! };
    return [prefix + name, tensor] as const;
  });
  return new Map(entries);
}

Deno.test("midasParameters are the official file's entries, in their order, without what is not used", async () => {
  const layout = await officialLayout();
  assertEquals(layout.length, 666);
  const wanted = layout.filter(({ name }) => !unused.test(name));
  assertEquals(
    midasParameters.map(({ name, shape }) => ({ name, shape: [...shape] })),
    wanted.map(({ name, shape }) => ({ name, shape: [...shape] })),
  );
  assertEquals(hashInName(midasFile.files[0]), "f6b98070");
});

Deno.test("midasWeights() takes the network itself or wrapped as model, and copies nothing", async () => {
  for (const prefix of ["", "model/"]) {
    const tensors = await officialFile(prefix);
    tensors.set("optimizer/state/0/exp_avg", {
      dtype: "F32",
      shape: [1],
      data: Float32Array.of(1),
    });
    const weights = midasWeights({ name: "midas.pt", tensors });
    assertEquals([...weights.keys()], midasParameters.map(({ name }) => name));
    const [{ name }] = midasParameters;
    assertEquals(weights.get(name) === tensors.get(prefix + name)!.data, true);
  }
});

Deno.test("midasWeights() does without counters of batches, and names the first weight that is wrong", async () => {
  const tensors = await officialFile();
  for (const name of tensors.keys()) if (unused.test(name)) tensors.delete(name);
  assertEquals(midasWeights({ name: "m.pt", tensors }).size, midasParameters.length);
  const refuse = (name: string, tensor: SafetensorsTensor | undefined, message: string) => {
    const changed = new Map(tensors);
    if (tensor) changed.set(name, tensor);
    else changed.delete(name);
    assertThrows(
      () => midasWeights({ name: "m.pt", tensors: changed }),
      DataError,
      `Cannot take MiDaS from "m.pt": "${name}" ${message}; wanted MiDaS v2.1 large, midas_v21-f6b98070.pt: https://`,
    );
  };
  refuse("pretrained.layer3.22.bn3.running_var", undefined, "is missing");
  const data = new Float32Array(32).fill(1);
  refuse(
    "scratch.output_conv.2.bias",
    { dtype: "F32", shape: [4, 8], data },
    "is (4, 8), wanted (32)",
  );
  refuse(
    "scratch.output_conv.2.bias",
    { dtype: "F32", shape: [32], data: data.with(3, NaN) },
    "holds NaN",
  );
});
