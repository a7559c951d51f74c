import { assertEquals } from "@std/assert";
import {
  aliasesOf,
  aliasOf,
  firstWeight,
  matchWeights,
  stateDict,
} from "../../../src/data/weights/weight_names.ts";

const scalar = { shape: [] };

/** Tensors of these shapes. */
function shaped(shapes: Record<string, number[]>) {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
}

Deno.test("stateDict() finds the network among a checkpoint's containers, and never takes an optimizer for it", () => {
  const paths = [
    "network_fn_d_state_dict/a",
    "network_fn_d_state_dict/b",
    "network_fn_s_state_dict/a",
    "optimizer_state_dict/state/0/exp_avg",
    ...Array.from({ length: 5 }, (_, i) => `optimizer_state_dict/state/1/${i}`),
  ];
  const { container, tensors, leftOut } = stateDict(new Map(paths.map((path) => [path, path])));
  assertEquals(container, "network_fn_d_state_dict");
  assertEquals([...tensors], [["a", paths[0]], ["b", paths[1]]]);
  assertEquals([...leftOut], [["network_fn_s_state_dict", 1], ["optimizer_state_dict", 6]]);
});

Deno.test("stateDict() takes a flat file as it is, without DataParallel's prefix", () => {
  assertEquals(stateDict(new Map([["module.a.b", 1], ["module.c", 2]])), {
    container: "",
    tensors: new Map([["a.b", 1], ["c", 2]]),
    leftOut: new Map(),
  });
  assertEquals([...stateDict(new Map([["module.a", 1], ["b", 2]])).tensors.keys()], [
    "module.a",
    "b",
  ]);
  assertEquals(stateDict(new Map()).tensors.size, 0);
});

Deno.test("aliasOf() and aliasesOf() know the other names of the authors' state_dict", () => {
  const cases: [string, string | undefined][] = [
    ["flow_net.0.weight", "mlp_dynamic.lin_in.weight"],
    ["mlp_dynamic.vector_field.fc_p.bias", "mlp_dynamic.lin_in.bias"],
    ["flow_net.block1.fc_0.weight", "mlp_dynamic.global_blocks.1.fc_0.weight"],
    ["blocks.0.fc_1.bias", "mlp_dynamic.global_blocks.0.fc_1.bias"],
    ["global_blocks.1.fc_1.bias", "mlp_dynamic.global_blocks.1.fc_1.bias"],
    ["mlp_dynamic.vector_field.blocks.1.fc_0.bias", "mlp_dynamic.global_blocks.1.fc_0.bias"],
    ["lin_global_z.0.weight", "mlp_dynamic.lin_global_z.0.weight"],
    ["mlp_dynamic.vector_field.fc_c.1.bias", "mlp_dynamic.lin_global_z.1.bias"],
    ["flow_fc.weight", "mlp_dynamic.sf_linear.weight"],
    ["mlp_dynamic.vector_field.fc_out.bias", "mlp_dynamic.sf_linear.bias"],
    ["mlp_dynamic.blocks.0.fc_0.weight", undefined],
    ["mlp_static.blocks.0.fc_0.weight", undefined],
    ["flow_net.1.weight", undefined],
  ];
  for (const [name, of] of cases) {
    assertEquals(aliasOf(name), of, name);
    assertEquals(aliasesOf(of ?? "").includes(name), of !== undefined, name);
  }
});

Deno.test("matchWeights() tells missing, misshapen and unexpected names, in the names of the file", () => {
  const wanted = [
    { name: "encoder.model.backbone.conv1.conv.weight", shape: [4, 3, 1, 7, 7] },
    { name: "encoder.model.backbone.conv1.bn.weight", shape: [4] },
    { name: "encoder.model.backbone.layer3.0.conv1.conv.weight", shape: [4, 4, 3, 1, 1] },
    { name: "encoder.model.backbone.conv1.bn.bias", shape: [4] },
  ];
  const tensors = shaped({
    "backbone.conv1.conv.weight": [4, 3, 7, 7], // one frame
    "backbone.conv1.bn.weight": [4],
    "backbone.conv1.bn.num_batches_tracked": [],
    "backbone.layer3.0.conv1.conv.weight": [4, 4, 1, 1], // three frames are not guessed
    "backbone.extra": [],
    "cls_head.fc_cls.weight": [400, 4],
  });
  const match = matchWeights("video", tensors, wanted);
  assertEquals([...match.matched.keys()], wanted.slice(0, 2).map(({ name }) => name));
  assertEquals(match.missing, [{ name: "backbone.conv1.bn.bias", shape: [4] }]);
  assertEquals(match.misshapen, [
    { name: "backbone.layer3.0.conv1.conv.weight", shape: [4, 4, 3, 1, 1], found: [4, 4, 1, 1] },
  ]);
  assertEquals(match.unexpected, ["backbone.extra"]);
  assertEquals(match.unused, ["backbone.conv1.bn.num_batches_tracked"]);
});

Deno.test("firstWeight() finds each part under the prefixes that files use", () => {
  for (const prefix of ["encoder.model.backbone.", "model.backbone.", "backbone.", ""]) {
    const tensors = new Map([["cls_head.x", scalar], [`${prefix}conv1.conv.weight`, scalar]]);
    assertEquals(firstWeight("video", tensors), scalar, prefix);
    assertEquals(firstWeight("image", tensors), undefined);
  }
  for (const prefix of ["encoder2d.features.", "features.", ""]) {
    assertEquals(
      firstWeight("image", new Map([[`${prefix}conv1.weight`, scalar]])),
      scalar,
      prefix,
    );
  }
});

Deno.test("stateDict() takes away what wrappers put before all names, one around the other, and within names", () => {
  const names = (
    tensors: string[],
  ) => [...stateDict(new Map(tensors.map((name) => [name, 0]))).tensors.keys()];
  const plain = ["conv1.weight", "layer1.0.bn1.bias"];
  for (
    const before of ["module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.model."]
  ) {
    assertEquals(names(plain.map((name) => `state_dict/${before}${name}`)), plain, before);
  }
  assertEquals(names(["a._orig_mod.weight", "b.weight"]), ["a.weight", "b.weight"]);
  assertEquals(names(["model.a.weight", "head.weight"]), ["model.a.weight", "head.weight"]);
});
