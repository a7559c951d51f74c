import { Buffer } from "node:buffer";
import { close, fstatSync, openSync, read } from "node:fs";
import { Readable } from "node:stream";
// @ts-types="npm:@types/yauzl@3.4.0"
import yauzl from "npm:yauzl@3.4.0";

const CHUNK = 1 << 18;

type Done = (error: Error | null) => void;

/**
 * Reads a file by ranges. yauzl's own reader throws where nobody can catch it when a damaged directory points too far; this one
 * says so.
 */
export class ArchiveReader extends yauzl.RandomAccessReader {
  /** Size of the file. */
  readonly bytes: number;
  readonly #file: number;
  #isOpen = true;

  constructor(path: string) {
    super();
    this.#file = openSync(path, "r");
    this.bytes = fstatSync(this.#file).size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: Done,
  ): void {
    if (position >= 0 && position + length <= this.bytes) {
      read(this.#file, buffer, offset, length, position, done);
    } else {
      const error = new Error("it is damaged or cut short: it points to what is not there");
      queueMicrotask(() => done(error));
    }
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#chunks(start, end), { objectMode: false });
  }

  override close(done: Done = () => {}): void {
    if (!this.#isOpen) return queueMicrotask(() => done(null));
    this.#isOpen = false;
    close(this.#file, done);
  }

  async *#chunks(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      const chunk = Buffer.alloc(Math.min(CHUNK, end - at));
      await new Promise<void>((resolve, reject) =>
        this.read(chunk, 0, chunk.length, at, (error) => error ? reject(error) : resolve())
      );
      yield chunk;
      at += chunk.length;
    }
  }
}
