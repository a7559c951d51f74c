/**
 * The frames of a video, or of a folder of images, as `000.png`, `001.png` ….
 *
 * @module
 */
import { join } from "node:path";
import { DataError, listFiles, readFile, writeFileAtomically } from "../../src/data/files.ts";
import { exifOrientation, type Orientation, upright } from "../../src/data/formats/exif.ts";
import { imageNames as namesOfImages, type Size } from "../../src/data/scene/frames.ts";
import { decodeImage, readImage } from "../../src/data/formats/image.ts";
import { isJpeg } from "../../src/data/formats/jpeg.ts";
import { encodePng, isPng } from "../../src/data/formats/png.ts";
import { askProgram, type Ended, runProgram } from "./program.ts";
import { StepProgress } from "./step_progress.ts";

/** What is known of the frames when they are there. */
export type FramesInfo = {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** What each was, in the order of `000.png` …: the image's name, or its number in the video. */
  readonly sources: readonly string[];
  /** How many the video or folder has. */
  readonly of: number;
  /** How many of these one was taken of. */
  readonly stride: number;
  /** Names of all images of the folder, in time order. */
  readonly names?: readonly string[];
  /** How each asked to be turned upright, which it was; in the numbers of EXIF. */
  readonly orientations: readonly Orientation[];
  /** Of a video with a high dynamic range what its colors were, before they were mapped to those of screens. */
  readonly toneMapped?: "HLG" | "PQ";
};

/** A flow to both neighbours, and a stretch of time. */
const FEWEST_FRAMES = 3;
/** Optical flow knows nothing smaller: RAFT looks at eighths of the picture, on four levels. */
const SMALLEST_SIDE = 128;

/** `000.png`: the frames' names. */
export function frameName(number: number, ending: string = ".png"): string {
  return String(number).padStart(3, "0") + ending;
}

/** Which frames are kept: every so many, so that at most `most` remain. */
export function strideOf(frames: number, most: number): number {
  return Math.ceil(frames / most);
}

/** What is to be said of frames. */
export function tellFrames(
  { sources, of, stride, width, height, names, orientations, toneMapped }: FramesInfo,
): string {
  const kept = stride > 1 ? `, one of ${stride} of the ${of} there are` : "";
  const isTurned = orientations.some((orientation) => orientation !== 1);
  const upright = isTurned
    ? `, turned upright as ${names ? "their EXIF data say" : "the video says"}`
    : "";
  const mapped = toneMapped ? `, ${toneMapped} mapped to the colors of screens` : "";
  return `${sources.length} of ${width} x ${height}${kept}${upright}${mapped}`;
}

/**
 * Takes the frames out of a video.
 *
 * @param folder Where they go.
 * @param most How many at the most.
 * @throws {DataError} If ffmpeg is missing, the video is damaged or cut short, or it has too few frames or too small ones.
 */
export async function extractFrames(
  video: string,
  folder: string,
  most: number,
  signal: AbortSignal,
): Promise<FramesInfo> {
  const { frames: of, orientation, highRange } = await probe(video, signal);
  requireEnough(of, `"${video}"`);
  const stride = strideOf(of, most), frames = Math.ceil(of / stride);
  {
    using progress = new StepProgress("frames", frames);
    const follow = (line: string) => {
      const frame = /^frame=\s*(\d+)$/.exec(line)?.[1]; // of -progress
      if (frame) progress.update(Number(frame));
    };
    const ended = await runProgram("ffmpeg", [
      ..."-nostdin -v error".split(" "),
      ...input(video),
      ...`-map 0:V:0 -vf select='not(mod(n,${stride}))'${await toneMap(highRange, video, signal)}`
        .split(" "),
      ...await passthrough(signal),
      ..."-pix_fmt rgb24 -start_number 0 -progress pipe:1 -nostats".split(" "),
      `${fileUrl(folder.replaceAll("%", "%%"))}/%03d.png`,
    ], { signal, onLine: follow });
    requireWhole(video, ended);
  }
  const names = await listFiles(folder);
  if (names.length !== frames) {
    throw new DataError(
      `Cannot take the frames of "${video}": ffmpeg gave ${names.length}, wanted ${frames}; ` +
        "encode the video again: ffmpeg -i IN -c:v libx264 -crf 12 OUT.mp4",
    );
  }
  const [height, width] = (await readImage(join(folder, names[0]))).shape;
  requireLarge({ width, height }, `the frames of "${video}" are`);
  const sources = Array.from({ length: frames }, (_, i) => String(i * stride));
  const orientations = sources.map(() => orientation); // ffmpeg has turned them
  const toneMapped = highRange ? { toneMapped: highRange.name } : {};
  return { width, height, sources, of, stride, orientations, ...toneMapped };
}

/**
 * Copies the images of a folder in their natural order: turned upright where their EXIF data say so, which viewers do too, and
 * converted to plain RGB where they are not.
 *
 * @param folder Where they go.
 * @param most How many at the most.
 * @throws {DataError} If an image cannot be read or differs in size, or there are too few or too small ones.
 */
export async function copyFrames(
  images: string,
  folder: string,
  most: number,
  signal: AbortSignal,
): Promise<FramesInfo> {
  const all = await imageNames(images);
  requireEnough(all.length, `folder "${images}"`);
  const stride = strideOf(all.length, most);
  const sources = all.filter((_, i) => i % stride === 0);
  using progress = new StepProgress("frames", sources.length);
  const orientations: Orientation[] = [];
  let size: Size | undefined;
  for (const [i, name] of sources.entries()) {
    signal.throwIfAborted();
    const path = join(images, name);
    const bytes = await readFile(path);
    const orientation = isJpeg(bytes) ? exifOrientation(bytes) : 1;
    orientations.push(orientation);
    const image = upright(await decodeImage(bytes, path), orientation);
    const [height, width] = image.shape;
    size ??= { width, height };
    if (width !== size.width || height !== size.height) {
      throw new DataError(
        `Cannot use "${path}": it is ${width} x ${height}, and "${
          sources[0]
        }" is ${size.width} x ${size.height}; ` +
          "give all images one size",
      );
    }
    if (i === 0) requireLarge(size, `"${path}" is`);
    const png = isPlainPng(bytes) ? bytes : encodePng(image);
    await writeFileAtomically(join(folder, frameName(i)), png);
    progress.update(i + 1);
  }
  return { ...size!, sources, of: all.length, stride, names: all, orientations };
}

/** Names of the images of a folder that is to be prepared. */
export async function imageNames(folder: string): Promise<string[]> {
  return await namesOfImages(folder, "name the folder of the images, or a video");
}

/** What is to be known of a video before its frames are taken. */
interface Probe {
  /** How many it has, by decoding them, since containers lie. */
  frames: number;
  /** How its frames are to be turned, which ffmpeg does; in the numbers of EXIF. */
  orientation: Orientation;
  /** What its colors are, where they are of a high dynamic range. */
  highRange?: HighRange;
}

/** Colors of a high dynamic range, in ffmpeg's words. */
interface HighRange {
  name: "HLG" | "PQ";
  transfer: string;
  primaries: string;
  matrix: string;
}

/** ffmpeg's names of the transfer functions of a high dynamic range. */
const HIGH_RANGES: Readonly<Record<string, HighRange["name"]>> = {
  "arib-std-b67": "HLG",
  smpte2084: "PQ",
};
/** Luminance of diffuse white in such videos, cd/m², and of their highlights as a multiple of it: ITU-R BT.2408. */
const WHITE_NITS = 203, PEAK = 5;

/**
 * The filters that map a high dynamic range to the colors that screens show without it: diffuse white becomes white, what is
 * darker than nine tenths of it keeps its luminance, and highlights are compressed.
 *
 * @throws {DataError} If this ffmpeg has no such filter.
 */
async function toneMap(
  range: HighRange | undefined,
  video: string,
  signal: AbortSignal,
): Promise<string> {
  if (!range) return "";
  const { name, transfer, primaries, matrix } = range;
  const filters = await askProgram("ffmpeg", ["-hide_banner", "-filters"], signal);
  if (!/ zscale /.test(filters) || !/ tonemap /.test(filters)) {
    throw new DataError(
      `Cannot take the frames of "${video}": its colors are ${name}, of a high dynamic range, and this ffmpeg has no ` +
        `zscale to map them to those of screens; install an ffmpeg with zimg, or film or export it as SDR`,
    );
  }
  return [
    "",
    `setparams=color_primaries=${primaries}:color_trc=${transfer}:colorspace=${matrix}`, // some files say less
    `zscale=t=linear:npl=${WHITE_NITS}`,
    "format=gbrpf32le",
    "zscale=p=bt709",
    `tonemap=mobius:param=0.9:desat=0:peak=${PEAK}`,
    "zscale=t=bt709:m=bt709:r=full",
  ].join(",");
}

/** Containers that hold frames; others are lists of files and addresses, which ffmpeg would open too. */
const CONTAINERS =
  "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,mjpeg,flv,ogg,gif,asf,mxf,dv,nut,wtv";

/** Names a video for ffmpeg and ffprobe, which may open nothing else for it. */
function input(video: string): string[] {
  return ["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS, "-i", fileUrl(video)];
}

/** For each turn of a display matrix, degrees counterclockwise, the orientation that EXIF has for it. */
const ORIENTATIONS: Readonly<Record<number, Orientation>> = {
  0: 1,
  [-90]: 6,
  90: 8,
  180: 3,
  [-180]: 3,
};

async function probe(video: string, signal: AbortSignal): Promise<Probe> {
  const ended = await runProgram("ffprobe", [
    ...("-v error -count_frames -select_streams V:0 -show_entries stream=nb_read_frames," +
      "color_transfer,color_primaries,color_space:stream_side_data=rotation -of json").split(" "),
    ...input(video),
  ], { signal });
  requireWhole(video, ended);
  type Stream = {
    nb_read_frames?: string;
    color_transfer?: string;
    color_primaries?: string;
    color_space?: string;
    side_data_list?: { rotation?: number }[];
  };
  let streams: Stream[] = [];
  try {
    streams = JSON.parse(ended.output).streams ?? [];
  } catch {
    // says so below
  }
  const [{ nb_read_frames: frames = 0, side_data_list: sides = [], ...colors } = {}] = streams;
  const turn = sides.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  if (Number(frames) > 0) {
    const orientation = ORIENTATIONS[Math.round(turn)] ?? 1;
    const transfer = colors.color_transfer ?? "", name = HIGH_RANGES[transfer];
    if (!name) return { frames: Number(frames), orientation };
    const known = (value: string | undefined, usual: string) =>
      value === undefined || value === "unknown" ? usual : value;
    const primaries = known(colors.color_primaries, "bt2020");
    const matrix = known(colors.color_space, "bt2020nc");
    return {
      frames: Number(frames),
      orientation,
      highRange: { name, transfer, primaries, matrix },
    };
  }
  throw new DataError(`Cannot read "${video}": it has no pictures; name a video`);
}

/** Refuses a video before anything long begins, where a program is missing. */
export async function requireFfmpeg(signal: AbortSignal): Promise<void> {
  for (const name of ["ffmpeg", "ffprobe"] as const) await askProgram(name, ["-version"], signal);
}

/** What makes ffmpeg neither repeat nor drop frames, under the name that this version has for it. */
async function passthrough(signal: AbortSignal): Promise<string[]> {
  const help = await askProgram("ffmpeg", ["-hide_banner", "-h", "long"], signal);
  return help.includes("-fps_mode") ? ["-fps_mode", "passthrough"] : ["-vsync", "0"];
}

/** Decoders of sound, which programs try when they look at a file. */
const SOUND =
  /^\[(aac|mp[123]|ac3|eac3|opus|vorbis|flac|alac|pcm|amr|dca|dts|truehd|wma|adpcm|speex|qdm2)/i;
/** What decoders say of streams that were cut without encoding them again, whose frames are whole. */
const HARMLESS =
  /mmco: unref short failure|co located POCs unavailable|Late SEI is not implemented|If you want to help, upload a sample/;

/** What programs say of the pictures of a video that is not whole; nothing of its sound, nor what means nothing. */
export function complaintsOfPictures(complaints: readonly string[]): string[] {
  return complaints.filter((line) =>
    !SOUND.test(line) && !HARMLESS.test(line) && !/^\s*Last message repeated/.test(line)
  );
}

/** Both programs go on after what they could not decode, with success, and only complain. */
function requireWhole(video: string, { code, complaints: all }: Ended): void {
  const complaints = complaintsOfPictures(all);
  if (code === 0 && complaints.length === 0) return;
  if (all.some((line) => /not on whitelist/.test(line))) {
    throw new DataError(
      `Cannot read "${video}": it is no file of frames, but maybe a list of other files or addresses (a playlist), ` +
        `which are not opened for it; name the video itself, or save it as .mp4 or .mkv`,
    );
  }
  const said = complaints.slice(0, 3).map((line) => line.replace(`${fileUrl(video)}: `, "").trim());
  throw new DataError(
    `Cannot read "${video}": ffmpeg says "${
      said.join("; ") || `exit code ${code}`
    }"; it is damaged or cut short: ` +
      "copy it again, or encode what is there: ffmpeg -i IN -c:v libx264 -crf 12 OUT.mp4",
  );
}

function requireEnough(frames: number, what: string): void {
  if (frames >= FEWEST_FRAMES) return;
  throw new DataError(
    `Cannot prepare ${what}: it has ${frames} ${frames === 1 ? "frame" : "frames"}, ` +
      `wanted ${FEWEST_FRAMES} or more; a camera's path and what moves show in several only`,
  );
}

function requireLarge({ width, height }: Size, whose: string): void {
  if (Math.min(width, height) >= SMALLEST_SIDE) return;
  throw new DataError(
    `Cannot prepare a scene: ${whose} ${width} x ${height}, ` +
      `wanted ${SMALLEST_SIDE} or more each way, which optical flow needs; take the video as it was filmed`,
  );
}

/** Whether a PNG has 8 bits of red, green and blue, not interlaced: what all its readers take. */
function isPlainPng(bytes: Uint8Array): boolean {
  const [depth, color, interlace] = [bytes[24], bytes[25], bytes[28]];
  return isPng(bytes) && depth === 8 && color === 2 && interlace === 0;
}

/** A name that ffmpeg cannot take for a protocol or a flag. */
function fileUrl(path: string): string {
  return `file:${path}`;
}
