/**
 * The residual block that both fields are made of.
 *
 * @module
 */
import { linear } from "../ops/linear.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { addTerms, type FeatureTerm } from "./features.ts";
import { linearSpecs, type Parameters, type ParameterSpec } from "./parameters.ts";

/** Parameters of a block of `width` channels. */
export function blockSpecs(name: string, width: number): ParameterSpec[] {
  return [
    ...linearSpecs(`${name}.fc_0`, width, width),
    ...linearSpecs(`${name}.fc_1`, width, width),
  ];
}

/**
 * Records `Block(x) = x + fc₁(relu(fc₀(relu(x))))`, and adds the next block's feature term where given.
 *
 * @param x `(scenes, points, width)` in blocks
 */
export function residualBlock(
  plan: Plan,
  group: Parameters,
  name: string,
  x: Tensor,
  next?: FeatureTerm,
): Tensor {
  return plan.scoped(name.slice(name.indexOf(".") + 1), () => {
    const hidden = plan.recompute(
      linear(plan, "fc_0", x, { ...layerOf(group, `${name}.fc_0`), reluInput: true }),
    );
    const ready = next && "term" in next ? next.term : undefined;
    const y = linear(plan, "fc_1", hidden, {
      ...layerOf(group, `${name}.fc_1`),
      reluInput: true,
      residual: x,
      groupBias: ready,
    });
    return next && !ready ? addTerms(plan, "feature", y, next) : y;
  });
}

/** The two parameters of a linear layer. */
export function layerOf(group: Parameters, name: string): { weight: Tensor; bias: Tensor } {
  return { weight: group.get(`${name}.weight`), bias: group.get(`${name}.bias`) };
}

/** 0, 1, …, count − 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
