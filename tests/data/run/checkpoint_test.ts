import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
} from "../../../src/data/run/checkpoint.ts";
import { DataError } from "../../../src/data/files.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../src/data/formats/safetensors.ts";
import { balloon } from "../../../src/recipes/recipe.ts";
import { temporaryFolder } from "../temporary_folder.ts";

function tensor(shape: number[], first: number) {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, (_, i) => first + i / 8) };
}

function checkpoint(): Checkpoint {
  return {
    recipe: { ...balloon("small"), lossWeights: { slow: 0 } },
    stage: "dynamic",
    step: 137,
    tensors: new Map([
      ["mlp_dynamic.lin_in.weight", tensor([3, 5], 1)],
      ["mlp_dynamic.lin_in.bias", tensor([3], -2)],
    ]),
    optimizer: new Map([
      ["mlp_dynamic.lin_in.bias.exp_avg", tensor([3], 0)],
      ["mlp_dynamic.lin_in.bias.exp_avg_sq", tensor([3], 9)],
    ]),
  };
}

Deno.test("decodeCheckpoint() gives back what encodeCheckpoint() was given", () => {
  assertEquals(decodeCheckpoint(encodeCheckpoint(checkpoint()), "x"), checkpoint());
});

Deno.test("encodeCheckpoint() gives equal bytes for equal states", () => {
  const bytes = encodeCheckpoint(checkpoint());
  assertEquals(encodeCheckpoint(checkpoint()), bytes);
  assertEquals(encodeCheckpoint(decodeCheckpoint(bytes, "x")), bytes);
});

Deno.test("encodeCheckpoint() keeps parameters under their official names", () => {
  const { tensors } = decodeSafetensors(encodeCheckpoint(checkpoint()), "x");
  assertEquals([...tensors.keys()], [
    "mlp_dynamic.lin_in.weight",
    "mlp_dynamic.lin_in.bias",
    "optimizer.mlp_dynamic.lin_in.bias.exp_avg",
    "optimizer.mlp_dynamic.lin_in.bias.exp_avg_sq",
  ]);
});

Deno.test("decodeCheckpoint() refuses what is no checkpoint of this format", () => {
  const { tensors, metadata } = decodeSafetensors(encodeCheckpoint(checkpoint()), "x");
  const cases: [Record<string, string>, string][] = [
    [{ format: "pt" }, 'its metadata has format "pt", wanted "mononerf"'],
    [{ version: "7" }, 'its format has version "7", wanted "1"; use the program that wrote it'],
    [{ stage: "late" }, 'its stage is "late", wanted static or dynamic or done'],
    [{ step: "1.5" }, 'its step is "1.5", wanted a whole number'],
    [{ recipe: "{" }, "its recipe cannot be used"],
    [{ recipe: '{"name":"balloon","rays":0}' }, "its recipe cannot be used"],
  ];
  for (const [changed, message] of cases) {
    const bytes = encodeSafetensors(tensors, { ...metadata, ...changed });
    assertThrows(() => decodeCheckpoint(bytes, "m.safetensors"), DataError, message);
  }
  const doubles = encodeSafetensors(
    new Map([["a", { dtype: "F64", shape: [1], data: new Float64Array(1) }]]),
    metadata,
  );
  assertThrows(
    () => decodeCheckpoint(doubles, "m"),
    DataError,
    'tensor "a" has dtype F64, wanted F32',
  );
  const foreign = encodeSafetensors(tensors);
  assertThrows(() => decodeCheckpoint(foreign, "m"), DataError, 'has format "undefined"');
});

Deno.test("decodeCheckpoint() refuses a file that is cut short, wherever it ends", () => {
  const bytes = encodeCheckpoint(checkpoint());
  for (const length of [0, 7, 8, 100, bytes.length - 24, bytes.length - 1]) {
    assertThrows(
      () => decodeCheckpoint(bytes.subarray(0, length), "m"),
      DataError,
      'Cannot read "m"',
    );
  }
});

Deno.test("loadCheckpoint() takes a path, a file URL, an address, or bytes", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "a b.safetensors");
  const bytes = encodeCheckpoint(checkpoint());
  await Deno.writeFile(path, bytes);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) =>
      request.url.endsWith("/m.safetensors")
        ? new Response(bytes)
        : new Response("none", { status: 404 }),
  );
  const address = `http://127.0.0.1:${server.addr.port}`;
  for (const source of [path, toFileUrl(path), `${address}/m.safetensors`, bytes]) {
    assertEquals(await loadCheckpoint(source), checkpoint());
  }
  await assertRejects(
    () => loadCheckpoint(`${address}/other`),
    DataError,
    `Cannot read "${address}/other": the server answers 404; check the address`,
  );
  await assertRejects(() => loadCheckpoint(`${path}.no`), DataError, "there is no such file");
});
