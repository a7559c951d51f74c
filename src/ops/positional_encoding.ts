/**
 * The positional encoding of points, times and directions.
 *
 * @module
 */
import text from "../../wgsl/ops/positional_encoding.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/positional_encoding.wgsl", text);

/** The time that joins a point as its last number. */
export type EncodedTime =
  /** One a scene: `t = times[0] + offsetFrames · times[1]`, times `(scenes, 2)` in rows: t and the time of one frame. */
  | { readonly times: Tensor; readonly offsetFrames: number }
  /** For the goldens, one a point: `(scenes, points, 1)` in blocks. */
  | { readonly perPoint: Tensor };

/** Options of {@link positionalEncoding}. */
export interface EncodingOptions {
  /** L, octaves. */
  readonly frequencies: number;
  /** Divides by `max(‖γ‖, 1e-12)`. */
  readonly normalize?: boolean;
  /** Joins the point as its last number. */
  readonly time?: EncodedTime | undefined;
}

/**
 * Records `γ(x) = [x, sin(2⁰x), cos(2⁰x), …, sin(2^{L−1}x), cos(2^{L−1}x)]`, x being the point and its time.
 *
 * Sine and cosine are good to 3e-7 as long as `2^{L−1}|x|` is below 65536.
 *
 * @param points `(scenes, points, 1…3)` in blocks
 * @returns `(scenes, points, (dimensions + time) · (1 + 2L))` in blocks
 */
export function positionalEncoding(
  plan: Plan,
  label: string,
  points: Tensor,
  options: EncodingOptions,
): Tensor {
  const { frequencies, normalize = false, time } = options;
  const op = new Operation(plan, "positionalEncoding", label, kernel);
  const wanted = ["scenes", "points", "dimensions"];
  const [scenes, count, dimensions] = op.expect({ points }, "blocks", wanted);
  if (dimensions > 3) throw op.error(`points have ${dimensions} dimensions, wanted 1 to 3`);
  let times: Tensor | undefined, offset_frames = 0, time_of = 0;
  if (time && "times" in time) {
    ({ times, offsetFrames: offset_frames } = time);
    time_of = 1;
    op.expect({ times }, "rows", [scenes, 2]);
  } else if (time) {
    times = time.perPoint;
    time_of = 2;
    op.expect({ times }, "blocks", [scenes, count, 1]);
  }
  const channels = (dimensions + (time ? 1 : 0)) * (1 + 2 * frequencies);
  const y = op.output([scenes, count, channels], "blocks", [points, times]);
  const sceneLanes = blocksOf(count) * blockPoints, lanes = scenes * sceneLanes;
  const dims = { lanes, scene_lanes: sceneLanes, scene_points: count, offset_frames };
  const workgroups = linearWorkgroups(lanes);
  const constants = { dimensions, frequencies, unit_length: normalize ? 1 : 0, time_of };
  op.run("forward", { points, times, y, dims }, workgroups, { constants });
  op.backward([y], ([dY]) => {
    const bindings = { points, times, d_y: dY, dims };
    const d_points = op.target(points);
    op.run("backward_points", { ...bindings, d_points }, workgroups, { constants });
    if (time_of === 0) return;
    const [entry, groups] = time_of === 1
      ? ["backward_scene_times", [scenes] as const] as const
      : ["backward_point_times", workgroups] as const;
    const options = { constants, part: "backward_times" };
    op.run(entry, { ...bindings, d_times: op.target(times) }, groups, options);
  });
  return y;
}
