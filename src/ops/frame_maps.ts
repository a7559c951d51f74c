/**
 * Feature maps of a batch of videos: one tensor a frame, so that no buffer grows with the number of frames.
 *
 * @module
 */
import type { Operation } from "../runtime/operation.ts";
import type { Tensor } from "../runtime/tensor.ts";

/** Feature maps of all frames of a batch, on one grid; scenes may differ in their number of frames. */
export interface FrameMaps {
  /** By scene, then frame: `(1, height·width, channels)` in blocks, a frame's pixels row by row. */
  readonly frames: readonly (readonly Tensor[])[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Checks that every frame of named maps has their grid and channels. */
export function expectFrameMaps(op: Operation, named: Readonly<Record<string, FrameMaps>>): void {
  for (const [name, { frames, height, width, channels }] of Object.entries(named)) {
    for (const frame of frames.flat()) {
      op.expect({ [name]: frame }, "blocks", [1, height * width, channels]);
    }
  }
}

/**
 * Output maps of an operation: the scenes and frames of `x`, on another grid or with other channels.
 *
 * @param inputs all that the maps depend on; they require gradients when one of these does
 */
export function mapsLike(
  op: Operation,
  x: FrameMaps,
  changed: Partial<Omit<FrameMaps, "frames">> = {},
  inputs: readonly (Tensor | undefined)[] = [],
): FrameMaps {
  const { height, width, channels } = { ...x, ...changed };
  const frames = x.frames.map((scene, s) =>
    scene.map((_, f) => op.output([1, height * width, channels], "blocks", inputs, `${s}.${f}`))
  );
  return { frames, height, width, channels };
}
