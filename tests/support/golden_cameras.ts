/**
 * The cameras of the goldens' scene.
 *
 * @module
 */
import { join } from "@std/path";
import { readNpy } from "../../src/data/formats/npy.ts";
import { type Camera, camerasFromLlff } from "../../src/data/scene/camera.ts";
import { goldensDirectory } from "./goldens.ts";

/** The cameras of `scene_io`, at half the size of its frames. */
export async function goldenCameras(): Promise<Camera[]> {
  const path = join(goldensDirectory(), "scene_io", "scene", "poses_bounds.npy");
  const posesBounds = await readNpy(path, ["float64"]);
  return camerasFromLlff(posesBounds, { width: 32, height: 18, focalScale: 1 / 2 }).cameras;
}
