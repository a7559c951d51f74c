/**
 * Which frames of a scene show a view's points best.
 *
 * @module
 */
import text from "../../wgsl/ops/choose_frames.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";

const kernel = defineKernel("wgsl/ops/choose_frames.wgsl", text);

/** A scene's frames, in which points look for themselves. */
export interface FramePictures {
  /** `(frames, 16)` rows: camera records, whose last number is one over the square of the cameras' spacing. */
  readonly cameras: Tensor;
  /**
   * `(frames, height, width, 4)` rows: 1 where the frame shows something still, the NDC depth −1…1 of what it shows, and how many
   * pixels it is to the right and down to the nearest that shows something still.
   */
  readonly pictures: Tensor;
}

/** What {@link chooseFrames} chooses by. */
export interface FrameChoiceInputs {
  /** `(scenes, points, 3)` in blocks, NDC. */
  readonly points: Tensor;
  /** `(scenes, 3, 16)` rows: the cameras of the views, in the current slot. */
  readonly views: Tensor;
  /** By scene. */
  readonly frames: readonly FramePictures[];
}

/** Pixels from a picture's border within which a frame counts less: features there have seen beyond it. */
const border = 3;
/** NDC depth −1…1: a little more than from one of 24 samples to the next, so that the sample at a surface counts as on it. */
const behind = 0.1;
/** A tenth of the cameras' spacing: a frame of the view's own camera counts a hundred times its neighbour. */
const nearness = 0.01;

/**
 * Records the three frames that show each point best, and their shares: `seen/(‖o_f − o‖²/spacing² + 0.01)`, where a point is
 * seen that lies in the frame's picture, not near its border, not on something that moves, and not behind what the frame shows.
 *
 * Not differentiable: places of features are constants of the backward pass.
 *
 * @returns `(scenes, points, 6)` in blocks: frames by falling share, then the shares, which add up to 1
 */
export function chooseFrames(plan: Plan, label: string, inputs: FrameChoiceInputs): Tensor {
  const { points, views, frames } = inputs;
  const op = new Operation(plan, "chooseFrames", label, kernel);
  const [scenes, count] = op.expect({ points }, "blocks", [frames.length, "points", 3]);
  op.expect({ views }, "rows", [scenes, 3, 16]);
  const choice = op.constant([scenes, count, 6], "blocks");
  frames.forEach(({ cameras, pictures }, scene) => {
    const [, height, width] = op.expect({ pictures }, "rows", ["frames", "height", "width", 4]);
    op.expect({ cameras }, "rows", [pictures.shape[0], 16]);
    op.run("forward", {
      points,
      views,
      frame_cameras: cameras,
      pictures,
      choice,
      dims: { scene, points: count, width, height, border, behind, nearness },
    }, [blocksOf(count)]);
  });
  return choice;
}
