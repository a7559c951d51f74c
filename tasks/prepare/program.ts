/**
 * Programs beside this one: ffmpeg, ffprobe, COLMAP; what they print, line by line, and how they end.
 *
 * @module
 */
import { DataError } from "../../src/data/files.ts";
import { WITHOUT_DRIVER } from "../driver/run_deno.ts";

/** How a program is installed, and what does without it. */
interface Installation {
  /** Debian's package. */
  package: string;
  /** For who has no Debian. */
  page: string;
  /** What does without it. */
  instead: string;
}

const ffmpeg: Installation = {
  package: "ffmpeg",
  page: "https://ffmpeg.org/download.html",
  instead: "name a folder of images in place of the video",
};

/** The programs that tasks may start. */
const PROGRAMS = {
  ffmpeg,
  ffprobe: ffmpeg,
  colmap: {
    package: "colmap",
    page: "https://colmap.github.io/install.html",
    instead: "give the poses that you have with --poses",
  },
} satisfies Record<string, Installation>;

/** A program's name. */
export type ProgramName = keyof typeof PROGRAMS;

/** Lines that are kept for messages. */
const KEPT_LINES = 200;
/** After being asked to end. */
const PATIENCE_MS = 5000;
/** Ctrl-C reaches the program and us at once: how long we may be the slower one. */
const SAME_KEY_MS = 100;

/** Who follows a program. */
export interface FollowOptions {
  /** Ends it. */
  signal: AbortSignal;
  /** Hears every line of both outputs, as it comes. */
  onLine?: (line: string) => void;
}

/** How a program ended. */
export interface Ended {
  /** Its exit code; 0 is success. */
  code: number;
  /** What it wrote to its standard output. */
  output: string;
  /** The last lines that it wrote to its standard error. */
  complaints: string[];
  /** The last lines of both, as they came. */
  lines: string[];
}

/**
 * Runs a program to its end.
 *
 * @throws {DataError} If it is not installed: says how to do that, and what does without.
 * @throws The signal's reason, once the program has ended, if it was aborted.
 */
export async function runProgram(
  name: ProgramName,
  args: readonly string[],
  { signal, onLine }: FollowOptions,
): Promise<Ended> {
  signal.throwIfAborted();
  const child = spawn(name, args);
  const kill = (how: Deno.Signal) => {
    try {
      child.kill(how);
    } catch {
      // it has ended already
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    kill("SIGTERM");
    timer = setTimeout(() => kill("SIGKILL"), PATIENCE_MS);
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    const lines: string[] = [], complaints: string[] = [];
    const follow = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, kept?: string[]) => {
      let text = "";
      for await (const line of linesOf(stream)) {
        if (kept) keep(kept, line);
        else text += `${line}\n`;
        keep(lines, line);
        onLine?.(line);
      }
      return text;
    };
    const [output, , { code }] = await Promise.all([
      follow(child.stdout),
      follow(child.stderr, complaints),
      child.status,
    ]);
    if (code !== 0) await new Promise((resolve) => setTimeout(resolve, SAME_KEY_MS));
    signal.throwIfAborted();
    return { code, output, complaints, lines };
  } finally {
    signal.removeEventListener("abort", end);
    clearTimeout(timer);
  }
}

/**
 * What a program says of itself.
 *
 * @throws {DataError} If it is not installed.
 */
export async function askProgram(
  name: ProgramName,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { output, complaints } = await runProgram(name, args, { signal });
  return [output, ...complaints].join("\n"); // some print their help on the one, some on the other
}

function spawn(name: ProgramName, args: readonly string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(name, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { ...WITHOUT_DRIVER, QT_QPA_PLATFORM: "offscreen" }, // so that COLMAP starts without a screen
    }).spawn();
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable; // the task starter grants only programs that are there
    if (!missing) throw error;
    throw new DataError(missingProgram(name), { cause: error });
  }
}

function missingProgram(name: ProgramName): string {
  const { package: debian, page, instead } = PROGRAMS[name];
  return `Cannot run "${name}": there is no such program; install it (apt install ${debian}, brew install ${debian}, ` +
    `or ${page}), or ${instead}`;
}

/** Lines of a stream; a carriage return ends one too, as in lines of progress that are written over. */
async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncIterable<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split(/\r?\n|\r/);
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest !== "") yield rest;
}

function keep(lines: string[], line: string): void {
  if (line.trim() === "") return;
  lines.push(line);
  if (lines.length > KEPT_LINES) lines.shift();
}
