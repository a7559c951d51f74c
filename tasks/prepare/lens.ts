import type { ColmapCamera } from "../../src/data/given/colmap/model.ts";

/** A lens as the record has it. */
export type Lens = {
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly parameters: readonly number[];
};

/** A lens for the record. */
export function asLens({ model, width, height, parameters }: ColmapCamera): Lens {
  return { model, width, height, parameters: [...parameters] };
}

/** The lens as a camera; undefined where frames stay as they are. */
export function cameraOf(lens: Lens | null): ColmapCamera | undefined {
  if (!lens) return undefined;
  const { model, width, height, parameters } = lens;
  return {
    id: 1,
    model: model as ColmapCamera["model"],
    width,
    height,
    parameters: Float64Array.from(parameters),
  };
}
