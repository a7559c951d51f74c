import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { loadWeightsFile } from "../../src/data/weights/weights_file.ts";
import { midasParameters } from "../../src/data/weights/midas_weights.ts";
import { dynamicFieldSpecs } from "../../src/nets/dynamic_field.ts";
import { videoEncoderSpecs } from "../../src/nets/video_encoder.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { permissionFlags } from "../../tasks/permissions.ts";
import { parseCommand, weightsGrants } from "../../tasks/weights/command.ts";
import { UsageError } from "../../tasks/terminal/options.ts";
import { findNetwork } from "../../tasks/weights/parts.ts";
import { fixture, temporaryFolder } from "../data/temporary_folder.ts";

const zip = fixture("data/weights/encoder_weights/resnet18_zip.pth");

/** Runs `deno task weights` as the task runner does. */
async function weights(...args: string[]) {
  const flags = permissionFlags(weightsGrants(args), args);
  const child = runDeno(["run", "--no-check", ...flags, "tasks/weights.ts", ...args], {
    cwd: fixture(".."),
    stdout: "piped",
    stderr: "piped",
  });
  const [out, err, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { out, err, code };
}

Deno.test("deno task weights shows tensors, hash and how much of the network is there", async () => {
  await using folder = await temporaryFolder();
  const { sha256 } = await loadWeightsFile(zip);
  const good = join(folder.path, `net-${sha256.slice(0, 8)}.pth`);
  const bad = join(folder.path, "net-00000000.pth");
  for (const path of [good, bad]) await Deno.copyFile(zip, path);

  const { out, err, code } = await weights(good);
  assertEquals([err, code], ["", 0]);
  assertStringIncludes(out, `${good}: PyTorch file (zip, of 1.4 or later), 0.2 MB\n`);
  assertStringIncludes(out, `SHA-256 ${sha256}, as the name says\n`);
  assertMatch(out, /\nlayer3\.0\.downsample\.0\.weight +\(16, 8, 1, 1\) +F32\n/);
  assertMatch(out, /\nimage encoder +4 +75 of 75 +0 +0 +0 +47\n/);

  const damaged = await weights(good, bad);
  assertEquals(damaged.code, 1);
  assertStringIncludes(damaged.out, "but the name says 00000000: damaged");
  assertStringIncludes(damaged.err, `Cannot trust "${bad}"`);
});

Deno.test("deno task weights converts in both directions, and writes over nothing unless told", async () => {
  await using folder = await temporaryFolder();
  const middle = join(folder.path, "a.safetensors"), last = join(folder.path, "b.pth");
  const there = await weights(zip, middle);
  assertEquals([there.err, there.code], ["", 0]);
  assertEquals(there.out, `Wrote "${middle}": 122 tensors, 0.2 MB\n`);
  assertEquals((await weights(middle, last)).code, 0);
  const [first, back] = [await loadWeightsFile(zip), await loadWeightsFile(last)];
  assertEquals(back.tensors, first.tensors);

  await Deno.writeTextFile(last, "mine");
  const refused = await weights(middle, last);
  assertEquals([refused.code, await Deno.readTextFile(last)], [1, "mine"]);
  assertStringIncludes(refused.err, `Cannot write "${last}": it is there already; --force`);
  assertEquals((await weights(middle, last, "--force")).code, 0);
  assertEquals((await loadWeightsFile(last)).sha256, back.sha256);
});

Deno.test("parseCommand() tells showing from converting by the endings", () => {
  const convert = { kind: "convert", force: false, official: false };
  const cases: [string, object | string][] = [
    ["a.pth", { kind: "show", files: ["a.pth"] }],
    ["a.pth b.tar", { kind: "show", files: ["a.pth", "b.tar"] }],
    ["a.pth b", { kind: "show", files: ["a.pth", "b"] }],
    ["a.pth b.safetensors c.pth", { kind: "show", files: ["a.pth", "b.safetensors", "c.pth"] }],
    ["a.tar b.safetensors", { ...convert, from: "a.tar", to: "b.safetensors" }],
    ["a.safetensors b.pt --official", {
      ...convert,
      from: "a.safetensors",
      to: "b.pt",
      official: true,
    }],
    ["", "no file is named"],
    ["a.pth --force", "Cannot convert: wanted two files"],
    ["a.pth b.safetensors --official", "wanted a name that ends with .pth"],
  ];
  for (const [line, wanted] of cases) {
    let found: object | string;
    try {
      found = parseCommand(line.split(" ").filter(Boolean));
    } catch (error) {
      found = (error as Error).message;
    }
    if (typeof wanted === "string") assertStringIncludes(String(found), wanted);
    else assertEquals(found, wanted);
  }
});

Deno.test("findNetwork() tells each part by its own size, and what else an authors' checkpoint has", () => {
  const sizes = {
    ...{ hidden: 6, videoChannels: 52, imageChannels: 16 },
    ...{ globalCode: 5, globalHidden: 7, pooledChannels: 128 },
  };
  const specs = [...videoEncoderSpecs({ width: 4 }), ...dynamicFieldSpecs(sizes)];
  const shapes = new Map(specs.map(({ name, shape }) => [name, [...shape]]));
  shapes.set("mlp_dynamic.lin_out.weight", [6, 4]);
  shapes.delete("mlp_dynamic.lin_out.bias");
  for (const name of ["flow_fc.bias", "mlp_dynamic.vector_field.fc_p.bias", "mlp_dynamic.x", "y"]) {
    shapes.set(name, [1]);
  }
  for (const name of ["encoder.model.cls_head.fc_cls.bias", "optimizer.a.exp_avg"]) {
    shapes.set(name, [1]);
  }
  const { parts, others } = findNetwork(
    new Map([...shapes].map(([name, shape]) => [
      name,
      { dtype: "F32", shape, data: new Float32Array(0) },
    ])),
  );
  assertEquals(parts.map(({ title, width }) => [title, width]), [
    ["video encoder", 4],
    ["dynamic field", 6],
  ]);
  const [video, { match, wanted }] = parts;
  assertEquals(video.match.matched.size, video.wanted);
  assertEquals(match.matched.size, wanted - 2);
  assertEquals(match.missing.map(({ name }) => name), ["mlp_dynamic.lin_out.bias"]);
  assertEquals(match.misshapen.map(({ found }) => found), [[6, 4]]);
  assertEquals(match.unexpected, ["mlp_dynamic.x"]);
  assertEquals(match.unused, ["mlp_dynamic.vector_field.fc_p.bias"]);
  assertEquals([...others], [
    ["other names of the dynamic field's tensors", ["flow_fc.bias"]],
    ["of no known part", ["y"]],
    ["of no use here", ["encoder.model.cls_head.fc_cls.bias"]],
    ["moments of Adam", ["optimizer.a.exp_avg"]],
  ]);
});

Deno.test("findNetwork() tells MiDaS, and what of its file is not needed", () => {
  const names = [...midasParameters, {
    name: "pretrained.layer1.1.num_batches_tracked",
    shape: [],
  }];
  const { parts, others } = findNetwork(
    new Map(
      names.map(({ name, shape }) => [
        name,
        { dtype: "F32", shape: [...shape], data: new Float32Array(0) },
      ]),
    ),
  );
  assertEquals(parts.map(({ title, match }) => [title, match.matched.size, match.unused.length]), [
    ["MiDaS, for depth", midasParameters.length, 1],
  ]);
  assertEquals(others.size, 0);
});

Deno.test("deno task weights wants a file's name", () => {
  for (const args of [[], [""], ["a.pth", ""]]) {
    assertThrows(() => parseCommand(args), UsageError, "Cannot show weights: no file is named");
  }
});
