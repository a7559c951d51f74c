/**
 * Parameters of golden cases.
 *
 * @module
 */
import { ParameterGroup, type ParameterSpec } from "../../src/nets/parameters.ts";
import type { Plan } from "../../src/runtime/plan.ts";
import { createTensor, type Layout, type Tensor } from "../../src/runtime/tensor.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import type { GoldenCase } from "./goldens.ts";

/** A trainable group with the values that a golden case gives under `tag/name`; parameters it does not use are left out. */
export function goldenParameters(
  gpu: Gpu,
  golden: GoldenCase,
  tag: string,
  specs: readonly ParameterSpec[],
): ParameterGroup {
  const used = specs.filter(({ name }) => golden.inputs.includes(`${tag}/${name}`));
  const group = new ParameterGroup(gpu, tag, used, true);
  group.write(
    new Map(used.map(({ name }) => [name, golden.input(`${tag}/${name}`).data])),
  );
  return group;
}

/** A tensor with a golden input's values, of another shape where one is given. */
export function goldenTensor(
  gpu: Gpu,
  golden: GoldenCase,
  name: string,
  options: { layout?: Layout; shape?: number[]; requiresGradient?: boolean } = {},
): Tensor {
  const { data, shape } = golden.input(name);
  return createTensor(gpu, name, options.shape ?? shape, {
    layout: options.layout,
    requiresGradient: options.requiresGradient,
    data,
  });
}

/** A tensor of some channels of a golden input `(scenes, points, channels)`, as a seed in blocks or rows. */
export function channelsOf(
  gpu: Gpu,
  golden: GoldenCase,
  name: string,
  first: number,
  count: number,
  layout: Layout = "blocks",
): Tensor {
  const { data, shape } = golden.input(name);
  const channels = shape[shape.length - 1];
  const part = data.filter((_, i) => i % channels >= first && i % channels < first + count);
  return createTensor(gpu, `${name}[${first}]`, [...shape.slice(0, -1), count], {
    layout,
    data: part,
  });
}

/** The gradients of a group's parameters after a run, under golden keys `prefix/name`. */
export async function parameterGradients(
  group: ParameterGroup,
  prefix: string,
): Promise<Record<string, Float32Array>> {
  const gradients = await group.read(group.gradients);
  return Object.fromEntries([...gradients].map(([name, values]) => [`${prefix}/${name}`, values]));
}

/** Records that a plan's parameter gradients start at zero, then differentiates it. */
export function differentiateWith(
  plan: Plan,
  groups: readonly ParameterGroup[],
  seeds: readonly { tensor: Tensor; gradient: Tensor }[],
): void {
  for (const group of groups) group.recordGradients(plan);
  plan.differentiate(seeds);
}
