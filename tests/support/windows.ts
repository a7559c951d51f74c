/**
 * Frame windows of golden cases: maps `(scenes, channels, frames, height, width)` and cameras `(scenes, frames, 3, 4)`.
 *
 * @module
 */
import type { Camera } from "../../src/data/scene/camera.ts";
import { cameraRecords } from "../../src/rendering/camera_records.ts";
import type { FrameWindow } from "../../src/rendering/evaluate_fields.ts";
import type { Gpu } from "../../src/runtime/device.ts";
import { createTensor, type Tensor } from "../../src/runtime/tensor.ts";
import type { GoldenCase } from "./goldens.ts";

/** Cameras of the frames of each scene. */
export function goldenCameras(golden: GoldenCase, tag: string): Camera[][] {
  const { data, shape: [scenes, frames] } = golden.input(`${tag}/c2w`);
  const focal = golden.input(`${tag}/focal`).data;
  const { W: width, H: height } = golden.config as { W: number; H: number };
  return Array.from({ length: scenes }, (_, s) =>
    Array.from({ length: frames }, (_, f) => ({
      cameraToWorld: data.slice((s * frames + f) * 12, (s * frames + f + 1) * 12),
      focalPixels: focal[s],
      width,
      height,
    })));
}

/** Each frame's map as `(height, width, channels)` rows, by scene. */
export function goldenMaps(gpu: Gpu, golden: GoldenCase, name: string): Tensor[][] {
  const { data, shape: [scenes, channels, frames, height, width] } = golden.input(name);
  const pixels = height * width;
  return Array.from({ length: scenes }, (_, s) =>
    Array.from({ length: frames }, (_, f) => {
      const map = new Float32Array(pixels * channels);
      for (let c = 0; c < channels; c++) {
        const first = ((s * channels + c) * frames + f) * pixels;
        for (let p = 0; p < pixels; p++) map[p * channels + c] = data[first + p];
      }
      return createTensor(gpu, `${name}.${s}.${f}`, [height, width, channels], { data: map });
    }));
}

/** The window around `offset` frames after each scene's frame, clamped to the scene. */
export function goldenWindow(
  gpu: Gpu,
  cameras: readonly (readonly Camera[])[],
  maps: readonly (readonly Tensor[])[],
  frames: readonly number[],
  offset = 0,
): FrameWindow {
  const at = frames.map((frame, s) => Math.min(Math.max(frame + offset, 0), maps[s].length - 1));
  const records = at.flatMap((frame, s) => [...cameraRecords(cameras[s], frame)]);
  return {
    maps: at.map((frame, s) => [-1, 0, 1].map((d) => maps[s][frame + d] ?? maps[s][frame])),
    cameras: createTensor(gpu, "cameras", [frames.length, 3, 16], {
      data: Float32Array.from(records),
    }),
  };
}
