/**
 * Inverse depth of the frames: measured by MiDaS, or as the user has it.
 *
 * @module
 */
import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { exists, writeFileAtomically } from "../../src/data/files.ts";
import { type GivenDepthOptions, loadDepth } from "../../src/data/given/given_depth.ts";
import { turnedMap } from "../../src/data/given/turning.ts";
import { encodeNpy } from "../../src/data/formats/npy.ts";
import { resizeNearest } from "../../src/data/resize.ts";
import { undistortMask } from "../../src/preparation/undistort.ts";
import { contentOf } from "./content_hash.ts";
import { requireProportions } from "./flow.ts";
import { frameName } from "./frames.ts";
import { filesOfFrames } from "./given_files.ts";
import { lensOfFrame, type Straightening } from "./lens.ts";
import type { Networks } from "./networks.ts";
import type { Done, Json } from "./preparation_folder.ts";
import { StepProgress } from "./step_progress.ts";
import { readFrame, turnOf, type Work } from "./work.ts";

/** What is known of the depth when it is there. */
export type DepthInfo = {
  /** What it was made by. */
  readonly source: string;
};

/** The step that makes depth. */
export const DEPTH = "depth";
/** Pixels of a frame, each way, of which one tells near and far. */
const COARSENESS = 8;
/** Name endings of depth. */
const DEPTH_FILES = [".npy", ".npz", ".png"];

/**
 * The inverse depth of the scene's frames: `disp/`.
 *
 * @param images The scene's frames.
 * @param lens What they were straightened by: so is depth of the user's, which belongs to the frames as they were filmed.
 */
export async function makeDepth(
  work: Work,
  images: Done<Json>,
  lens: Straightening | null,
  networks: Networks,
): Promise<Done<DepthInfo>> {
  const { command: { depth, depthIs, depthSize }, folder, frames, signal } = work;
  const from: Json = depth === undefined
    ? { images: images.sha256, midas: await networks.sha256("midas"), depthSize }
    : {
      frames: frames.sha256,
      given: (await contentOf(depth, signal)).sha256,
      depthIs,
      pixels: work.command.givenPixels ?? null,
      lens,
    };
  return await folder.folder<DepthInfo>({
    name: DEPTH,
    output: "disp",
    from,
    tell: ({ source }) => source,
    keepsFiles: depth === undefined,
  }, async (into) => {
    const count = frames.info.sources.length;
    using progress = new StepProgress("depth", count);
    let i = 0;
    const maps = depth === undefined
      ? midasMaps(work, images, networks, into, (fraction) => progress.within(i, fraction))
      : straightMaps(work, depth, lens);
    for await (const map of maps) {
      signal.throwIfAborted();
      if (map) await writeFileAtomically(mapPath(into, i), encodeNpy(map, "float32"));
      progress.update(++i);
    }
    return { source: depth === undefined ? "MiDaS v2.1" : `yours from "${depth}"` };
  });
}

/** @throws {DataError} If a frame has no depth in the user's folder, or the first one cannot be used. */
export async function requireDepth(work: Work, given: string): Promise<void> {
  for await (const _ of givenMaps(work, given)) return;
}

/** The user's depth, coarse, in the units of its files. */
export async function coarseDepths(work: Work, given: string): Promise<NdArray<Float32Array>[]> {
  const depths: NdArray<Float32Array>[] = [];
  for await (const map of givenMaps(work, given)) {
    const [height, width] = map.shape.map((side) => Math.ceil(side / COARSENESS));
    const coarse = resizeNearest(map, width, height);
    coarse.data.forEach((inverse, i) => coarse.data[i] = 1 / inverse);
    depths.push(coarse);
  }
  return depths;
}

/**
 * The user's depth as inverse depth of the frames as they were filmed, map by map at their size.
 *
 * @throws {DataError} If a frame has none, or it cannot be read.
 */
async function* givenMaps(
  work: Work,
  given: string,
): AsyncGenerator<NdArray<Float32Array>> {
  const { command: { depthIs }, frames } = work;
  const kind: GivenDepthOptions["kind"] = depthIs === "inverse" ? "inverse depth" : "depth";
  const { width, height } = frames.info;
  const paths = await filesOfFrames({ folder: given, endings: DEPTH_FILES }, frames.info);
  for (const [i, path] of paths.entries()) {
    const filmed = await loadDepth(path, { kind });
    const map = turnedMap(filmed, turnOf(work, path, filmed.shape, i));
    requireProportions(path, map.shape, frames.info);
    yield resizeNearest(map, width, height);
  }
}

async function* straightMaps(
  work: Work,
  given: string,
  lens: Straightening | null,
): AsyncGenerator<NdArray<Float32Array>> {
  let frame = 0;
  for await (const map of givenMaps(work, given)) {
    const by = lensOfFrame(lens, frame++);
    yield by ? undistortMask(map, by.camera, by.straight) : map;
  }
}

/**
 * Maps measured by MiDaS.
 *
 * @param folder Where they are written: maps that are there are undefined.
 */
async function* midasMaps(
  { command: { depthSize }, frames, signal }: Work,
  images: Done<Json>,
  networks: Networks,
  folder: string,
  follow: (fraction: number) => void,
): AsyncGenerator<NdArray<Float32Array> | undefined> {
  const midas = await networks.openMidas();
  try {
    for (const i of frames.info.sources.keys()) {
      if (await exists(mapPath(folder, i))) {
        yield undefined;
        continue;
      }
      yield await midas.depth(await readFrame(images, i), {
        depthSize: depthSize || undefined,
        signal,
        onProgress: ({ fraction }) => follow(fraction),
      });
    }
  } finally {
    midas.destroy();
  }
}

function mapPath(folder: string, number: number): string {
  return join(folder, frameName(number, ".npy"));
}
