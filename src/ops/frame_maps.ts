/**
 * Feature maps of a batch of videos: one tensor a frame, so that no buffer grows with the number of frames.
 *
 * @module
 */
import type { Plan } from "../runtime/plan.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { expectShape } from "../runtime/shapes.ts";

/** Feature maps of all frames of a batch, on one grid; scenes may differ in their number of frames. */
export interface FrameMaps {
  /** By scene, then frame: `(1, height·width, channels)` in blocks, a frame's pixels row by row. */
  readonly frames: readonly (readonly Tensor[])[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Checks that every frame of `maps` has its grid and channels. */
export function expectFrameMaps(
  operation: string,
  label: string,
  name: string,
  maps: FrameMaps,
): void {
  const { height, width, channels } = maps;
  for (const frame of maps.frames.flat()) {
    expectShape(operation, label, { [name]: frame }, "blocks", [1, height * width, channels]);
  }
}

/**
 * Output maps of an operation: the scenes and frames of `x`, on another grid or with other channels.
 *
 * @param inputs all that the maps depend on; they require gradients when one of these does
 */
export function mapsLike(
  plan: Plan,
  label: string,
  x: FrameMaps,
  changed: Partial<Omit<FrameMaps, "frames">> = {},
  inputs: readonly (Tensor | undefined)[] = [],
): FrameMaps {
  const { height, width, channels } = { ...x, ...changed };
  const frames = x.frames.map((scene, s) =>
    scene.map((_, f) =>
      plan.activation(`${label}.${s}.${f}`, [1, height * width, channels], "blocks", inputs)
    )
  );
  return { frames, height, width, channels };
}
