/**
 * The command line of `deno task prepare`.
 *
 * @module
 */
import { basename, dirname, extname, join } from "node:path";
import type { Grants } from "../permissions.ts";
import {
  flagGroup,
  helpText,
  parseOptions,
  readCommandLine,
  toFlag,
  type Usage,
  UsageError,
  type Values,
} from "../terminal/options.ts";
import type { GivenPixels } from "../../src/data/given/turning.ts";
import type { Matching } from "./colmap.ts";

/** Where weights are looked for. */
export const CHECKPOINTS = "checkpoints";

/** What `--redo` can name. */
export const redoable = ["frames", "flow", "cameras", "depth", "masks", "preview"] as const;
/** A part of the preparation, in the user's words. */
export type Redoable = typeof redoable[number];

const usage: Usage = {
  usage: "deno task prepare VIDEO [flags]\n       deno task prepare FOLDER [flags]",
  about:
    "Makes a scene of a video, or of a folder of images: frames, camera poses, inverse depth, optical flow, motion masks.\n" +
    "ffmpeg takes the frames, COLMAP finds the cameras, MiDaS v2.1 the depth, RAFT the flow; what you have of this already is\n" +
    "taken by a flag. Files of a folder belong to the frames by name (000, 001 … or the image's own). What is done and\n" +
    "unchanged is not done again: after Ctrl-C, or with other flags, the same command goes on.\n\n" +
    "What other programs and datasets leave in a folder DIR:\n" +
    "  COLMAP, nerfstudio  DIR/images --poses DIR\n" +
    "  LLFF                DIR/images --poses DIR/poses_bounds.npy\n" +
    "  NSFF                DIR/images --poses DIR/poses_bounds.npy --depth DIR/disp --flow DIR/flow_i1 --motion-masks DIR/motion_masks\n" +
    "  DynamicNeRF         needs no preparation: deno task train own DIR\n" +
    "  Nerfies, DyCheck    DIR/rgb/2x --poses DIR, where all images are of one camera\n" +
    "  a phone             DIR, or the video itself",
};

const flags = {
  ...flagGroup("Scene", {
    out: undefined as string | undefined,
    maxFrames: 100,
    pictures: false,
    givenPixels: undefined as GivenPixels | undefined,
    redo: undefined as Redoable | undefined,
    replace: false,
  }, {
    out: { about: "the scene's folder; by default data/NAME", unit: "folder" },
    maxFrames: {
      about: "of a longer video every second, third … frame is taken, so that no more remain",
      unit: "frames",
      whole: true,
      min: 3,
      max: 1000,
    },
    pictures: { about: "depth and flow as pictures for people too: disp_png/ and flow_png/" },
    givenPixels: {
      about:
        "for pictures that EXIF data turn: poses, depth, flow and masks that you have are for the pixels as stored (COLMAP, OpenCV), or upright",
      choices: ["stored", "upright"],
    },
    redo: {
      about: "make this again though nothing changed, and then what was made from it",
      choices: redoable,
    },
    replace: { about: "make the folder anew where it holds another video's preparation" },
  }),
  ...flagGroup("Cameras", {
    poses: undefined as string | undefined,
    near: 0,
    far: 0,
    undistort: true,
    matching: undefined as Matching | undefined,
    maxFeatures: 8192,
    threads: 0,
    colmapGpu: false,
  }, {
    poses: {
      about:
        "poses that you have: a COLMAP model (text or binary), transforms.json, poses_bounds.npy, or a folder of Nerfies",
      unit: "file or folder",
    },
    near: { about: "nearest depth, where the poses say none; 0: from them", min: 0 },
    far: { about: "farthest depth, where the poses say none; 0: from them", min: 0 },
    undistort: { about: "leave the lens's distortion in the frames" },
    matching: {
      about: "frames that COLMAP compares: all pairs, or neighbours in time; above 30 frames these",
      choices: ["exhaustive", "sequential"],
    },
    maxFeatures: { about: "that COLMAP finds in a frame", unit: "features", whole: true, min: 100 },
    threads: { about: "that COLMAP works with; 0: all", unit: "threads", whole: true, min: 0 },
    colmapGpu: { about: "let COLMAP find and compare features with CUDA, if it was built for it" },
  }),
  ...flagGroup("Depth", {
    depth: undefined as string | undefined,
    depthIs: "inverse" as "inverse" | "depth",
    midas: undefined as string | undefined,
    depthSize: 0,
  }, {
    depth: { about: "depth that you have: .npy, .npz or 16-bit .png, one a frame", unit: "folder" },
    depthIs: { about: "what it holds", choices: ["inverse", "depth"] },
    midas: {
      about: `weights of MiDaS v2.1; by default ${CHECKPOINTS}/midas_v21-f6b98070.pt`,
      unit: "file",
    },
    depthSize: {
      about: "longer side of what MiDaS sees; it was trained at 384; 0: the frames' own",
      unit: "pixels",
      whole: true,
      min: 0,
    },
  }),
  ...flagGroup("Flow", {
    flow: undefined as string | undefined,
    raft: undefined as string | undefined,
  }, {
    flow: {
      about:
        "flow that you have: 000_fwd, 001_bwd … as .npz, .npy, .flo or KITTI's .png, pixels of its own size",
      unit: "folder",
    },
    raft: { about: `weights of RAFT; by default ${CHECKPOINTS}/raft-things.pth`, unit: "file" },
  }),
  ...flagGroup("Masks", {
    masks: undefined as string | undefined,
    personMasks: undefined as "selfie" | undefined,
    motionMasks: undefined as string | undefined,
    epipolarThreshold: 1,
    epipolarWidth: 0,
    requireValidity: false,
  }, {
    masks: {
      about:
        "pictures of what may move, people and things, anything but black: COLMAP leaves it out, and it counts as moving",
      unit: "folder",
    },
    personMasks: {
      about:
        "the same from a network: MediaPipe's selfie segmentation, for persons near the camera; fetched once",
      choices: ["selfie"],
    },
    motionMasks: {
      about: "motion masks that you have, in place of ours: anything but black moves",
      unit: "folder",
    },
    epipolarThreshold: {
      about: "distance from the epipolar line above which a pixel moves",
      unit: "pixels",
      above: 0,
    },
    epipolarWidth: {
      about: "width of the frames that this distance is meant for; 0: their own, as released",
      unit: "pixels",
      min: 0,
    },
    requireValidity: {
      about:
        "let only pixels with flow that agrees forth and back count as moving: fewer false ones at edges",
    },
  }),
};

/** What the command line asks for. */
export interface PrepareCommand extends Values<typeof flags> {
  /** The video, or the folder of images. */
  input: string;
  /** The scene's folder. */
  out: string;
}

/** Reads a command line, or ends the process: with the help where it is asked for, with 2 where it cannot be used. */
export function readCommand(args: readonly string[]): PrepareCommand {
  return readCommandLine(args, () => helpText(flags, usage), parseCommand);
}

/**
 * Reads a command line.
 *
 * @throws {UsageError} If it cannot be used.
 */
export function parseCommand(args: readonly string[]): PrepareCommand {
  const { values, given, positionals } = parseOptions(flags, args);
  const [input, ...more] = positionals;
  if (input === undefined || input === "") {
    throw new UsageError("Cannot prepare a scene: no video is named, and no folder of images");
  }
  if (more.length > 0) {
    throw new UsageError(`Cannot prepare "${more[0]}" too: wanted one video, or one folder`);
  }
  const needs: [keyof typeof flags, keyof typeof flags][] = [
    ["near", "poses"],
    ["far", "poses"],
    ["depthIs", "depth"],
  ];
  for (const [flag, other] of needs) {
    if (given.has(flag) && !given.has(other)) {
      throw new UsageError(
        `Cannot use "--${toFlag(flag)}" without "--${other}", which it is about`,
      );
    }
  }
  const excludes: [keyof typeof flags, keyof typeof flags][] = [
    ["poses", "matching"],
    ["poses", "maxFeatures"],
    ["poses", "threads"],
    ["poses", "colmapGpu"],
    ["depth", "midas"],
    ["depth", "depthSize"],
    ["flow", "raft"],
    ["masks", "personMasks"],
    ["motionMasks", "personMasks"],
    ["motionMasks", "epipolarThreshold"],
    ["motionMasks", "epipolarWidth"],
    ["motionMasks", "requireValidity"],
  ];
  for (const [flag, other] of excludes) {
    if (given.has(flag) && given.has(other)) {
      throw new UsageError(
        `Cannot use "--${toFlag(other)}" with "--${toFlag(flag)}": that is there already`,
      );
    }
  }
  const { near, far } = values;
  if (near > 0 && far > 0 && near >= far) {
    throw new UsageError(`Cannot use "--near" ${near} with "--far" ${far}: wanted near < far`);
  }
  return { ...values, input, out: values.out ?? join("data", sceneName(input)) };
}

/** Programs that a command may start. */
export function programsOf({ poses }: PrepareCommand): string[] {
  return ["ffmpeg", "ffprobe", ...(poses === undefined ? ["colmap"] : [])];
}

/** Whether a command computes something on an adapter. */
export function needsAdapter(args: readonly string[]): boolean {
  try {
    const { depth, flow, personMasks } = parseCommand(args);
    return depth === undefined || flow === undefined || personMasks !== undefined; // LiteRT looks for one
  } catch {
    return false; // the task itself complains, or prints its help
  }
}

/**
 * What the task may do: read what it is given, write the scene's folder, start the programs.
 *
 * @param cache The cache folder, where the person masks' network is.
 */
export function prepareGrants(args: readonly string[], cache: string): Grants {
  let command: PrepareCommand;
  try {
    command = parseCommand(args);
  } catch {
    return {}; // as above
  }
  const { input, out, poses, depth, flow, masks, motionMasks, midas, raft, personMasks } = command;
  // A transforms.json names a file of points, mostly beside it.
  const beside = poses !== undefined && /\.json$/i.test(poses) ? dirname(poses) : undefined;
  const given = [poses, beside, depth, flow, masks, motionMasks, midas, raft];
  const grants = {
    read: [input, out, CHECKPOINTS, ...given.filter((path) => path !== undefined)],
    write: [out],
    run: programsOf(command),
  };
  if (personMasks === undefined) return grants;
  const network = [cache, "tasks/prepare/litert_wasm.ts"]; // the latter is imported by what lies in the former
  return { ...grants, read: [...grants.read, ...network], env: ["HOME", "XDG_CACHE_HOME"] };
}

/**
 * `videos/my dog.mp4` → `my dog`
 *
 * @throws {UsageError} If the path does not end with a name.
 */
function sceneName(input: string): string {
  const name = basename(input, extname(input));
  if (name !== "" && name !== "." && name !== "..") return name;
  throw new UsageError(`Cannot name a scene after "${input}": name its folder with --out`);
}
