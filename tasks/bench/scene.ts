/**
 * Scenes for benchmarks, made in memory: no files, a second each.
 *
 * @module
 */
// @ts-types="npm:@types/ndarray@1.0.14"
import ndarray, { type NdArray } from "npm:ndarray@1.1.1";
import { ProceduralScene } from "../../src/data/procedural/procedural_scene.ts";
import { camerasFromLlff } from "../../src/data/scene/camera.ts";
import { resizeNearest } from "../../src/data/resize.ts";
import type { Scene } from "../../src/data/scene/scene.ts";
import type { Recipe } from "../../src/recipes/recipe.ts";

/** The procedural pair at the size that the recipe makes of the dataset's frames of 960 x 540. */
export function syntheticPair({ factor, frameWidth }: Recipe): Scene[] {
  const width = frameWidth > 0 ? frameWidth : Math.round(960 / factor);
  const height = Math.round(width * 540 / 960);
  return ["balloon1", "balloon2"].map((name) => syntheticScene(name, width, height));
}

/** Pixels across that are painted; wider frames repeat them. */
const paintedWidth = 96;

/** A procedural scene at any size: what a benchmark needs of it is its sizes and its shares of moving pixels. */
export function syntheticScene(name: string, width: number, height: number): Scene {
  const across = Math.min(width, paintedWidth);
  const small = { width: across, height: Math.round(across * height / width), factor: 1 };
  const world = new ProceduralScene(name, small);
  const { frames } = world;
  const each = <T>(make: (frame: number) => T) => Array.from({ length: frames }, (_, i) => make(i));
  const depths = each((i) => world.depthMap(i, i));
  const paintings = each((i) => world.paint(i, i));
  const flows = (step: 1 | -1) =>
    each((i) => i + step in depths ? world.flowMap(i, i + step) : still(small));
  const forward = flows(1), backward = flows(-1);
  const sized = (picture: NdArray<Float32Array>, scale = 1) =>
    resizeNearest(
      ndarray(picture.data.map((value) => scale * value), picture.shape),
      width,
      height,
    );
  const sizedBytes = (picture: NdArray<Uint8Array>) => resizeNearest(picture, width, height);
  const enlarged = width / across;
  const focalPixels = world.focalPixels * enlarged;
  const posesBounds = depths.map(({ data }, i) => {
    const { up, right, back, origin } = world.cameras[i];
    const intrinsics = [height, width, focalPixels];
    return [
      ...[0, 1, 2].flatMap((k) => [-up[k], right[k], back[k], origin[k], intrinsics[k]]),
      Math.min(...data),
      Math.max(...data),
    ];
  });
  return {
    name,
    directory: "",
    frames,
    width,
    height,
    images: stack(paintings.map(({ image }) => sizedBytes(image)), Uint8Array),
    inverseDepth: stack(
      depths.map((depth) => sized(ndarray(depth.data.map((value) => 1 / value), depth.shape))),
      Float32Array,
    ),
    moving: stack(
      paintings.map(({ moving }) =>
        sizedBytes(ndarray(Uint8Array.from(moving.data, Math.ceil), moving.shape))
      ),
      Uint8Array,
    ),
    flowForward: stack(forward.map(({ flow }) => sized(flow, enlarged)), Float32Array),
    flowForwardValid: stack(forward.map(({ valid }) => sizedBytes(valid)), Uint8Array),
    flowBackward: stack(backward.map(({ flow }) => sized(flow, enlarged)), Float32Array),
    flowBackwardValid: stack(backward.map(({ valid }) => sizedBytes(valid)), Uint8Array),
    ...camerasFromLlff(
      ndarray(Float64Array.from(posesBounds.flat()), [frames, 17]),
      { width, height, focalScale: 1 },
    ),
    multiview: [],
  };
}

/** The flow of a frame that has no neighbour on that side. */
function still({ width, height }: { width: number; height: number }) {
  return {
    flow: ndarray(new Float32Array(height * width * 2), [height, width, 2]),
    valid: ndarray(new Uint8Array(height * width), [height, width]),
  };
}

/** Pictures of one shape, one behind the other. */
function stack<D extends Float32Array | Uint8Array>(
  pictures: readonly NdArray<D>[],
  Values: new (size: number) => D,
): NdArray<D> {
  const [{ size, shape }] = pictures;
  const all = new Values(pictures.length * size);
  pictures.forEach(({ data }, i) => all.set(data, i * size));
  return ndarray(all, [pictures.length, ...shape]);
}
