/**
 * The positional encoding of points, times and directions.
 *
 * @module
 */
import text from "../../wgsl/ops/positional_encoding.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { linearWorkgroups, type Plan } from "../runtime/plan.ts";
import { blockPoints, blocksOf, type Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../runtime/shapes.ts";

const path = "wgsl/ops/positional_encoding.wgsl";
const kernel = defineKernel(path, text);

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
  readonly time?: EncodedTime;
}

/**
 * Records `γ(x) = [x, sin(2⁰x), cos(2⁰x), …, sin(2^{L−1}x), cos(2^{L−1}x)]`, x being the point and its time (spec section 2).
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
  const full = plan.path(label);
  const [scenes, count, dimensions] = expectShape(
    "positionalEncoding",
    full,
    { points },
    "blocks",
    [
      "scenes",
      "points",
      "dimensions",
    ],
  );
  if (dimensions > 3) {
    throw new Error(
      `Cannot record positionalEncoding "${full}": points have ${dimensions} dimensions, wanted 1 to 3`,
    );
  }
  let times = points; // bound and not read where there is no time
  if (time && "times" in time) {
    times = time.times;
    expectShape("positionalEncoding", full, { times }, "rows", [scenes, 2]);
  } else if (time) {
    times = time.perPoint;
    expectShape("positionalEncoding", full, { times }, "blocks", [scenes, count, 1]);
  }
  const channels = (dimensions + (time ? 1 : 0)) * (1 + 2 * frequencies);
  const timed = times === points ? undefined : times;
  const y = plan.activation(label, [scenes, count, channels], "blocks", [points, timed]);
  const sceneLanes = blocksOf(count) * blockPoints;
  const common = {
    kernel,
    constants: {
      dimensions,
      frequencies,
      unit_length: normalize ? 1 : 0,
      time_of: !time ? 0 : "times" in time ? 1 : 2,
    },
    workgroups: linearWorkgroups(scenes * sceneLanes),
  };
  const dims = {
    lanes: scenes * sceneLanes,
    scene_lanes: sceneLanes,
    scene_points: count,
    offset_frames: time && "times" in time ? time.offsetFrames : 0,
    accumulate: 0,
  };
  plan.dispatch({
    ...common,
    label: `${label}.forward`,
    entry: "forward",
    bindings: { points, times, y, dims },
  });
  plan.backward([y], ([dY]) => {
    const sink = plan.gradientSink(points);
    if (sink) {
      plan.dispatch({
        ...common,
        label: `${label}.backward_points`,
        entry: "backward_points",
        bindings: {
          points,
          times,
          d_y: dY,
          d_points: sink.gradient,
          dims: { ...dims, accumulate: sink.accumulate },
        },
      });
    }
    const timeSink = timed && plan.gradientSink(timed);
    if (!timeSink) return;
    const perPoint = time && "perPoint" in time;
    plan.dispatch({
      ...common,
      label: `${label}.backward_times`,
      entry: perPoint ? "backward_point_times" : "backward_scene_times",
      bindings: {
        points,
        times,
        d_y: dY,
        d_times: timeSink.gradient,
        dims: { ...dims, accumulate: timeSink.accumulate },
      },
      workgroups: perPoint ? common.workgroups : [scenes],
    });
  });
  return y;
}
