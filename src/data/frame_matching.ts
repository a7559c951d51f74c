import { DataError } from "./data_error.ts";
import { naturalOrder } from "./natural_order.ts";
import { shown } from "./shown.ts";

// Whose pose, depth, flow or mask is it? All that people bring is matched with the frames here: by the images' names, else by
// numbers, else, where nothing has a name, by order. Where two readings are possible and differ, none is taken.

/** The frames of a scene, and what they were taken from. */
export interface FilmedFrames {
  /** What each frame was, in time order: the image's name, or its number in the video, from 0. */
  readonly sources: readonly string[];
  /** How many the video or folder has. */
  readonly of: number;
  /** One of how many of these each frame is. */
  readonly stride: number;
  /** Names of all images of the folder, in time order; undefined for a video, whose frames have none. */
  readonly names?: readonly string[] | undefined;
}

/** Frames that are all images of a folder, by their names in time order. */
export function allImages(names: readonly string[]): FilmedFrames {
  return { sources: names, of: names.length, stride: 1, names };
}

/** How one may say which frame something is for. */
interface Way {
  /** In words, for messages. */
  label: string;
  /** Index of each wanted frame's entry; undefined where there is none. */
  entries: readonly (number | undefined)[];
  /** Whether all entries are of frames that were filmed. */
  clean: boolean;
}

/** Which entry belongs to which frame. */
export interface Match {
  /** Index of each frame's entry; undefined where there is none. */
  readonly entries: readonly (number | undefined)[];
  /** Names that the entries of the frames might have had, the frame's own first. */
  readonly wanted: readonly (readonly string[])[];
}

/** Which frames are to be matched. */
export interface MatchOptions {
  /** Those that need an entry; by default all. */
  frames?: readonly number[];
  /** What the entries are from, for messages: the file or folder. */
  path: string;
  /** Whether entries that differ from the images' names may go by their order: files of a folder do, poses do not. */
  byOrder?: boolean;
}

/** Endings that do not belong to a name; an image's mask may have two, `000.jpg.png`. */
const ENDINGS = /\.(png|jpe?g|heic|heif|webp|tiff?|bmp|avif|exr|dng|gif|npy|npz|flo)$/i;

/** `images\\été.v2.JPG` → `été.v2`: without folders and a known ending, in Unicode's composed form. */
export function stemOf(name: string): string {
  let stem = name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1);
  while (ENDINGS.test(stem) && stem.search(ENDINGS) > 0) stem = stem.replace(ENDINGS, "");
  return stem.normalize("NFC");
}

/**
 * Finds the entry of each frame by its name: by that of the image that the frame was made of, else by the same name with other
 * zeros before its numbers, else by a number, however padded: the image's own, the frame's in the video or folder counted from 0
 * or from 1, or, of thinned frames, that among those that are kept.
 *
 * Numbers count only where every entry is a frame's by them, so that poses of another video, of a part of it, or of frames thinned
 * in another way do not pass for these.
 *
 * @throws {DataError} If two entries could be a frame's, or two ways lead to different ones.
 */
export function matchFrames(
  entries: readonly string[],
  filmed: FilmedFrames,
  options: MatchOptions,
): Match {
  const { sources, stride, of, names } = filmed;
  const frames = options.frames ?? sources.map((_, i) => i);
  const byName = names && nameWays(entries, filmed, frames, options.path);
  const own = byName?.[0];
  // Some bear images' names and none another: they are of a part of the folder, whatever their numbers are.
  const isPart = own !== undefined && own.clean && !isWhole(own) && own.entries.some(isThere);
  const ways = [...byName ?? [], ...(isPart ? [] : numberWays(entries, filmed, frames))];
  if (!isPart && options.byOrder && !own?.entries.some(isThere)) {
    ways.push(...orderWays(entries, filmed, frames));
  }
  const wanted = sources.map((source, i) => [
    ...new Set([
      ...(names ? [stemOf(source)] : []),
      String(i * stride).padStart(3, "0"),
      ...(stride > 1 ? [String(i).padStart(3, "0")] : []),
    ]),
  ]);
  const whole = ways.filter(isWhole), clean = whole.filter((way) => way.clean);
  const candidates = clean.length > 0 ? clean : whole.slice(0, 1);
  const other = candidates.find((way) => `${way.entries}` !== `${candidates[0].entries}`);
  if (other) {
    throw new DataError(
      `Cannot use "${options.path}": its ${entries.length} names fit the ${of} frames in two ways, by ` +
        `${
          candidates[0].label
        } and by ${other.label}; give them the names of the images, or take every ` +
        `frame with --max-frames ${of}`,
    );
  }
  const best = candidates[0] ??
    ways.reduce<Way | undefined>(
      (best, way) => best && count(best) >= count(way) ? best : way,
      undefined,
    );
  const found: (number | undefined)[] = sources.map(() => undefined);
  frames.forEach((frame, at) => found[frame] = best?.entries[at]);
  return { entries: found, wanted };
}

/**
 * Which row of a table without names belongs to each frame: as many rows as frames, or as were filmed, of which every stride-th
 * is taken.
 *
 * @throws {DataError} If there is another number of rows, or the images have no order that all agree on.
 */
export function rowsOfFrames(rows: number, filmed: FilmedFrames, path: string): number[] {
  const { sources, of, stride, names } = filmed;
  if (rows !== sources.length && rows !== of) {
    const kept = stride > 1 ? `${of} frames, of which ${sources.length} are taken` : `${of} frames`;
    throw new DataError(
      `Cannot use "${path}": it has ${rows} rows, and there are ${kept}; wanted one row for each`,
    );
  }
  const plain = names?.toSorted();
  const differs = plain?.findIndex((name, i) => name !== names![i]) ?? -1;
  if (differs >= 0) {
    throw new DataError(
      `Cannot use "${path}": its rows have no names, and the images have two orders: by number ` +
        `"${shown(names![differs])}" is image ${differs}, by the alphabet, which LLFF goes by, ` +
        `"${shown(plain![differs])}" is; rename the images with zeros before their numbers ` +
        `(001, 002 …) and pose them again, or give a COLMAP model or transforms.json, which name them`,
    );
  }
  return sources.map((_, i) => rows === sources.length ? i : i * stride);
}

/** Files of flow: which are from each frame to the next, and to the one before. */
export interface FlowMatch {
  /** Index of each frame's file, that of the last frame, if it has one, means nothing; undefined where there is none. */
  readonly forward: readonly (number | undefined)[];
  /** As `forward`, for the flow to the frame before; that of the first frame means nothing. */
  readonly backward: readonly (number | undefined)[];
  /** As {@linkcode Match.wanted}. */
  readonly wanted: readonly (readonly string[])[];
}

/**
 * Finds the flow of each frame: `X_fwd` is from frame X to the next, `X_bwd` from X to the one before, X as {@linkcode matchFrames}
 * knows it. Where both directions have one file less than there are frames, and the same names, these are pairs of neighbours.
 *
 * @throws {DataError} As {@linkcode matchFrames}, or if the flow is between other frames than those that are taken.
 */
export function matchFlow(names: readonly string[], filmed: FilmedFrames, path: string): FlowMatch {
  const { sources, of, stride } = filmed;
  const files = { fwd: new Map<string, number>(), bwd: new Map<string, number>() };
  for (const [i, name] of names.entries()) {
    const [, frame, direction] = /^(.*)_(fwd|bwd)$/.exec(stemOf(name)) ?? [];
    if (direction === "fwd" || direction === "bwd") files[direction].set(frame, i);
  }
  const frames = naturalOrder([...new Set([...files.fwd.keys(), ...files.bwd.keys()])]);
  if (stride > 1 && frames.length > sources.length) {
    throw new DataError(
      `Cannot use "${path}": it has flow between all ${of} frames, and one of ${stride} is taken; ` +
        `take all with --max-frames ${of}, or give flow from each that is taken to the next`,
    );
  }
  const last = sources.length - 1;
  const arePairs = frames.length === last && files.fwd.size === last && files.bwd.size === last;
  const match = arePairs ? undefined : matchFrames(frames, filmed, { path, byOrder: true });
  const wanted = match?.wanted ?? sources.map((source) => [stemOf(source)]);
  const fileOf = (direction: "fwd" | "bwd", frame: number) => {
    const entry = match ? match.entries[frame] : direction === "fwd" ? frame : frame - 1;
    return entry === undefined ? undefined : files[direction].get(frames[entry]);
  };
  return {
    forward: sources.map((_, i) => fileOf("fwd", i)),
    backward: sources.map((_, i) => fileOf("bwd", i)),
    wanted,
  };
}

/** Two names of each side, for a message that none fits. */
export function namesOfBothSides(entries: readonly string[], match: Match): string {
  const quoted = (names: readonly string[]) =>
    names.slice(0, 2).map((name) => `"${shown(name)}"`).join(", ");
  const wanted = match.wanted.map((names) => names[0]);
  const there = naturalOrder(entries);
  return `it has ${there.length === 0 ? "none at all" : `${quoted(there)} …`}, wanted ${
    quoted(wanted)
  } …`;
}

function isThere(entry: number | undefined): boolean {
  return entry !== undefined;
}

function isWhole({ entries }: Way): boolean {
  return entries.every(isThere);
}

function count({ entries }: Way): number {
  return entries.filter(isThere).length;
}

/** By the images' own names, exactly and then with other zeros before their numbers. */
function nameWays(
  entries: readonly string[],
  { sources, names = [] }: FilmedFrames,
  frames: readonly number[],
  path: string,
): Way[] {
  const loose = (name: string) => stemOf(name).replace(/(?<!\d)0+(?=\d)/g, "");
  const exact = Map.groupBy(entries.keys(), (i) => entries[i].normalize("NFC"));
  return [stemOf, loose].map((keyOf, way) => {
    const byKey = Map.groupBy(entries.keys(), (i) => keyOf(entries[i]));
    const images = new Set(names.map(keyOf));
    const isKey = images.size === names.length; // else two images have one name but for zeros
    return {
      label: "the images' names",
      clean: entries.every((entry) => images.has(keyOf(entry))),
      entries: frames.map((frame) => {
        const same = exact.get(sources[frame].normalize("NFC")) ?? [];
        const alike = same.length > 0 || (way > 0 && !isKey)
          ? same
          : byKey.get(keyOf(sources[frame])) ?? [];
        if (alike.length <= 1) return alike[0];
        const quoted = alike.slice(0, 4).map((i) => `"${shown(entries[i])}"`).join(" and ");
        throw new DataError(
          `Cannot use "${path}": ${quoted} could be frame "${
            shown(sources[frame])
          }"; keep one a frame`,
        );
      }),
    };
  });
}

/** By numbers in the names: each series of names that differ in one number alone counts by itself. */
function numberWays(
  entries: readonly string[],
  { sources, of, stride, names }: FilmedFrames,
  frames: readonly number[],
): Way[] {
  const imageNumbers = names && seriesOf(names).length === 1
    ? seriesOf(names)[0].numbers
    : undefined;
  return seriesOf(entries).flatMap(({ numbers, indices }) => {
    const byNumber = new Map(numbers.map((number, i) => [number, indices[i]]));
    if (byNumber.size < numbers.length) return []; // 1 and 01: no telling which
    const way = (label: string, clean: boolean, numberOf: (frame: number) => number): Way => ({
      label,
      clean,
      entries: frames.map((frame) => byNumber.get(numberOf(frame))),
    });
    const least = Math.min(...numbers), most = Math.max(...numbers);
    const ways = [way("number from 0", most < of, (frame) => frame * stride)];
    // Only a series that has the last and no 0 can be known to count from 1.
    ways.push(way("number from 1", least > 0 && most === of, (frame) => frame * stride + 1));
    if (stride > 1) {
      ways.push(way("number among those taken", most < sources.length, (frame) => frame));
    }
    if (imageNumbers) {
      const known = new Set(imageNumbers);
      ways.unshift(
        way(
          "the images' numbers",
          numbers.every((number) => known.has(number)),
          (frame) => imageNumbers[frame * stride],
        ),
      );
    }
    return ways.filter((way) => way.clean);
  });
}

/** By order, where there are as many as frames, or as were filmed, and their names say nothing else. */
function orderWays(
  entries: readonly string[],
  { sources, of, stride }: FilmedFrames,
  frames: readonly number[],
): Way[] {
  const left = sources.length - frames.length; // a flow's last frame
  const order = naturalOrder(entries).map((name) => entries.indexOf(name));
  const isSeries = seriesOf(entries).some(({ skeleton, indices }) =>
    indices.length === entries.length && skeleton !== NUMBER
  );
  const isNumbered = entries.some((entry) => /\d/.test(stemOf(entry)));
  if (isNumbered && !isSeries) return []; // frame numbers, with holes or of several kinds
  if (entries.length === frames.length) {
    return [{ label: "order", clean: true, entries: frames.map((_, at) => order[at]) }];
  }
  if (entries.length !== of || left > 0) return [];
  return [{ label: "order", clean: true, entries: frames.map((frame) => order[frame * stride]) }];
}

/** A number in a skeleton. */
const NUMBER = "#";

/** Names that are alike but for one number. */
interface Series {
  /** `frame_#` */
  skeleton: string;
  /** Of each of its names. */
  numbers: number[];
  /** Where each stands among all. */
  indices: number[];
}

function seriesOf(names: readonly string[]): Series[] {
  const parts = names.map((name) => stemOf(name).match(/\d+|\D+/g) ?? []);
  const isNumber = (part: string) => /^\d/.test(part);
  const bySkeleton = Map.groupBy(
    parts.keys(),
    (i) => parts[i].map((part) => isNumber(part) ? NUMBER : part).join(""),
  );
  return [...bySkeleton].flatMap(([skeleton, indices]) => {
    const [first] = indices;
    const places = [...parts[first].keys()].filter((at) =>
      isNumber(parts[first][at]) &&
      (indices.length === 1 || indices.some((i) => parts[i][at] !== parts[first][at]))
    );
    if (places.length !== 1) return [];
    return [{ skeleton, numbers: indices.map((i) => Number(parts[i][places[0]])), indices }];
  });
}
