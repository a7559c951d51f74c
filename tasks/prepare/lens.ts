import type { ColmapCamera } from "../../src/data/given/colmap/model.ts";
import { straightCamera } from "../../src/preparation/undistort.ts";

/** A lens as the record has it. */
export type Lens = {
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly parameters: readonly number[];
};

/** What frames are straightened by, as the record has it. */
export type Straightening = {
  /** The lens of all frames, or of each. */
  readonly lenses: readonly Lens[];
  /** What they are to be as if taken by. */
  readonly straight: Lens;
};

/** What a frame is straightened by. */
export interface FrameLens {
  /** The lens that it was taken by. */
  camera: ColmapCamera;
  /** What it is to be as if taken by. */
  straight: ColmapCamera;
}

/** Straightening for the record. */
export function straightening(
  lenses: readonly [ColmapCamera, ...ColmapCamera[]],
): Straightening {
  return { lenses: lenses.map(asLens), straight: asLens(straightCamera(...lenses)) };
}

/** What a frame is straightened by; undefined where frames stay as they are. */
export function lensOfFrame(by: Straightening | null, frame: number): FrameLens | undefined {
  if (!by) return undefined;
  return { camera: asCamera(by.lenses[frame] ?? by.lenses[0]), straight: asCamera(by.straight) };
}

function asLens({ model, width, height, parameters }: ColmapCamera): Lens {
  return { model, width, height, parameters: [...parameters] };
}

function asCamera({ model, width, height, parameters }: Lens): ColmapCamera {
  return {
    id: 1,
    model: model as ColmapCamera["model"],
    width,
    height,
    parameters: Float64Array.from(parameters),
  };
}
