import { join } from "@std/path";
import type { ColmapModel, ColmapPaths } from "../../../../src/data/given/colmap/model.ts";
import { goldensDirectory } from "../../../support/goldens.ts";

/** The golden folder of a small model: `sparse/0/*.bin`, the same as `text/*.txt`, and its `poses_bounds.npy`. */
export function goldenColmap(): string {
  return join(goldensDirectory(), "prep/colmap");
}

export const GOLDEN_FRAMES = ["000.png", "001.png", "002.png", "003.png"];

/** The files of a model, as bytes. */
export async function modelFiles(folder: string, ending: "bin" | "txt") {
  const path = (name: string) => join(folder, `${name}.${ending}`);
  const paths: ColmapPaths = {
    cameras: path("cameras"),
    images: path("images"),
    points: path("points3D"),
  };
  const files = {
    cameras: await Deno.readFile(paths.cameras),
    images: await Deno.readFile(paths.images),
    points: await Deno.readFile(paths.points),
  };
  return { files, paths };
}

/** How many things of each kind a model has. */
export function counts({ cameras, images, points }: ColmapModel) {
  return { cameras: cameras.length, images: images.length, points: points.size };
}
