import { dirname } from "node:path";
import { DataError, reason, writeFileAtomically } from "../files.ts";

/** What a server says of the file that it sends. */
export interface ServedFile {
  /** Its size, where the server tells. */
  total?: number | undefined;
  /** What tells this version of the file from others: an ETag or a date, for `If-Range`. Without one a cut cannot be mended. */
  validator?: string | undefined;
}

/**
 * A file on its way from a server: `PATH.part`, and beside it `PATH.part.json` with its address, size and version, so that
 * another process can go on with it. Nobody else can have it open at the same time.
 */
export class PartFile implements Disposable {
  /** Where it is until it is whole. */
  readonly path: string;
  readonly #whole: string;
  readonly #url: string;
  readonly #file: Deno.FsFile;
  #served: ServedFile = {};
  #bytes = 0;

  private constructor(path: string, url: string, file: Deno.FsFile) {
    this.#whole = path;
    this.path = `${path}.part`;
    this.#url = url;
    this.#file = file;
  }

  /**
   * Opens what is there of a file, or begins it.
   *
   * @throws {DataError} If the folder cannot be written, or another process fetches the same file.
   */
  static async open(path: string, url: string): Promise<PartFile> {
    try {
      await Deno.mkdir(dirname(path), { recursive: true });
      const file = await Deno.open(`${path}.part`, { read: true, write: true, create: true });
      const part = new PartFile(path, url, file);
      if (!await file.tryLock(true)) {
        file.close();
        throw new DataError(
          `Cannot write "${part.path}": another process is fetching it; wait for that`,
        );
      }
      await part.#recall();
      return part;
    } catch (error) {
      if (error instanceof DataError) throw error;
      throw new DataError(`Cannot write "${path}.part": ${reason(error)}`, { cause: error });
    }
  }

  /** How much has come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What the server said of the file when it was begun. */
  get served(): ServedFile {
    return this.#served;
  }

  /** Whether all has come; false where the server did not tell the size. */
  get isWhole(): boolean {
    return this.#bytes > 0 && this.#bytes === this.#served.total;
  }

  /** Forgets what has come, and takes note of what comes now. */
  async restart(served: ServedFile = {}): Promise<void> {
    await this.#file.truncate(0);
    await this.#file.seek(0, Deno.SeekMode.Start);
    this.#bytes = 0;
    this.#served = served;
    const facts = JSON.stringify({ url: this.#url, ...served });
    await writeFileAtomically(`${this.path}.json`, new TextEncoder().encode(facts));
  }

  /** @throws {DataError} If the disk is full; what was written before stays. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        const written = await this.#file.write(bytes.subarray(at));
        at += written;
        this.#bytes += written;
      }
    } catch (error) {
      throw new DataError(
        `Cannot write "${this.path}" beyond ${this.#bytes} bytes: ${reason(error)}; ` +
          "what has come stays there, and the next run goes on with it",
        { cause: error },
      );
    }
  }

  /** Gives the whole file its name. */
  async finish(): Promise<void> {
    try {
      await this.#file.sync();
      await Deno.rename(this.path, this.#whole);
      await Deno.remove(`${this.path}.json`);
    } catch (error) {
      throw new DataError(`Cannot write "${this.#whole}": ${reason(error)}`, { cause: error });
    }
  }

  /** Closes the file; what has come stays. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  /** Goes on with what an earlier process left, if it is of the same address and its version is known. */
  async #recall(): Promise<void> {
    const facts = await this.#facts();
    if (facts?.url === this.#url && typeof facts.validator === "string") {
      const { total, validator } = facts;
      this.#served = { total: typeof total === "number" ? total : undefined, validator };
      this.#bytes = await this.#file.seek(0, Deno.SeekMode.End);
      if (this.#bytes <= (this.#served.total ?? Infinity)) return;
    }
    await this.restart();
  }

  async #facts(): Promise<Record<string, unknown> | undefined> {
    try {
      return JSON.parse(await Deno.readTextFile(`${this.path}.json`));
    } catch {
      return undefined; // none, or damaged: begin anew
    }
  }
}
