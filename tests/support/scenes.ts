/**
 * Small scenes in memory.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import type { Scene } from "../../src/data/scene/scene.ts";
import { randomArray } from "./gpu.ts";

/** A scene of random numbers: four frames of 20×12 from cameras side by side, the left third of each moving. */
export function randomScene(name: string, seed: number): Scene {
  const [frames, width, height] = [4, 20, 12];
  const count = frames * width * height;
  const bytes = (seed: number, size: number) => Uint8Array.from(randomArray(seed, size, 0, 255.99));
  const shape = [frames, height, width];
  const ones = (skipped: number) =>
    Uint8Array.from(
      { length: count },
      (_, i) => Math.floor(i * frames / count) === skipped ? 0 : 1,
    );
  return {
    name,
    directory: `memory:${name}`,
    frames,
    width,
    height,
    images: ndarray(bytes(seed, count * 3), [...shape, 3]),
    inverseDepth: ndarray(randomArray(seed + 1, count, 0.1, 1), shape),
    moving: ndarray(
      Uint8Array.from({ length: count }, (_, i) => i % width < width / 3 ? 1 : 0),
      shape,
    ),
    flowForward: ndarray(randomArray(seed + 2, count * 2), [...shape, 2]),
    flowForwardValid: ndarray(ones(frames - 1), shape),
    flowBackward: ndarray(randomArray(seed + 3, count * 2), [...shape, 2]),
    flowBackwardValid: ndarray(ones(0), shape),
    cameras: Array.from({ length: frames }, (_, frame) => ({
      cameraToWorld: Float32Array.of(1, 0, 0, 0.05 * frame, 0, 1, 0, 0, 0, 0, 1, 0),
      focalPixels: 18,
      width,
      height,
    })),
    bounds: ndarray(new Float32Array(2 * frames).fill(1), [frames, 2]),
    multiview: [],
  };
}

/** A scene's first frames. */
export function firstFrames(scene: Scene, frames: number): Scene {
  const first = <D extends Uint8Array | Float32Array>({ data, shape }: NdArray<D>): NdArray<D> => {
    const size = data.length / shape[0];
    return ndarray(data.slice(0, frames * size) as D, [frames, ...shape.slice(1)]);
  };
  return {
    ...scene,
    frames,
    images: first(scene.images),
    inverseDepth: first(scene.inverseDepth),
    moving: first(scene.moving),
    flowForward: first(scene.flowForward),
    flowForwardValid: first(scene.flowForwardValid),
    flowBackward: first(scene.flowBackward),
    flowBackwardValid: first(scene.flowBackwardValid),
    cameras: scene.cameras.slice(0, frames),
    bounds: first(scene.bounds),
  };
}
