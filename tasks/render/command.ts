/**
 * The command line of `deno task render`.
 *
 * @module
 */
import type { Size } from "../../src/data/scene/frames.ts";
import { GIF_MAX_FPS } from "../../src/data/formats/gif.ts";
import { type LayerName, layerNames } from "../../src/viewing/layers.ts";
import { type ViewPathName, type ViewPathOptions, viewPaths } from "../../src/viewing/paths.ts";
import { featureFlags, type FeatureKeeping, featureKeeping } from "../terminal/feature_cache.ts";
import {
  flagGroup,
  helpText,
  parseOptions,
  readCommandLine,
  toFlag,
  type Usage,
  UsageError,
} from "../terminal/options.ts";
import { unknownName } from "../../src/recipes/unknown_name.ts";
import { type EditCommand, editFlags, editName, readEdit } from "./edit.ts";
import { readTracks, type TrackCommand, trackFlags, tracksName } from "./tracks.ts";

/** One of several processes that share the work. */
export interface Shard {
  /** Which one, from 0. */
  index: number;
  /** How many there are. */
  count: number;
}

/** What the command line asks for. */
export interface RenderCommand {
  /** The run's folder. */
  run: string;
  /** Which views: a path, or a file of poses. */
  path: ViewPathName | { poses: string };
  /** How the path goes. */
  options: ViewPathOptions;
  /** The scenes to render; all where it is left out. */
  scenes?: string[] | undefined;
  /** What to change of the scenes. */
  edit?: EditCommand | undefined;
  /** The layers to write. */
  layers: LayerName[];
  /** Paths of points to draw too. */
  tracks?: TrackCommand | undefined;
  /** The views to render, by number in the path, both included; all where it is left out. */
  frames?: { first: number; last: number } | undefined;
  /** The share of the views that is rendered here; all where it is left out. */
  shard?: Shard | undefined;
  /** Renders nothing, and joins what shards have rendered. */
  merge: boolean;
  /** The films to make. */
  films: { mp4: boolean; gif: boolean; fps: number };
  /** Where to write. */
  out: string;
  /** Where the scenes' folders are, if not where the run had them. */
  data?: string | undefined;
  /** Where encoded features are kept. */
  features: FeatureKeeping;
}

const pathNames = Object.keys(viewPaths) as ViewPathName[];

const usage: Usage = {
  usage: "deno task render RUN [--path PATH | --poses FILE] [flags]\n" +
    "       deno task render RUN … --shard 0/3     a third of the views, and so on; then\n" +
    "       deno task render RUN … --merge",
  about: "Renders views of a run's scenes: PNG frames, and films of them. Paths:\n" +
    pathNames.map((name) => `  ${name.padEnd(9)}  ${viewPaths[name].about}`).join("\n"),
};

const flags = {
  ...flagGroup("Views", {
    path: "novel" as ViewPathName,
    timeOnly: false,
    viewOnly: false,
    grid: false,
    zoom: false,
    dolly: false,
    poses: undefined as string | undefined,
    scene: undefined as string | undefined,
    frames: undefined as string | undefined,
    views: 0,
    camera: -1,
    time: -1,
  }, {
    path: { about: "which views, as above", choices: pathNames },
    timeOnly: { about: "--path time-only" },
    viewOnly: { about: "--path view-only" },
    grid: { about: "--path grid" },
    zoom: { about: "--path zoom" },
    dolly: { about: "--path dolly" },
    poses: {
      about: 'one\'s own: [{"cameraToWorld": 3x4 or 4x4, "focal": pixels, "time": frames}, …]',
      unit: "JSON file",
    },
    scene: { about: "names of scenes, with commas between; by default all", unit: "names" },
    frames: { about: "only the views of these numbers, from 0, both included", unit: "A..B" },
    views: {
      about: "length of the path; 0: 60, or 31 when zooming",
      unit: "views",
      whole: true,
      min: 0,
    },
    camera: {
      about: "frame whose camera the path is about; -1: the average",
      whole: true,
      min: -1,
    },
    time: { about: "where it stands still; -1: the middle frame", unit: "frames", min: -1 },
  }),
  ...editFlags,
  ...trackFlags,
  ...flagGroup("Pictures", {
    size: undefined as string | undefined,
    layers: "color",
    mp4: true,
    gif: false,
    fps: 30,
  }, {
    size: { about: "of the pictures; by default that of the run's frames", unit: "WxH" },
    layers: { about: `with commas between, or all: ${layerNames.join(", ")}`, unit: "names" },
    mp4: { about: "make no MP4 of the frames" },
    gif: { about: "make a GIF of the frames" },
    fps: { about: "of the films", unit: "frames/s", whole: true, min: 1, max: 240 },
  }),
  ...flagGroup("Run", {
    shard: undefined as string | undefined,
    merge: false,
    out: undefined as string | undefined,
    data: undefined as string | undefined,
  }, {
    shard: { about: "render share i of n, from 0, and make no films", unit: "i/n" },
    merge: { about: "render nothing: see that all is there, and make the films" },
    out: { about: "where to write; by default RUN/PATH", unit: "folder" },
    data: { about: "where the scenes' folders are, if not where the run had them", unit: "folder" },
  }),
  ...featureFlags,
};

/** What each path can be told. */
const pathFlags: Record<ViewPathName | "poses", readonly ("views" | "camera" | "time")[]> = {
  novel: ["views", "camera"],
  "time-only": ["views", "camera"],
  "view-only": ["views", "camera", "time"],
  grid: [],
  zoom: ["views", "camera", "time"],
  dolly: ["views", "camera", "time"],
  poses: [],
};

/** Reads a command line, or ends the process: with the help where it is asked for, with 2 where it cannot be used. */
export function readCommand(args: readonly string[]): RenderCommand {
  return readCommandLine(args, () => helpText(flags, usage), parseCommand);
}

/**
 * What a command line asks for.
 *
 * @throws {UsageError} If it cannot be used.
 */
export function parseCommand(args: readonly string[]): RenderCommand {
  const { values, given, positionals: [run, ...more] } = parseOptions(flags, args);
  if (run === undefined) {
    throw new UsageError("Cannot render: no run is named; name its folder, as runs/balloon-small");
  }
  if (more.length > 0) throw new UsageError(`Cannot render more than one run: "${more[0]}"`);
  const name = chosenPath(given, values);
  for (const flag of ["views", "camera", "time"] as const) {
    if (!given.has(flag) || pathFlags[name].includes(flag)) continue;
    throw new UsageError(`Cannot use "--${flag}" with the views of ${name}: they are fixed`);
  }
  const { merge, mp4, gif, fps, data } = values;
  const edit = readEdit(values);
  const tracks = readTracks(values, given, edit);
  const views = [name, ...edit ? [editName(edit)] : [], ...tracks ? [tracksName(tracks)] : []];
  if (merge && values.shard !== undefined) {
    throw new UsageError(
      'Cannot do "--merge" and "--shard" at once: merge when all shards are done',
    );
  }
  if (gif && fps > GIF_MAX_FPS) {
    throw new UsageError(`Cannot make a GIF of ${fps} frames/s: it has at most ${GIF_MAX_FPS}`);
  }
  return {
    run,
    path: name === "poses" ? { poses: values.poses! } : name,
    options: {
      views: values.views || undefined,
      camera: values.camera >= 0 ? values.camera : undefined,
      time: values.time >= 0 ? values.time : undefined,
      size: values.size === undefined ? undefined : readSize(values.size),
    },
    scenes: values.scene?.split(",").filter(Boolean),
    edit,
    layers: readLayers(values.layers),
    tracks,
    frames: values.frames === undefined ? undefined : readRange(values.frames),
    shard: values.shard === undefined ? undefined : readShard(values.shard),
    merge,
    films: { mp4, gif, fps },
    out: values.out ?? `${run.replace(/\/+$/, "")}/${views.join("-")}`,
    data,
    features: featureKeeping(values),
  };
}

/** The path that is named, however it is; novel views by default. */
function chosenPath(
  given: ReadonlySet<keyof typeof flags>,
  values: { readonly path: ViewPathName } & Readonly<Record<string, unknown>>,
): ViewPathName | "poses" {
  const switches = (["timeOnly", "viewOnly", "grid", "zoom", "dolly"] as const)
    .filter((name) => given.has(name) && values[name]);
  const named = [
    ...(given.has("path") ? [values.path] : []),
    ...switches.map((name) => toFlag(name) as ViewPathName),
    ...(given.has("poses") ? ["poses" as const] : []),
  ];
  const [first = values.path, second] = new Set(named);
  if (second === undefined) return first;
  throw new UsageError(`Cannot render ${first} and ${second} at once: start once for each`);
}

function readLayers(text: string): LayerName[] {
  if (text === "all") return [...layerNames];
  const names = [...new Set(text.split(",").filter(Boolean))];
  const unknown = names.find((name) => !(layerNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(unknownName("layer", unknown, layerNames));
  if (names.length === 0) {
    throw new UsageError(
      `Cannot read "--layers": value is "${text}", wanted all, or some of ${layerNames.join(", ")}`,
    );
  }
  return layerNames.filter((name) => names.includes(name));
}

function readSize(text: string): Size {
  const [width, height] = numbers("size", text, /^(\d+)x(\d+)$/, "WxH in pixels, as 480x270");
  if (width > 0 && height > 0) return { width, height };
  throw new UsageError(`Cannot read "--size": value is "${text}", wanted at least 1x1`);
}

function readRange(text: string): { first: number; last: number } {
  const [first, last] = numbers("frames", text, /^(\d+)\.\.(\d+)$/, "A..B, as 0..9");
  if (first <= last) return { first, last };
  throw new UsageError(`Cannot read "--frames": value is "${text}", wanted the smaller one first`);
}

function readShard(text: string): Shard {
  const [index, count] = numbers("shard", text, /^(\d+)\/(\d+)$/, "i/n, as 0/3");
  if (index < count) return { index, count };
  throw new UsageError(
    `Cannot read "--shard": value is "${text}", wanted ${
      count > 0 ? `0/${count} to ${count - 1}/${count}` : "i/n, as 0/3"
    }`,
  );
}

function numbers(flag: string, text: string, form: RegExp, wanted: string): number[] {
  const match = form.exec(text);
  if (match) return match.slice(1).map(Number);
  throw new UsageError(`Cannot read "--${flag}": value is "${text}", wanted ${wanted}`);
}
