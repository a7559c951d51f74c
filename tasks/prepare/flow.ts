/**
 * Optical flow between neighbouring frames: measured by RAFT, or as the user has it.
 *
 * @module
 */
import { join } from "node:path";
// @ts-types="npm:@types/ndarray@1.0.14"
import type { NdArray } from "npm:ndarray@1.1.1";
import { DataError, exists, listFiles, writeFileAtomically } from "../../src/data/files.ts";
import { loadFlow } from "../../src/data/given/given_flow.ts";
import { turnedFlow, turnedMap } from "../../src/data/given/turning.ts";
import { resizeFlow, resizeNearest } from "../../src/data/resize.ts";
import { encodeFlow, readFlow } from "../../src/data/scene/scene_files.ts";
import type { RaftFrame } from "../../src/preparation/raft/raft.ts";
import { flowValidity } from "../../src/preparation/flow_validity.ts";
import { undistortMask } from "../../src/preparation/undistort.ts";
import { undistortFlow } from "../../src/preparation/undistort_flow.ts";
import { contentOf } from "./content_hash.ts";
import { frameName } from "./frames.ts";
import { flowFilesOfFrames } from "./given_files.ts";
import { lensOfFrame, type Straightening } from "./lens.ts";
import type { Networks } from "./networks.ts";
import type { Done } from "./preparation_folder.ts";
import { StepProgress } from "./step_progress.ts";
import { readFrame, turnOf, type Work, workPath } from "./work.ts";

/** Flow forth and back between a frame and the next one. */
export interface FlowPair {
  /** `[height, width, 2]`, x right then y down, pixels. */
  forward: NdArray<Float32Array>;
  /** From the next frame. */
  backward: NdArray<Float32Array>;
  /** `[height, width]`: 1 where `forward` can be trusted. */
  forwardValid: NdArray<Uint8Array>;
  /** Of `backward`. */
  backwardValid: NdArray<Uint8Array>;
}

/** Flow of which it may not be known where it can be trusted. */
type MeasuredPair =
  & Pick<FlowPair, "forward" | "backward">
  & Partial<Pick<FlowPair, "forwardValid" | "backwardValid">>;

/** What is known of the flow when it is there. */
export type FlowInfo = {
  /** What it was made by. */
  readonly source: string;
  /** Whether the user's files say where it can be trusted. */
  readonly validityGiven: boolean;
  /** Share of the pixels where it can be trusted. */
  readonly valid: number;
};

/** The step that measures flow. */
export const MEASURED_FLOW = "flow between frames as filmed";
/** Name endings of flow. */
const FLOW_FILES = [".npz", ".npy", ".flo", ".png"];

/**
 * Measures or takes the flow between the frames as they were filmed. It depends on nothing but them, so that other cameras or
 * masks do not cost it again; {@linkcode straightenFlow} fits it to the frames that the scene gets.
 */
export async function measureFlow(work: Work, networks: Networks): Promise<Done<FlowInfo>> {
  const { command, folder, frames, signal } = work;
  const given = command.flow;
  return await folder.folder<FlowInfo>({
    name: MEASURED_FLOW,
    output: workPath("flow"),
    from: {
      frames: frames.sha256,
      ...(given === undefined
        ? { raft: await networks.sha256("raft") }
        : { given: (await contentOf(given, signal)).sha256, pixels: command.givenPixels ?? null }),
    },
    tell: ({ source, valid }) => `${source}, ${percent(valid)} of the pixels agree forth and back`,
    keepsFiles: given === undefined,
  }, async (into) => {
    const { valid, validityGiven } = await writePairs(
      into,
      (follow) =>
        given === undefined ? raftPairs(work, networks, into, follow) : givenPairs(work, given),
      work,
    );
    return { source: given === undefined ? "RAFT" : `yours from "${given}"`, validityGiven, valid };
  });
}

/**
 * The flow between the scene's frames: `flow/`.
 *
 * @param lens What the frames were straightened by.
 */
export async function straightenFlow(
  work: Work,
  measured: Done<FlowInfo>,
  lens: Straightening | null,
): Promise<Done<FlowInfo>> {
  return await work.folder.folder<FlowInfo>({
    name: "flow",
    output: "flow",
    from: { flow: measured.sha256, lens },
    tell: lens
      ? ({ valid }) => `straightened like the frames, ${percent(valid)} of the pixels agree`
      : undefined,
  }, async (into) => {
    if (lens) {
      const { valid } = await writePairs(into, () => straightPairs(work, measured, lens), work);
      return { ...measured.info, valid };
    }
    for (const name of await listFiles(measured.path)) {
      await Deno.copyFile(join(measured.path, name), join(into, name));
    }
    return measured.info;
  });
}

/**
 * The flow between frames, pair by pair, straightened; where it can be trusted is then found out again, unless the user's files
 * say it.
 */
export async function* straightPairs(
  { frames }: Work,
  { path, info: { validityGiven } }: Done<FlowInfo>,
  lens: Straightening | null,
): AsyncGenerator<FlowPair> {
  for (let i = 0; i + 1 < frames.info.sources.length; i++) {
    const [forwardPath, backwardPath] = pairPaths(path, i);
    const forward = await readFlow(forwardPath), backward = await readFlow(backwardPath);
    const [by, next] = [i, i + 1].map((frame) => lensOfFrame(lens, frame));
    if (!by || !next) {
      yield {
        forward: forward.flow,
        forwardValid: forward.valid,
        backward: backward.flow,
        backwardValid: backward.valid,
      };
      continue;
    }
    const { straight } = by;
    yield withValidity({
      forward: undistortFlow(forward.flow, by.camera, { to: next.camera, straight }),
      backward: undistortFlow(backward.flow, next.camera, { to: by.camera, straight }),
      ...(validityGiven
        ? {
          forwardValid: undistortMask(forward.valid, by.camera, straight),
          backwardValid: undistortMask(backward.valid, next.camera, straight),
        }
        : {}),
    });
  }
}

function withValidity(pair: MeasuredPair): FlowPair {
  const { forward, backward } = pair;
  return {
    forward,
    backward,
    forwardValid: pair.forwardValid ?? flowValidity(forward, backward),
    backwardValid: pair.backwardValid ?? flowValidity(backward, forward),
  };
}

/**
 * Writes pairs of flow; the share of it that can be trusted, and whether all pairs came with that.
 *
 * @param pairs Makes them, undefined for one that the folder has, and tells which part of one is done.
 */
async function writePairs(
  folder: string,
  pairs: (follow: (fraction: number) => void) => AsyncIterable<MeasuredPair | undefined>,
  { frames, signal }: Work,
): Promise<{ valid: number; validityGiven: boolean }> {
  using progress = new StepProgress("flow", frames.info.sources.length - 1, "pairs");
  let i = 0, valid = 0, pixels = 0, validityGiven = true;
  for await (const measured of pairs((fraction) => progress.within(i, fraction))) {
    signal.throwIfAborted();
    const [forwardPath, backwardPath] = pairPaths(folder, i);
    validityGiven &&= measured?.forwardValid !== undefined && measured.backwardValid !== undefined;
    const pair = measured && withValidity(measured);
    if (pair) {
      const forward = encodeFlow(pair.forward, pair.forwardValid);
      const backward = encodeFlow(pair.backward, pair.backwardValid);
      await writeFileAtomically(forwardPath, forward);
      await writeFileAtomically(backwardPath, backward);
    }
    const forwardValid = pair?.forwardValid ?? (await readFlow(forwardPath)).valid;
    const backwardValid = pair?.backwardValid ?? (await readFlow(backwardPath)).valid;
    for (const { data } of [forwardValid, backwardValid]) {
      for (const value of data) valid += value;
      pixels += data.length;
    }
    progress.update(++i);
  }
  return { valid: valid / pixels, validityGiven };
}

async function* givenPairs(
  work: Work,
  given: string,
): AsyncGenerator<MeasuredPair> {
  const { frames } = work, { width, height } = frames.info;
  const files = { folder: given, endings: FLOW_FILES };
  const forwardPaths = await flowFilesOfFrames(files, frames.info, "fwd");
  const backwardPaths = await flowFilesOfFrames(files, frames.info, "bwd");
  const load = async (path: string, from: number, to: number) => {
    const { flow: filmed, valid: filmedValid } = await loadFlow(path);
    const orientation = turnOf(work, path, filmed.shape, from);
    if (orientation !== turnOf(work, path, filmed.shape, to)) {
      throw new DataError(
        `Cannot use "${path}": it is for pixels as they are stored, and of its two images one is turned otherwise than ` +
          "the other; make the flow from upright images",
      );
    }
    const flow = turnedFlow(filmed, orientation);
    const valid = filmedValid && turnedMap(filmedValid, orientation);
    requireProportions(path, flow.shape, frames.info);
    return {
      flow: resizeFlow(flow, width, height),
      valid: valid && resizeNearest(valid, width, height),
    };
  };
  for (let i = 0; i + 1 < forwardPaths.length; i++) {
    const forward = await load(forwardPaths[i]!, i, i + 1);
    const backward = await load(backwardPaths[i + 1]!, i + 1, i);
    const both = forward.valid && backward.valid;
    yield {
      forward: forward.flow,
      backward: backward.flow,
      ...(both ? { forwardValid: forward.valid, backwardValid: backward.valid } : {}),
    };
  }
}

/**
 * Pairs measured by RAFT, each frame encoded once.
 *
 * @param folder Where they are written: pairs that are there are undefined.
 */
async function* raftPairs(
  { frames, signal }: Work,
  networks: Networks,
  folder: string,
  follow: (fraction: number) => void,
): AsyncGenerator<MeasuredPair | undefined> {
  const raft = await networks.openRaft();
  const flow = (from: RaftFrame, to: RaftFrame, half: 0 | 1) =>
    raft.flow(from, to, { signal, onProgress: ({ fraction }) => follow((half + fraction) / 2) });
  let kept: { number: number; frame: RaftFrame } | undefined;
  const encode = async (number: number) =>
    kept?.number === number
      ? kept.frame
      : await raft.encode(await readFrame(frames, number), { signal });
  try {
    for (let i = 0; i + 1 < frames.info.sources.length; i++) {
      const there = await Promise.all(pairPaths(folder, i).map(exists));
      if (there.every(Boolean)) {
        yield undefined;
        continue;
      }
      const frame = await encode(i), next = await encode(i + 1);
      kept = { number: i + 1, frame: next };
      yield { forward: await flow(frame, next, 0), backward: await flow(next, frame, 1) };
      frame.destroy();
    }
  } finally {
    kept?.frame.destroy();
    raft.destroy();
  }
}

/** Files of the flow between a frame and the next one, forth and back. */
function pairPaths(folder: string, number: number): [forward: string, backward: string] {
  return [
    join(folder, frameName(number, "_fwd.npz")),
    join(folder, frameName(number + 1, "_bwd.npz")),
  ];
}

/**
 * Refuses maps that cannot be of the frames: of other proportions.
 *
 * @throws {DataError} If they are.
 */
export function requireProportions(
  path: string,
  [mapHeight, mapWidth]: readonly number[],
  { width, height }: { width: number; height: number },
): void {
  const wantedHeight = height * mapWidth / width, wantedWidth = width * mapHeight / height;
  if (Math.abs(wantedHeight - mapHeight) <= 1 || Math.abs(wantedWidth - mapWidth) <= 1) return;
  throw new DataError(
    `Cannot use "${path}": it is ${mapWidth} x ${mapHeight}, the frames are ${width} x ${height}; ` +
      "wanted the same proportions, so make it from these frames",
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
