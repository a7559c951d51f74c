/**
 * Features of points from the frames that were chosen for them.
 *
 * @module
 */
import text from "../../wgsl/ops/sample_frames.wgsl" with { type: "text" };
import { defineKernel } from "../runtime/kernel.ts";
import { Operation } from "../runtime/operation.ts";
import type { Plan } from "../runtime/plan.ts";
import { blocksOf, type Tensor } from "../runtime/tensor.ts";
import type { FramePictures } from "./choose_frames.ts";

const kernel = defineKernel("wgsl/ops/sample_frames.wgsl", text);

/** Channels that one workgroup samples. */
const chunk = 64;

/** What {@link sampleFrames} samples. */
export interface FrameSources {
  /** `(scenes, points, 3)` in blocks, NDC. */
  readonly points: Tensor;
  /** `(scenes, points, 6)` in blocks: of `chooseFrames`. */
  readonly choice: Tensor;
  /** By scene. */
  readonly frames: readonly FramePictures[];
  /** By scene, one or more pages of its frames' maps: `(frames of the page, height, width, channels)` rows. */
  readonly pages: readonly (readonly Tensor[])[];
  /** `[first, count]` of the maps' channels that are sampled, multiples of 4; all by default. */
  readonly channels?: readonly [number, number];
}

/**
 * Records `y = Σ share · map_f(p)` over the frames f chosen for each point, the map read bilinearly where the frame's camera
 * sees it, clamped to its border; where the frame shows something that moves there, beside it.
 *
 * Not differentiable: for maps of frozen encoders, or for inference.
 *
 * @returns `(scenes, points, channels)` in blocks
 */
export function sampleFrames(plan: Plan, label: string, sources: FrameSources): Tensor {
  const { points, choice, frames, pages } = sources;
  const op = new Operation(plan, "sampleFrames", label, kernel);
  const [scenes, count] = op.expect({ points }, "blocks", [frames.length, "points", 3]);
  op.expect({ choice }, "blocks", [scenes, count, 6]);
  const mapChannels = pages[0][0].shape[3];
  const [firstChannel, channels] = sources.channels ?? [0, mapChannels];
  if ([mapChannels, firstChannel, channels].some((count) => count % 4 !== 0)) {
    throw op.error(
      `${channels} channels from ${firstChannel} of maps that have ${mapChannels}, wanted multiples of 4`,
    );
  }
  for (const page of pages.flat()) op.expectFrozen({ page });
  const y = op.constant([scenes, count, channels], "blocks");
  frames.forEach(({ cameras, pictures }, scene) => {
    const ofPictures = op.expect({ pictures }, "rows", ["frames", "height", "width", 4]);
    op.expect({ cameras }, "rows", [ofPictures[0], 16]);
    let first = 0;
    for (const page of pages[scene]) {
      const wanted = ["frames", "height", "width", mapChannels];
      const [held, height, width] = op.expect({ page }, "rows", wanted);
      op.run("forward", {
        page,
        frame_cameras: cameras,
        pictures,
        points,
        choice,
        y,
        dims: {
          ...{ scene, points: count, first, frames: held },
          ...{ height, width, add: first > 0 },
          ...{ picture_height: ofPictures[1], picture_width: ofPictures[2] },
          ...{ map_fours: mapChannels / 4, first_four: firstChannel / 4, fours: channels / 4 },
        },
      }, [blocksOf(count), Math.ceil(channels / chunk)]);
      first += held;
    }
  });
  return y;
}
