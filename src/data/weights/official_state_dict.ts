/**
 * The whole state_dict of the authors' network, from a checkpoint of ours.
 *
 * Beside the parameters it has their other names (the network's modules share layers), and tensors that the network never
 * computes with. Source: its modules in the authors' src/model.
 *
 * @module
 */
import { DataError } from "../data_error.ts";
import { encodePth } from "./encode_pth.ts";
import type { PthTensor } from "./pth.ts";
import { asPth, type ConvertedWeights, type Weights } from "./weight_formats.ts";
import { aliasesOf, stateDict } from "./weight_names.ts";

const backbone = "encoder.model.backbone.", head = "encoder.model.cls_head.fc_cls.";
const layer3 = "encoder2d.features.layer3.", layer4 = "encoder2d.features.layer4.";
const parts = [backbone, "encoder2d.features.", "mlp_dynamic.", "mlp_static."];
const actions = 400; // of Kinetics, that SlowOnly tells apart

/**
 * Makes a PyTorch file that the authors' network takes by `load_state_dict`, strictly: the parameters with their other names,
 * batch norm's counters at 0, and zeros for what the network has and never computes (ResNet-18's `layer4`, SlowOnly's
 * classifier). What the weights have of these stays.
 *
 * @param name Where the weights came from, for messages.
 * @throws {DataError} If they are no whole model.
 */
export function toOfficialStateDict(file: Weights, name: string): ConvertedWeights {
  const { tensors } = stateDict(file.tensors);
  const absent = parts.find((part) => ![...tensors.keys()].some((key) => key.startsWith(part)));
  if (absent !== undefined) {
    throw new DataError(
      `Cannot write the authors' state_dict of "${name}": it has no "${absent}…"; take a whole checkpoint`,
    );
  }
  const all = new Map<string, PthTensor>();
  for (const [key, tensor] of tensors) {
    if (!parts.some((part) => key.startsWith(part)) && !key.startsWith(head)) continue;
    all.set(key, asPth(key, tensor, name));
    for (const alias of aliasesOf(key)) all.set(alias, asPth(key, tensor, name));
    const counter = key.replace(/\.running_var$/, ".num_batches_tracked");
    if (!tensors.has(counter)) all.set(counter, count());
  }
  const made = [...withLayer4(all), ...withHead(all)];
  const notes = made.map((names) => `"${names}…", which the network never computes, are zeros`);
  return { bytes: encodePth(all), tensors: all.size, notes };
}

/** Adds `layer4` where it is not there: as `layer3`, twice as wide. */
function withLayer4(all: Map<string, PthTensor>): string[] {
  if ([...all.keys()].some((key) => key.startsWith(layer4))) return [];
  for (const [key, { shape }] of [...all]) {
    if (!key.startsWith(layer3)) continue;
    const [outputs, inputs, ...kernel] = shape;
    const wide = [outputs, inputs].slice(0, shape.length).map((length) => 2 * length);
    all.set(key.replace(layer3, layer4), shape.length ? zeros([...wide, ...kernel]) : count());
  }
  return [layer4];
}

/** Adds SlowOnly's classifier where it is not there. */
function withHead(all: Map<string, PthTensor>): string[] {
  if (all.has(`${head}weight`)) return [];
  const [channels = 0] = all.get(`${backbone}layer4.2.conv3.bn.bias`)?.shape ?? [];
  all.set(`${head}weight`, zeros([actions, channels]));
  all.set(`${head}bias`, zeros([actions]));
  return [head];
}

function zeros(shape: number[]): PthTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: "F32", shape, data: new Float32Array(size) };
}

function count(): PthTensor {
  return { dtype: "I64", shape: [], data: new BigInt64Array(1) };
}
