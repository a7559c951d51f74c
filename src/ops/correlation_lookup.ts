/**
 * RAFT's correlation of two pictures' features, looked up around where the flow leads, without the volume of all pairs.
 *
 * @module
 */
import text from "../../wgsl/ops/correlation_lookup.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import { blocksToMap } from "./map_to_blocks.ts";
import { type ProductVariant, productVariant } from "./product_variant.ts";

const kernel = defineKernel("wgsl/ops/correlation_lookup.wgsl", text);

/** Levels of a pyramid. */
export const correlationLevels = 4;
/** Samples of a lookup: 9 × 9 on each level. */
export const lookupChannels: number = correlationLevels * 81;

/** A level's grid and its first pixel in a pyramid; the coarsest may be empty. */
export interface PyramidLevel {
  readonly height: number;
  readonly width: number;
  readonly first: number;
}

/** The grids of a pyramid: each half the one before, rounded down. */
export function pyramidLevels(height: number, width: number): PyramidLevel[] {
  const levels: PyramidLevel[] = [];
  let first = 0;
  for (let l = 0; l < correlationLevels; l++) {
    const level = { height: height >> l, width: width >> l, first };
    levels.push(level);
    first += level.height * level.width;
  }
  return levels;
}

/** Pixels of all levels of a pyramid. */
export function pyramidPixels(height: number, width: number): number {
  return pyramidLevels(height, width).reduce((sum, level) => sum + level.height * level.width, 0);
}

/**
 * Records the pyramid of a picture's features: the features themselves, then three levels of which each pixel is the mean of
 * 2 × 2 of the level before, an odd last row or column left out.
 *
 * Products with pooled features are pooled products, so a pyramid is all that the levels of a correlation volume need.
 * For inference only.
 *
 * @param x `(1, height·width, channels)` in blocks, channels a multiple of 4
 * @returns `(pixels of all levels, channels)` rows
 */
export function featurePyramid(
  plan: Plan,
  label: string,
  x: Tensor,
  height: number,
  width: number,
): Tensor {
  const op = new Operation(plan, "featurePyramid", label, kernel);
  const [, , channels] = op.expect({ x }, "blocks", [1, height * width, "channels"]);
  if (channels % 4 !== 0) throw op.error(`x has ${channels} channels, wanted a multiple of 4`);
  op.expectFrozen({ x });
  const levels = pyramidLevels(height, width);
  const pyramid = op.output([pyramidPixels(height, width), channels], "rows", [x]);
  blocksToMap(plan, `${label}.0`, x, plan.range(pyramid, label, [height, width, channels], 0));
  levels.forEach(({ height, width, first }, l) => {
    if (l === 0 || height * width === 0) return;
    const before = levels[l - 1], quads = channels / 4;
    const sizes = { height, width, first, width_before: before.width, quads };
    const workgroups = linearWorkgroups(height * width * quads);
    const bindings = { pyramid, pooling: { ...sizes, before: before.first } };
    op.run("pool", bindings, workgroups, { part: `${l}` });
  });
  return pyramid;
}

/** What {@link correlationLookup} reads. */
export interface CorrelationInputs {
  /** From {@link featurePyramid}; its finest level is read. */
  readonly first: Tensor;
  /** From {@link featurePyramid}. */
  readonly second: Tensor;
  /** u, `(1, height·width, 2)` in blocks: x, then y, in pixels of the finest level. */
  readonly flow: Tensor;
  /** Of the finest level. */
  readonly height: number;
  readonly width: number;
}

/**
 * Records `y[81·l + 9·i + j, p] = C_l[p] at ((p_x + u_x)/2^l + i − 4, (p_y + u_y)/2^l + j − 4)`, bilinear, zero outside, where
 * `C_l[p, q] = ⟨first[p], second_l[q]⟩/√channels`. The slow index i moves along x.
 *
 * Made of 10 × 10 products a level and pixel. For inference only.
 *
 * @returns `(1, height·width, 324)` in blocks
 */
export function correlationLookup(
  plan: Plan,
  label: string,
  { first, second, flow, height, width }: CorrelationInputs,
  variant: ProductVariant = productVariant(plan.gpu),
): Tensor {
  const op = new Operation(plan, "correlationLookup", label, kernel);
  const pixels = pyramidPixels(height, width);
  const [, channels] = op.expect({ first }, "rows", [pixels, "channels"]);
  op.expect({ second }, "rows", [pixels, channels]);
  op.expect({ flow }, "blocks", [1, height * width, 2]);
  op.expectFrozen({ first, second, flow });
  const products = op.scratch("products", [1, height * width, 400], "blocks");
  const y = op.output([1, height * width, lookupChannels], "blocks", [first, second, flow]);
  const dims = { height, width, quads: channels / 4, scale: 1 / Math.sqrt(channels) };
  op.run(
    `products_${variant}`,
    { dims, first, second, flow, products },
    [Math.ceil(width / 4), Math.ceil(height / 4), correlationLevels],
    { part: "products", flops: 2 * height * width * 400 * channels },
  );
  const workgroups = [blocksOf(height * width), correlationLevels * 9] as const;
  op.run("blend", { dims, flow, kept_products: products, y }, workgroups);
  return y;
}
