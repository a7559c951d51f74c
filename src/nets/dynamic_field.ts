/**
 * The dynamic field: a trunk that knows the scene's global code, a velocity head, and color, density and blending from
 * features sampled along the point's own trajectory.
 *
 * @module
 */
import { sigmoid } from "../ops/activation.ts";
import { linear } from "../ops/linear.ts";
import { matrixProduct } from "../ops/matrix_product.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { blockSpecs, layerOf, range, residualBlock } from "./block.ts";
import { addTerms, type FeatureSource, type Layer } from "./features.ts";
import { linearSpecs, type Parameters, type ParameterSpec } from "./parameters.ts";
import { dynamicEncodingChannels, type FieldSizes } from "./sizes.ts";

const prefix = "mlp_dynamic";
const trunkBlocks = 2;
const blocks = 3;

/** What PyTorch's initial values are multiplied by. */
export interface InitialGains {
  /**
   * Those of the weight of `lin_in`, the one layer that sees positions, but for its columns of time: of the coordinates and
   * the longest waves; half as much with every octave, 1 at least. Default 1.
   */
  readonly positionGain?: number;
  /** Those of `sf_linear`, the head of the scene flow. Default 1. */
  readonly flowGain?: number;
}

/** The dynamic field's parameters under their official names, the global code's perceptron included. */
export function dynamicFieldSpecs(
  sizes: FieldSizes,
  { positionGain = 1, flowGain = 1 }: InitialGains = {},
): ParameterSpec[] {
  const { hidden, videoChannels, globalCode, globalHidden, pooledChannels } = sizes;
  return [
    ...positionSpecs(hidden, positionGain),
    ...range(trunkBlocks).flatMap((i) => blockSpecs(`${prefix}.global_blocks.${i}`, hidden)),
    ...range(trunkBlocks).flatMap((i) =>
      linearSpecs(`${prefix}.lin_global_z.${i}`, hidden + globalCode, hidden)
    ),
    ...range(blocks).flatMap((i) => [
      ...blockSpecs(`${prefix}.blocks.${i}`, hidden),
      ...linearSpecs(`${prefix}.lin_z.${i}`, videoChannels, hidden),
      // the official state_dict has three of these; only the first is used
      ...linearSpecs(`${prefix}.temporal_linear.${i}`, videoChannels, hidden),
      ...linearSpecs(`${prefix}.temporal_linear_fuse.${i}`, 2 * hidden, hidden),
    ]),
    ...linearSpecs(`${prefix}.lin_out`, hidden, 4),
    ...linearSpecs(`${prefix}.sf_linear`, hidden, 3, flowGain),
    ...linearSpecs(`${prefix}.weight_linear`, hidden, 1),
    ...linearSpecs(`${prefix}.ode_fc.0`, pooledChannels, globalHidden),
    ...linearSpecs(`${prefix}.ode_fc.2`, globalHidden, globalCode),
  ];
}

/**
 * `lin_in`, which sees γ(p, t): its numbers come in fours, of x, y, z and t. The gain halves with every octave: all waves
 * have one slope, where one gain for all would make a rough scene flow that comes back elsewhere and that solvers balk at.
 */
function positionSpecs(hidden: number, gain: number): ParameterSpec[] {
  const [weight, bias] = linearSpecs(`${prefix}.lin_in`, dynamicEncodingChannels, hidden);
  const columns = range(dynamicEncodingChannels / 4).flatMap((i) => {
    const octave = Math.max(0, Math.floor((i - 1) / 2)); // p, sin p, cos p, sin 2p, cos 2p, …
    const ofOctave = Math.max(Math.min(gain, 1), gain / 2 ** octave);
    return [ofOctave, ofOctave, ofOctave, 1];
  });
  const initial = { ...weight.initial, columns };
  return [{ ...weight, ...(gain !== 1 && { initial }) }, bias];
}

/** Names of the parameters that trunk, trunk codes and velocity head read. */
export const velocityParameters: readonly string[] = [
  "lin_in",
  ...range(trunkBlocks).flatMap((i) => [
    `global_blocks.${i}.fc_0`,
    `global_blocks.${i}.fc_1`,
    `lin_global_z.${i}`,
  ]),
  "sf_linear",
].flatMap((layer) => [`${prefix}.${layer}.weight`, `${prefix}.${layer}.bias`]);

/**
 * Records the global code `g = ode_fc₂ relu(ode_fc₀ pooled)` of each scene.
 *
 * @param pooled `(scenes, 1, 2048)` in blocks
 * @returns `(scenes, 1, 256)` in blocks
 */
export function globalCode(plan: Plan, group: Parameters, pooled: Tensor): Tensor {
  return plan.scoped("global", () => {
    const hidden = linear(plan, "ode_fc.0", pooled, layerOf(group, `${prefix}.ode_fc.0`));
    return linear(plan, "ode_fc.2", hidden, {
      ...layerOf(group, `${prefix}.ode_fc.2`),
      reluInput: true,
    });
  });
}

/**
 * Records the scenes' shares of the trunk, `B_i g + c_i` of `G_i [h ⧺ g] = A_i h + (B_i g + c_i)`: constants of a step
 * (src/nets/README.md#exact-savings, 2).
 *
 * @param code g `(scenes, 1, 256)` in blocks
 * @returns for each trunk block `(scenes, 1, hidden)` in blocks
 */
export function trunkCodes(plan: Plan, group: Parameters, code: Tensor): Tensor[] {
  return plan.scoped("global", () =>
    range(trunkBlocks).map((i) => {
      const { weight, bias } = layerOf(group, `${prefix}.lin_global_z.${i}`);
      const hidden = weight.shape[0];
      return linear(plan, `lin_global_z.${i}`, code, {
        weight,
        bias,
        columns: [hidden, weight.shape[1] - hidden],
      });
    }));
}

/**
 * Records the trunk `h(p, t; g)`: `h = relu(lin_in γ)`, then twice `h = Block(G [h ⧺ g])`.
 *
 * @param encoding γ₁₀(p, t) of length 1, `(scenes, points, 84)` in blocks
 * @param codes from {@link trunkCodes}
 * @returns `(scenes, points, hidden)` in blocks
 */
export function trunk(
  plan: Plan,
  group: Parameters,
  encoding: Tensor,
  codes: readonly Tensor[],
): Tensor {
  return plan.scoped("trunk", () => {
    let h = linear(plan, "lin_in", encoding, layerOf(group, `${prefix}.lin_in`));
    for (const i of range(trunkBlocks)) {
      const { weight } = layerOf(group, `${prefix}.lin_global_z.${i}`);
      const x = linear(plan, `lin_global_z.${i}`, h, {
        weight,
        columns: [0, weight.shape[0]],
        reluInput: i === 0, // h = relu(lin_in e) before the first; a block's output is taken as it is
        groupBias: codes[i],
      });
      h = residualBlock(plan, group, `${prefix}.global_blocks.${i}`, x);
    }
    return h;
  });
}

/**
 * Records the velocity head before its tanh, from the trunk.
 *
 * @returns `(scenes, points, 3)` in blocks: v = tanh of it, NDC units per frame
 */
export function velocityHead(plan: Plan, group: Parameters, h: Tensor): Tensor {
  return linear(plan, "sf_linear", h, layerOf(group, `${prefix}.sf_linear`));
}

/** What the dynamic field returns, in blocks. */
export interface DynamicFieldOutput {
  /** `(scenes, points, 4)`: color before the sigmoid, density before ReLU and noise. */
  readonly raw: Tensor;
  /** b in 0…1, `(scenes, points, 1)`. */
  readonly blending: Tensor;
}

/**
 * Records the dynamic field's heads from the trunk and the features: `x = Block(h + Fuse[lin_z₀ z ⧺ lin_t m])`, twice
 * `x = Block(x + lin_z z)`, then color and density `lin_out x` and the blending weight `sigmoid(weight_linear x)`.
 *
 * `Fuse[lin_z₀ z ⧺ lin_t m]` is linear in z and m: its matrices are composed once a step.
 *
 * @param h the trunk at the points, `(scenes, points, hidden)` in blocks
 * @param current features of the points' own frame
 * @param temporal mean of the features one frame before at p⁻ and one frame after at p⁺
 */
export function dynamicField(
  plan: Plan,
  group: Parameters,
  h: Tensor,
  current: FeatureSource,
  temporal: FeatureSource,
): DynamicFieldOutput {
  return plan.scoped("dynamic", () => {
    const layers = fusedLayers(plan, group);
    const feature = (i: number) =>
      current(plan, `lin_z.${i}`, () => layerOf(group, `${prefix}.lin_z.${i}`));
    let x = addTerms(
      plan,
      "fuse",
      h,
      current(plan, "fuse.current", layers.current),
      temporal(plan, "fuse.temporal", layers.temporal),
    );
    for (const i of range(blocks)) {
      const next = i + 1 < blocks ? feature(i + 1) : undefined;
      x = residualBlock(plan, group, `${prefix}.blocks.${i}`, x, next);
    }
    const raw = linear(plan, "lin_out", x, layerOf(group, `${prefix}.lin_out`));
    const logit = linear(plan, "weight_linear", x, layerOf(group, `${prefix}.weight_linear`));
    return { raw, blending: sigmoid(plan, "blending", logit) };
  });
}

/**
 * The first block's two feature layers: with Fuse = [A | B], `A·W_z z + B·W_t m + (A b_z + B b_t + b)`.
 *
 * Recorded when first asked for, and once a step.
 */
export function fusedLayers(
  plan: Plan,
  group: Parameters,
): { current: () => Layer; temporal: () => Layer } {
  const fuse = layerOf(group, `${prefix}.temporal_linear_fuse.0`);
  const ofCurrent = layerOf(group, `${prefix}.lin_z.0`);
  const ofNeighbours = layerOf(group, `${prefix}.temporal_linear.0`);
  const hidden = fuse.weight.shape[0];
  const product = (label: string, first: number, right: Tensor, sum?: Tensor) =>
    matrixProduct(plan, label, fuse.weight, first, right, sum);
  return {
    current: () =>
      plan.once(fuse.weight, "current", () => {
        const half = product("fuse.bias_temporal", hidden, ofNeighbours.bias, fuse.bias);
        return {
          weight: product("fuse.weight_current", 0, ofCurrent.weight),
          bias: product("fuse.bias", 0, ofCurrent.bias, half),
        };
      }),
    temporal: () =>
      plan.once(fuse.weight, "temporal", () => ({
        weight: product("fuse.weight_temporal", hidden, ofNeighbours.weight),
      })),
  };
}
