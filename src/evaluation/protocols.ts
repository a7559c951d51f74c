/**
 * Protocols: which views of a scene are scored, by name. Scores of different ones are never compared.
 *
 * @module
 */
import type { Scene } from "../data/scene/scene.ts";
import type { View } from "./baselines.ts";
import { spreadViews } from "./views.ts";

/** Which views of a scene are scored, and what they are held against. */
export interface Protocol {
  /** What reports call it. */
  readonly title: string;
  /** Its views, in words. */
  readonly about: string;
  /** Whether the truth are the scene's own frames; else its `multiview_GT`. */
  readonly ownFrames: boolean;
  /** Whether a view of the truth is one of them; `seen` tells the frames that training saw. */
  readonly includes: (view: View, seen: (frame: number) => boolean) => boolean;
}

/** A protocol's name. */
export type ProtocolName = "mononerf" | "dynnerf" | "unseen" | "held-out" | "training";

/** All protocols. */
export const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  mononerf: {
    title: "mononerf",
    about: "every camera at every time, training's own views too (12 times x 12 cameras = 144 " +
      "images in the Dynamic Scene Dataset): evaluation.py of MonoNeRF",
    ownFrames: false,
    includes: () => true,
  },
  dynnerf: {
    title: "dynnerf",
    about:
      "the first camera at every time (12 images in the Dynamic Scene Dataset): evaluation.py " +
      "of DynamicNeRF",
    ownFrames: false,
    includes: ({ camera }) => camera === 0,
  },
  unseen: {
    title: "unseen",
    about:
      "the scene's own frames that the dynamic field was not trained on, each from its own camera",
    ownFrames: true,
    includes: ({ time }, seen) => !seen(time),
  },
  "held-out": {
    title: "held-out views",
    about: "every camera at every time but its own, which training never saw",
    ownFrames: false,
    includes: ({ time, camera }) => time !== camera,
  },
  training: {
    title: "training-views",
    about: "the frames that the model was trained on, each from its own camera",
    ownFrames: true,
    includes: ({ time }, seen) => seen(time),
  },
};

/** All names, in the order of {@linkcode protocols}. */
export const protocolNames: readonly ProtocolName[] = Object.keys(protocols) as ProtocolName[];

/** Options of {@linkcode scoredViews}. */
export interface ScoredViewsOptions {
  /** By default what tells most: `unseen` where there are such frames, else `held-out`, else `training`. */
  protocol?: ProtocolName | undefined;
  /** The dynamic field was trained on the first so many frames; 0: all. Default 0. */
  seenFrames?: number;
}

/** Which views of a scene are scored. */
export interface ScoredViews {
  /** The protocol's title: `held-out views`. */
  readonly protocol: string;
  /** Its views, in words. */
  readonly about: string;
  /** Whether the frames themselves are the truth. */
  readonly ownFrames: boolean;
  /** The views. */
  readonly views: readonly View[];
  /** How many views the protocol has; more than `views` where only some are scored. */
  readonly of: number;
  /** Frames that the dynamic field was trained on. */
  readonly seen: readonly number[];
}

/**
 * The views of a scene to score by a protocol.
 *
 * @param count How many, spread evenly over times and cameras; 0: all.
 * @throws {Error} If the protocol has no view in this scene; the message says what it lacks.
 */
export function scoredViews(
  scene: Scene,
  count: number,
  { protocol, seenFrames = 0 }: ScoredViewsOptions = {},
): ScoredViews {
  const frames = scene.cameras.map((_, frame) => frame);
  const seen = seenFrames === 0 ? frames : frames.slice(0, seenFrames);
  const viewsOf = ({ ownFrames, includes }: Protocol): View[] => {
    const all: View[] = ownFrames
      ? frames.map((frame) => ({ time: frame, camera: frame }))
      : scene.multiview.filter(({ time, camera }) => time < scene.frames && camera < scene.frames);
    return all.filter((view) => includes(view, (frame) => seen.includes(frame)));
  };
  const name = protocol ?? (["unseen", "held-out"] as const)
    .find((name) => viewsOf(protocols[name]).length > 0) ??
    "training";
  const { title, about, ownFrames } = protocols[name];
  const all = viewsOf(protocols[name]);
  if (all.length === 0) {
    const lack = ownFrames
      ? `training saw all its ${frames.length} frames`
      : "its multiview_GT has none of the views";
    throw new Error(`Cannot score "${scene.name}" by "${name}": ${lack}; choose another protocol`);
  }
  return {
    protocol: title,
    about,
    ownFrames,
    views: spreadViews(all, count),
    of: all.length,
    seen,
  };
}
