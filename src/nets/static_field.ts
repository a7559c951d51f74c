/**
 * The static field: color and density of what does not move.
 *
 * @module
 */
import { relu } from "../ops/activation.ts";
import { linear } from "../ops/linear.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { blockSpecs, layerOf, range, residualBlock } from "./block.ts";
import { addTerms, type FeatureSource } from "./features.ts";
import { linearSpecs, type Parameters, type ParameterSpec } from "./parameters.ts";
import { type FieldSizes, staticEncodingChannels, viewEncodingChannels } from "./sizes.ts";

const prefix = "mlp_static";
const blocks = 5;
const featureBlocks = 3;

/** The static field's parameters under their official names. */
export function staticFieldSpecs(sizes: FieldSizes): ParameterSpec[] {
  const { hidden, imageChannels } = sizes;
  const views = hidden / 2;
  return [
    ...linearSpecs(`${prefix}.lin_in`, staticEncodingChannels, hidden),
    ...range(blocks).flatMap((i) => blockSpecs(`${prefix}.blocks.${i}`, hidden)),
    ...range(featureBlocks).flatMap((i) =>
      linearSpecs(`${prefix}.lin_z.${i}`, imageChannels, hidden)
    ),
    ...linearSpecs(`${prefix}.alpha_linear`, hidden, 1),
    ...linearSpecs(`${prefix}.feature_linear`, hidden, hidden),
    ...linearSpecs(`${prefix}.views_linears.0`, hidden + viewEncodingChannels, views),
    ...linearSpecs(`${prefix}.rgb_linear`, views, 3),
    ...linearSpecs(`${prefix}.weight_linear`, hidden, 1), // in the official state_dict; its output is not used
  ];
}

/** What the static field returns, in blocks. */
export interface StaticFieldOutput {
  /** `(scenes, points, 3)`, before the sigmoid. */
  readonly color: Tensor;
  /** `(scenes, points, 1)`, before ReLU and noise. */
  readonly density: Tensor;
  /** For the goldens, `(scenes, points, hidden)`: the last hidden layer, which the official field's unused head reads. */
  readonly hidden: Tensor;
}

/**
 * Records the static field: `x = relu(lin_in γ(p))`, five blocks `x = Block(x + lin_z z)` of which three have image features,
 * `σ = alpha_linear x`, `rgb = rgb_linear(relu(views_linear [feature_linear x ⧺ γ(d)]))`.
 *
 * @param encoding γ₁₀(p) `(scenes, points, 63)` in blocks
 * @param viewEncoding γ₄(d) `(scenes, rays, 27)` in blocks, points being `rays · samples`
 * @param features the image features of the three first blocks
 */
export function staticField(
  plan: Plan,
  group: Parameters,
  encoding: Tensor,
  viewEncoding: Tensor,
  features: FeatureSource,
): StaticFieldOutput {
  return plan.scoped("static", () => {
    const layer = (name: string) => layerOf(group, `${prefix}.${name}`);
    const feature = (i: number) => features(plan, `lin_z.${i}`, () => layer(`lin_z.${i}`));
    let x = relu(plan, "relu_in", linear(plan, "lin_in", encoding, layer("lin_in")));
    x = addTerms(plan, "lin_z.0", x, feature(0));
    for (const i of range(blocks)) {
      const next = i + 1 < featureBlocks ? feature(i + 1) : undefined;
      x = residualBlock(plan, group, `${prefix}.blocks.${i}`, x, next);
    }
    const density = linear(plan, "alpha_linear", x, layer("alpha_linear"));
    const appearance = linear(plan, "feature_linear", x, layer("feature_linear"));
    const views = layer("views_linears.0");
    const width = x.shape[2];
    const ofView = linear(plan, "views_of_direction", viewEncoding, {
      ...views,
      columns: [width, viewEncodingChannels],
    });
    const seen = linear(plan, "views_of_feature", appearance, {
      weight: views.weight,
      columns: [0, width],
      groupBias: ofView,
    });
    const color = linear(plan, "rgb_linear", seen, { ...layer("rgb_linear"), reluInput: true });
    return { color, density, hidden: x };
  });
}
