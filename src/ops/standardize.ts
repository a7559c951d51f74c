/**
 * Features of mean 0 and deviation 1: what untrained encoders need before a field can learn from them.
 *
 * @module
 */
import text from "../../wgsl/ops/standardize.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { channelMoments, pointsPerPart } from "./channel_moments.ts";

const kernel = defineKernel("wgsl/ops/standardize.wgsl", text);
const epsilon = 1e-5; // a dead channel stays 0

/** Options of {@link standardizeMaps}. */
export interface StandardizeOptions {
  /**
   * `(channels, 2)` rows from `channelMoments`, of these maps and others: so many maps can be standardised a few at a time.
   * Then no gradient passes.
   */
  readonly moments?: Tensor;
}

/**
 * Records `y = (x − mean)/√(variance + 10⁻⁵)` for each channel over all pixels of all maps.
 *
 * @param maps `(height, width, channels)` rows each
 * @returns as many of the same shape
 * @throws where moments are given and a map requires a gradient
 */
export function standardizeMaps(
  plan: Plan,
  label: string,
  maps: readonly Tensor[],
  options: StandardizeOptions = {},
): readonly Tensor[] {
  const op = new Operation(plan, "standardizeMaps", label, kernel);
  const channels = maps[0].shape[2];
  const differentiated = maps.find((map) => map.requiresGradient);
  if (options.moments && differentiated) {
    throw op.error(
      `"${differentiated.label}" requires a gradient, and through moments made before none passes; ` +
        "give all maps at once, without moments",
    );
  }
  const moments = options.moments ?? channelMoments(plan, `${label}.moments`, maps);
  op.expect({ moments }, "rows", [channels, 2]);
  const dimsOf = ({ size }: Tensor) => ({ size, channels, epsilon, scale: 1 });
  const outputs = maps.map((x, i) => {
    const shape = op.expect({ map: x }, "rows", ["height", "width", channels]);
    const y = op.output(shape, "rows", maps, `standard.${i}`);
    op.run("maps", { dims: dimsOf(y), moments, x, y }, linearWorkgroups(y.size));
    return y;
  });

  op.backward(outputs, (gradients) => {
    const kept_means = gradientMeans(gradients);
    maps.forEach((x, i) => {
      const kept = { moments, kept_y: outputs[i], d_y: gradients[i], kept_means };
      const bindings = { dims: dimsOf(x), ...kept, d_x: op.target(x) };
      op.run("backward_maps", bindings, linearWorkgroups(x.size));
    });
  });

  function gradientMeans(gradients: readonly Tensor[]): Tensor {
    const points = outputs.map(({ size }) => size / channels);
    const all = points.reduce((a, b) => a + b);
    const perPart = pointsPerPart(all);
    const parts = points.map((count) => Math.ceil(count / perPart));
    const rows = parts.reduce((a, b) => a + b);
    const partials = op.scratch("partials", [rows, channels, 2]);
    let firstRow = 0;
    outputs.forEach((y, i) => {
      const split = {
        points: points[i],
        points_per_part: perPart,
        parts: parts[i],
        first_row: firstRow,
      };
      const bindings = { dims: dimsOf(y), split, kept_y: y, d_y: gradients[i], partials };
      op.run("backward_maps_sums", bindings, linearWorkgroups(channels * parts[i]));
      firstRow += parts[i];
    });
    const means = op.scratch("means", [channels, 2]);
    const merging = { rows, channels, points: all };
    const workgroups = [Math.ceil(channels / 64)] as const;
    op.run("backward_maps_merge", { merging, parts: partials, means }, workgroups);
    return means;
  }

  return outputs;
}

/**
 * Records `y = scale·(code − mean)/√(variance + 10⁻⁵)` over the channels of each scene's code.
 *
 * @param code `(scenes, 1, channels)` in blocks
 * @returns the same shape
 */
export function standardizeCode(plan: Plan, label: string, code: Tensor, scale: number): Tensor {
  const op = new Operation(plan, "standardizeCode", label, kernel);
  const shape = op.expect({ code }, "blocks", ["scenes", 1, "channels"]);
  const [scenes, , channels] = shape;
  const y = op.output(shape, "blocks", [code], "standard");
  const dims = { size: scenes, channels, epsilon, scale };
  op.run("codes", { dims, x: code, y }, [scenes]);
  op.backward([y], ([dY]) => {
    op.run("backward_codes", { dims, x: code, d_y: dY, d_x: op.target(code) }, [scenes]);
  });
  return y;
}
