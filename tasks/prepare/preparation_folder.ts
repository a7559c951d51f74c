/**
 * A scene's folder while it is prepared: which steps are done, and from what.
 *
 * ```
 * data/my/
 *   images/ poses_bounds.npy disp/ flow/ motion_masks/   the scene
 *   preview.png             a few frames with all that
 *   preparation.json        what each step was made from
 *   preparation/            what only the preparation reads: can be removed when it is done
 * ```
 *
 * @module
 */
import { basename, join } from "node:path";
import {
  DataError,
  exists,
  readFile,
  reason,
  writeFileAtomically,
  writeFolderAtomically,
} from "../../src/data/files.ts";
import { contentOf, countFiles } from "./content_hash.ts";

/** A plain value, as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | {
  readonly [key: string]: Json;
};

/** The video or folder of images that a scene is made of. */
export interface Source {
  /** As the command line names it. */
  path: string;
  /** Of what it holds. */
  sha256: string;
}

/** A step of the preparation: one file or folder, made from what `from` says and nothing else. */
export interface Step<Info extends Json> {
  /** `frames`, `poses`. */
  name: string;
  /** Where it goes, in the scene's folder. */
  output: string;
  /** Settings, and hashes of what it reads: equal ones make an equal step. */
  from: Json;
  /** What is to be said of it when it is done, or was. */
  tell?: ((info: Info) => string) | undefined;
  /** Whether files that it has written outlive a stop: the folder that it fills has them already when it goes on. */
  keepsFiles?: boolean;
}

/** A step that is done. */
export interface Done<Info> {
  /** The file or folder. */
  path: string;
  /** Hash of what it holds: for steps that read it. */
  sha256: string;
  /** What its making told. */
  info: Info;
}

interface StepRecord {
  output: string;
  from: Json;
  files: number;
  sha256: string;
  info: Json;
}

interface Preparation {
  version: number;
  source: Source;
  steps: Record<string, StepRecord>;
}

/** Counted up when steps make something else from the same: older ones are made again. */
const VERSION = 2;
const RECORD = "preparation.json";
/** The folder of what only the preparation reads. */
export const WORK = "preparation";
const LOCK = "lock";
/** Says what an unfinished folder is made from. */
const MARK = ".from.json";
/** What a step that was killed leaves: see `writeFolderAtomically`. */
const LEFTOVER = /\.[0-9a-f]{8}\.part$/;

/** How a folder is opened. */
export interface OpenOptions {
  signal: AbortSignal;
  /** Hears a line about each step. */
  onLine: (line: string) => void;
  /** Whether it may be made anew from another source. */
  replace?: boolean;
}

/** A scene's folder that one process at a time prepares. */
export class PreparationFolder implements Disposable {
  readonly #signal: AbortSignal;
  readonly #onLine: (line: string) => void;

  private constructor(
    /** The scene's folder. */
    readonly directory: string,
    private readonly lock: Deno.FsFile,
    private readonly record: Preparation,
    { signal, onLine }: OpenOptions,
  ) {
    this.#signal = signal;
    this.#onLine = onLine;
  }

  /**
   * Opens a folder, or makes it.
   *
   * @throws {DataError} If it holds something else, or another process prepares it.
   */
  static async open(
    directory: string,
    source: Source,
    options: OpenOptions,
  ): Promise<PreparationFolder> {
    const before = await readRecord(directory);
    if (before === undefined) await requireEmpty(directory);
    else requireSame(directory, source, before, options);
    const lock = await takeLock(directory);
    try {
      await removeLeftovers(directory);
      const steps = before?.version === VERSION ? before.steps : {};
      const folder = new PreparationFolder(
        directory,
        lock,
        { version: VERSION, source, steps },
        options,
      );
      await folder.#save();
      return folder;
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  /** Path of something in the folder. */
  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** Names of the steps that have been done so far, now or before. */
  get done(): string[] {
    return Object.keys(this.record.steps);
  }

  /** Lets a step be done again though nothing changed. */
  async forget(name: string): Promise<void> {
    delete this.record.steps[name];
    await this.#save();
  }

  /** Forgets a step and removes what it made. */
  async remove(name: string): Promise<void> {
    const step = this.record.steps[name];
    if (!step) return;
    await this.forget(name);
    await Deno.remove(this.path(step.output), { recursive: true }).catch(() => {});
  }

  /**
   * Does a step that fills a folder, unless it is done and what it was made from is the same.
   *
   * @param fill Writes into a folder that takes its name when it is whole; what it gives is kept with the step.
   */
  folder<Info extends Json>(
    step: Step<Info>,
    fill: (folder: string) => Promise<Info>,
  ): Promise<Done<Info>> {
    if (step.keepsFiles) return this.#do(step, (path) => this.#goOn(path, step.from, fill));
    return this.#do(step, async (path) => {
      let info: Info;
      await writeFolderAtomically(path, async (folder) => {
        info = await fill(folder);
      });
      return info!;
    });
  }

  /**
   * Does a step that makes a file, unless it is done and what it was made from is the same.
   *
   * @param make Gives the file's bytes, and what is kept with the step.
   */
  file<Info extends Json>(
    step: Step<Info>,
    make: () => Promise<{ bytes: Uint8Array; info: Info }>,
  ): Promise<Done<Info>> {
    return this.#do(step, async (path) => {
      const { bytes, info } = await make();
      await writeFileAtomically(path, bytes);
      return info;
    });
  }

  /** Lets others prepare it. */
  [Symbol.dispose](): void {
    this.lock.close();
  }

  async #do<Info extends Json>(
    { name, output, from, tell }: Step<Info>,
    make: (path: string) => Promise<Info>,
  ): Promise<Done<Info>> {
    this.#signal.throwIfAborted();
    const path = this.path(output);
    const known = this.record.steps[name];
    if (known && isEqual(known.from, from) && await countFiles(path) === known.files) {
      const info = known.info as Info;
      if (tell) this.#onLine(`${name}: ${tell(info)} (done before)`);
      return { path, sha256: known.sha256, info };
    }
    await this.forget(name); // what is there may be replaced from here on
    try {
      const info = await make(path);
      const { sha256, files } = await contentOf(path, this.#signal);
      this.record.steps[name] = { output, from, files, sha256, info };
      await this.#save();
      if (tell) this.#onLine(`${name}: ${tell(info)}`);
      return { path, sha256, info };
    } catch (error) {
      this.#signal.throwIfAborted(); // else it would be wrapped
      throw error;
    }
  }

  /** Fills a folder that outlives a stop, and puts it in place when it is whole. */
  async #goOn<Info>(
    path: string,
    from: Json,
    fill: (folder: string) => Promise<Info>,
  ): Promise<Info> {
    const unfinished = this.path(WORK, `${basename(path)}.unfinished`);
    const mark = join(unfinished, MARK), text = JSON.stringify(from);
    if (await Deno.readTextFile(mark).catch(() => undefined) !== text) {
      await Deno.remove(unfinished, { recursive: true }).catch(() => {});
      await Deno.mkdir(unfinished);
      await writeFileAtomically(mark, new TextEncoder().encode(text));
    }
    const info = await fill(unfinished);
    await writeFolderAtomically(path, async (folder) => {
      await Deno.remove(folder); // the finished one takes its place
      await Deno.rename(unfinished, folder);
      await Deno.remove(join(folder, MARK));
    });
    return info;
  }

  async #save(): Promise<void> {
    const text = `${JSON.stringify(this.record, null, 2)}\n`;
    await writeFileAtomically(this.path(RECORD), new TextEncoder().encode(text));
  }
}

function isEqual(one: Json, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

async function readRecord(directory: string): Promise<Preparation | undefined> {
  const path = join(directory, RECORD);
  if (!await exists(path)) return undefined;
  try {
    const record = JSON.parse(new TextDecoder().decode(await readFile(path))) as Preparation;
    const isWhole = typeof record?.version === "number" && typeof record.steps === "object" &&
      typeof record.source?.path === "string" && typeof record.source.sha256 === "string";
    if (isWhole) return record;
  } catch (error) {
    if (error instanceof DataError) throw error;
  }
  throw new DataError(
    `Cannot go on with "${directory}": its ${RECORD} is damaged; remove that file's folder, or choose another with --out`,
  );
}

async function requireEmpty(directory: string): Promise<void> {
  if (!await exists(directory)) return;
  try {
    for await (const { name } of Deno.readDir(directory)) {
      if (name === WORK) continue; // a start that ended before it could say what it prepares
      throw new DataError(
        `Cannot prepare a scene in "${directory}": it is not empty (it has "${name}") and no preparation; ` +
          "choose another folder with --out",
      );
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`Cannot prepare a scene in "${directory}": ${reason(error)}`);
  }
}

function requireSame(
  directory: string,
  source: Source,
  { source: before, steps }: Preparation,
  { replace = false, onLine }: OpenOptions,
): void {
  if (source.sha256 === before.sha256 || Object.keys(steps).length === 0) return;
  const other = source.path === before.path
    ? `that of an earlier "${before.path}", which has changed since`
    : `that of "${before.path}"`;
  if (!replace) {
    throw new DataError(
      `Cannot prepare "${source.path}" in "${directory}": the preparation there is ${other}; ` +
        "choose another folder with --out, or --replace that one",
    );
  }
  onLine(`Replacing the preparation in "${directory}": it is ${other}.`);
}

/** A lock that the system lets go when the process ends, however it ends. */
async function takeLock(directory: string): Promise<Deno.FsFile> {
  const path = join(directory, WORK, LOCK);
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(join(directory, WORK), { recursive: true });
    file = await Deno.open(path, { create: true, write: true });
  } catch (error) {
    throw new DataError(`Cannot write "${path}": ${reason(error)}`, { cause: error });
  }
  if (await file.tryLock(true)) return file;
  file.close();
  throw new DataError(
    `Cannot prepare "${directory}": another process does it at the moment; wait for it, or stop it`,
  );
}

async function removeLeftovers(directory: string): Promise<void> {
  const entries = await Array.fromAsync(Deno.readDir(join(directory, WORK)));
  const unfinished = entries.map(({ name }) => name).filter((name) => name.endsWith(".unfinished"));
  for (const folder of ["", WORK, ...unfinished.map((name) => join(WORK, name))]) {
    for await (const { name } of Deno.readDir(join(directory, folder))) {
      if (!LEFTOVER.test(name)) continue;
      const path = join(directory, folder, name);
      await Deno.remove(path, { recursive: true }).catch(() => {}); // a program may write there still
    }
  }
}
