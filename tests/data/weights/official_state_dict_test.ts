import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../src/data/data_error.ts";
import { toOfficialStateDict } from "../../../src/data/weights/official_state_dict.ts";
import { decodePth } from "../../../src/data/weights/pth.ts";
import type { SafetensorsTensor } from "../../../src/data/formats/safetensors.ts";

function tensor(...shape: number[]): SafetensorsTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: "F32", shape, data: new Float32Array(size).fill(3) };
}

const backbone = "encoder.model.backbone.", image = "encoder2d.features.";

function file(tensors: Record<string, SafetensorsTensor>) {
  return {
    format: "safetensors",
    tensors: new Map(Object.entries(tensors)),
    values: new Map(),
  } as const;
}

Deno.test("toOfficialStateDict() adds other names, counters and what the network never computes", () => {
  const converted = toOfficialStateDict(
    file({
      [`${backbone}layer4.2.conv3.bn.bias`]: tensor(8),
      [`${backbone}layer4.2.conv3.bn.running_var`]: tensor(8),
      [`${image}layer3.1.conv1.weight`]: tensor(2, 1, 3, 3),
      [`${image}layer3.1.bn1.running_var`]: tensor(2),
      "mlp_dynamic.sf_linear.bias": tensor(3),
      "mlp_static.lin_in.bias": tensor(1),
      "optimizer.mlp_static.lin_in.bias.exp_avg": tensor(1),
    }),
    "x",
  );
  const { tensors } = decodePth(converted.bytes, "y");
  const shapes = [...tensors].map(([name, { shape, data }]) => [name, shape, Number(data[0])]);
  assertEquals(shapes, [
    [`${backbone}layer4.2.conv3.bn.bias`, [8], 3],
    [`${backbone}layer4.2.conv3.bn.running_var`, [8], 3],
    [`${backbone}layer4.2.conv3.bn.num_batches_tracked`, [], 0],
    [`${image}layer3.1.conv1.weight`, [2, 1, 3, 3], 3],
    [`${image}layer3.1.bn1.running_var`, [2], 3],
    [`${image}layer3.1.bn1.num_batches_tracked`, [], 0],
    ["mlp_dynamic.sf_linear.bias", [3], 3],
    ["flow_fc.bias", [3], 3],
    ["mlp_dynamic.vector_field.fc_out.bias", [3], 3],
    ["mlp_static.lin_in.bias", [1], 3],
    [`${image}layer4.1.conv1.weight`, [4, 2, 3, 3], 0],
    [`${image}layer4.1.bn1.running_var`, [4], 0],
    [`${image}layer4.1.bn1.num_batches_tracked`, [], 0],
    ["encoder.model.cls_head.fc_cls.weight", [400, 8], 0],
    ["encoder.model.cls_head.fc_cls.bias", [400], 0],
  ]);
  assertEquals(converted.notes.length, 2);
});

Deno.test("toOfficialStateDict() leaves what is there, and wants a whole model", () => {
  const whole = {
    [`${backbone}a`]: tensor(1),
    "encoder.model.cls_head.fc_cls.weight": tensor(1),
    [`${image}layer4.x`]: tensor(1),
    "mlp_dynamic.a": tensor(1),
    "mlp_static.a": tensor(1),
  };
  const { bytes, notes } = toOfficialStateDict(file(whole), "x");
  assertEquals([...decodePth(bytes, "y").tensors.keys()], Object.keys(whole));
  assertEquals(notes, []);
  const { "mlp_static.a": _, ...part } = whole;
  assertThrows(
    () => toOfficialStateDict(file(part), "x"),
    DataError,
    'it has no "mlp_static.…"; take a whole checkpoint',
  );
});
