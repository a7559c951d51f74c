/**
 * Features of mean 0 and deviation 1: what untrained encoders need before a field can learn from them.
 *
 * @module
 */
import text from "../../wgsl/ops/standardize.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { channelMoments, pointsPerPart } from "./moments.ts";
import { expectShape } from "../runtime/shapes.ts";

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
  const channels = maps[0].shape[2];
  const differentiated = maps.find((map) => map.requiresGradient);
  if (options.moments && differentiated) {
    throw new Error(
      `Cannot record standardizeMaps "${
        plan.path(label)
      }": "${differentiated.label}" requires a gradient, and through ` +
        "moments made before none passes; give all maps at once, without moments",
    );
  }
  const moments = options.moments ?? channelMoments(plan, `${label}.moments`, maps);
  expectShape("standardizeMaps", plan.path(label), { moments }, "rows", [channels, 2]);
  const dimsOf = ({ size }: Tensor) => ({ size, channels, epsilon, scale: 1, accumulate: 0 });
  const outputs = maps.map((x, i) => {
    expectShape("standardizeMaps", plan.path(label), { map: x }, "rows", [
      "height",
      "width",
      channels,
    ]);
    const y = plan.activation(`${label}.standard.${i}`, x.shape, "rows", maps);
    plan.dispatch({
      label: `${label}.maps`,
      kernel,
      entry: "maps",
      bindings: { dims: dimsOf(y), moments, x, y },
      workgroups: linearWorkgroups(y.size),
    });
    return y;
  });

  plan.backward(outputs, (gradients) => {
    const means = gradientMeans(gradients);
    maps.forEach((x, i) => {
      const sink = plan.gradientSink(x);
      if (!sink) return;
      plan.dispatch({
        label: `${label}.backward_maps`,
        kernel,
        entry: "backward_maps",
        bindings: {
          dims: { ...dimsOf(x), accumulate: sink.accumulate },
          moments,
          kept_y: outputs[i],
          d_y: gradients[i],
          kept_means: means,
          d_x: sink.gradient,
        },
        workgroups: linearWorkgroups(x.size),
      });
    });
  });

  function gradientMeans(gradients: readonly Tensor[]): Tensor {
    const points = outputs.map(({ size }) => size / channels);
    const all = points.reduce((a, b) => a + b);
    const perPart = pointsPerPart(all);
    const parts = points.map((count) => Math.ceil(count / perPart));
    const rows = parts.reduce((a, b) => a + b);
    const partials = plan.activation(`${label}.partials`, [rows, channels, 2]);
    let firstRow = 0;
    outputs.forEach((y, i) => {
      plan.dispatch({
        label: `${label}.backward_maps_sums`,
        kernel,
        entry: "backward_maps_sums",
        bindings: {
          dims: dimsOf(y),
          split: {
            points: points[i],
            points_per_part: perPart,
            parts: parts[i],
            first_row: firstRow,
          },
          kept_y: y,
          d_y: gradients[i],
          partials,
        },
        workgroups: linearWorkgroups(channels * parts[i]),
      });
      firstRow += parts[i];
    });
    const means = plan.activation(`${label}.means`, [channels, 2]);
    plan.dispatch({
      label: `${label}.backward_maps_merge`,
      kernel,
      entry: "backward_maps_merge",
      bindings: { merging: { rows, channels, points: all }, parts: partials, means },
      workgroups: [Math.ceil(channels / 64)],
    });
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
  const [scenes, , channels] = expectShape(
    "standardizeCode",
    plan.path(label),
    { code },
    "blocks",
    ["scenes", 1, "channels"],
  );
  const y = plan.activation(`${label}.standard`, code.shape, "blocks", [code]);
  const dims = { size: scenes, channels, epsilon, scale, accumulate: 0 };
  plan.dispatch({
    label: `${label}.codes`,
    kernel,
    entry: "codes",
    bindings: { dims, x: code, y },
    workgroups: [scenes],
  });
  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(code);
    if (!sink) return;
    plan.dispatch({
      label: `${label}.backward_codes`,
      kernel,
      entry: "backward_codes",
      bindings: {
        dims: { ...dims, accumulate: sink.accumulate },
        x: code,
        d_y: dY,
        d_x: sink.gradient,
      },
      workgroups: [scenes],
    });
  });
  return y;
}
