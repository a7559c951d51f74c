/**
 * Where the fields' image and video features come from, in whichever form is cheapest.
 *
 * A field adds `W z + b` to its hidden layer, z being a feature map sampled at the point. Sampling and projecting commute,
 * and on a training ray's own frame z is the same for all samples of the ray, so the term may be made in three ways
 * (src/nets/README.md#exact-savings, 4 and 6).
 *
 * @module
 */
import { addGroups } from "../ops/add_groups.ts";
import { linear } from "../ops/linear.ts";
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";

/** A linear layer's parameters. */
export interface Layer {
  readonly weight: Tensor;
  readonly bias?: Tensor;
}

/** The term `W z + b` of a hidden layer `(scenes, points, hidden)`. */
export type FeatureTerm =
  /** Made: `(scenes, groups, hidden)` in blocks, one for each ray or each point. */
  | { readonly term: Tensor }
  /** Still to be multiplied: z `(scenes, points, channels)` in blocks, its channels in one or more parts, with its layer. */
  | { readonly features: readonly Tensor[]; readonly layer: Layer };

/** Gives a field its feature terms; `key` names the layer, `layer` makes its parameters when they are needed. */
export type FeatureSource = (plan: Plan, key: string, layer: () => Layer) => FeatureTerm;

/** Features of the points themselves, `(scenes, points, channels)` in blocks, in one or more parts. */
export function pointFeatures(...features: Tensor[]): FeatureSource {
  return (_plan, _key, layer) => ({ features, layer: layer() });
}

/** Features that all points of a ray share, `(scenes, rays, channels)` in blocks: projected once a ray. */
export function rayFeatures(...features: Tensor[]): FeatureSource {
  return (plan, key, layer) => ({ term: project(plan, `${key}.of_ray`, features, layer()) });
}

/** Features sampled from maps that were projected before, by layer: `(scenes, points, hidden)` in blocks. */
export function projectedFeatures(sample: (plan: Plan, key: string) => Tensor): FeatureSource {
  return (plan, key) => ({ term: sample(plan, key) });
}

/** Records `x + Σ (W z + b)` of one or more terms; terms already made ride along with the products of the others. */
export function addTerms(plan: Plan, label: string, x: Tensor, ...terms: FeatureTerm[]): Tensor {
  const made = terms.flatMap((term) => "term" in term ? [term.term] : []);
  let sum = x;
  for (const term of terms) {
    if ("term" in term) continue;
    sum = project(plan, label, term.features, term.layer, sum, made.shift());
  }
  for (const term of made) sum = addGroups(plan, label, sum, term);
  return sum;
}

/** Records `W z + b (+ residual + a group's term)`: a product for each part of z. */
function project(
  plan: Plan,
  label: string,
  parts: readonly Tensor[],
  { weight, bias }: Layer,
  residual?: Tensor,
  groupBias?: Tensor,
): Tensor {
  let first = 0;
  return parts.reduce<Tensor | undefined>((sum, part) => {
    const columns = [first, part.shape[2]] as const;
    const once = first === 0 ? { bias, groupBias } : {};
    first += part.shape[2];
    return linear(plan, label, part, { weight, ...once, columns, residual: sum });
  }, residual)!;
}
